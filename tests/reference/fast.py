"""Slow, plain twins of CaloFast: one event and one voxel at a time, in double precision."""

import math

import numpy as np


def numbers(tensor):
    """Give a tensor as an array."""
    return tensor.detach().double().numpy()


def silu(x):
    return x / (1.0 + np.exp(-np.clip(x, -700.0, 700.0)))


def affine(layer, x):
    bias = 0.0 if layer.bias is None else numbers(layer.bias)
    return numbers(layer.weight) @ x + bias


def perceptron(network, x):
    """Matrices with SiLU in between."""
    matrices = [layer for layer in network.layers if hasattr(layer, "weight")]
    for matrix in matrices[:-1]:
        x = silu(affine(matrix, x))
    return affine(matrices[-1], x)


def photon_hinges(photons, energy, eta):
    """Pieces of lines, from 0 to 8."""
    weight, bias = numbers(photons.weight), numbers(photons.bias)
    found = []
    for feature in range(len(bias)):
        of_energy = weight[:16, feature].sum()  # all columns are log E
        line = of_energy * math.log(energy) + weight[16, feature] * eta + bias[feature]
        found.append(min(max(line, 0.0), 8.0))
    return np.array(found)


def layer_energies(energies, features, energy, noise):
    """The visible fraction, and what part of it each layer holds."""
    o = perceptron(energies.network, np.concatenate([features, noise]))
    middle, stochastic, constant = numbers(energies.resolution)
    visible = max(0.0, middle + math.sqrt(stochastic / energy + constant) * o[0])
    squares = [max(0.0, number) ** 2 for number in o[1:]]
    if sum(squares) == 0.0:
        return visible, np.full(len(squares), 1.0 / len(squares))
    return visible, np.array(squares) / sum(squares)


def fill(shares, energy, layer_sizes):
    """Shares of each layer become energies; the first voxel holds all if there are none."""
    voxels = np.zeros(len(shares))
    start = 0
    for layer, size in enumerate(layer_sizes):
        part = shares[start : start + size]
        if part.sum() > 0.0:
            voxels[start : start + size] = energy[layer] * part / part.sum()
        else:
            voxels[start] = energy[layer]
        start += size
    return voxels


def voxels_of_layers(shapes, features, shares, energy, noise):
    """Voxels of one event, in MeV."""
    roots = [math.sqrt(share) for share in shares] + [0.1 * e**0.25 for e in energy]
    neurons = silu(affine(shapes.of_condition, np.concatenate([features, roots])))
    parts = np.split(affine(shapes.for_shower, neurons), np.cumsum(shapes.sizes)[:-1])
    entered, scale, threshold, constant, linear, square, centre = parts
    hidden = silu(entered + affine(shapes.enter, noise))
    common = perceptron(shapes.network, hidden)
    q = np.zeros(len(noise))
    for i in range(len(noise)):
        y = common[i] + scale[i] * noise[i]
        exponent = min(constant[i] + linear[i] * y + square[i] * y * y, 5.0)
        q[i] = max(0.0, y - threshold[i]) * math.exp(exponent)
    voxels = fill(q, energy, shapes.layer_sizes)
    return move(shapes, voxels, energy, noise, centre) if shapes.moved else voxels


def move(shapes, voxels, energy, noise, centre):
    """Tilt the voxels towards the energy centre that the noise draws."""
    width, strength = centre
    positions, tilts = numbers(shapes.positions), numbers(shapes.tilts)
    directions = numbers(shapes.directions)
    factor = np.ones(len(voxels))
    for axis in (0, 1):
        drawn = width * sum(noise * directions[:, axis])
        found = sum(voxels * positions[:, axis]) / max(sum(energy), 1e-12)
        slope = min(max(strength * (drawn - found), -1.0 / 30.0), 1.0 / 30.0)
        factor += slope * tilts[axis]
    return fill(voxels * np.maximum(factor, 0.0), energy, shapes.layer_sizes)
