"""Slow plain twins of the phi modulation: profiles hit by hit, the loss term by term."""

import math

import numpy as np

PERIOD = 2 * math.pi / 1024


def profile_twin(hits, event, n_bins, shift=0.0, factor=None):
    """Profile and centre phase of one event, moved by shift in phi; factor(layer, old, new)."""
    profile = np.zeros((4, n_bins))
    weighted, total = 0.0, 0.0
    for hit in range(hits.event_offsets[event], hits.event_offsets[event + 1]):
        layer, phi = int(hits.layer[hit]), float(hits.phi[hit])
        new = phi + shift
        energy = float(hits.energy[hit]) * (factor(layer, phi, new) if factor else 1.0)
        distance = math.remainder(phi - float(hits.photons.phi[event]), 2 * math.pi)
        weighted += energy * distance
        total += energy
        if layer < 4:
            profile[layer, int((new % PERIOD) / PERIOD * n_bins) % n_bins] += energy
    center = float(hits.photons.phi[event]) + weighted / total + shift
    return profile / float(hits.photons.energy[event]), center % PERIOD


def loss_twin(curves, means, settings):
    """The loss of one resampling, written as in the docstring of the fit."""
    n_phases, n_layers, n_bins = means.shape
    layer_energy = np.zeros((n_phases, n_layers))
    for phase in range(n_phases):
        for layer in range(n_layers):
            for b in range(n_bins):
                layer_energy[phase, layer] += means[phase, layer, b] / curves[layer, b]
    total = layer_energy.sum(axis=1)
    loss = np.std(total) / np.mean(total)
    for layer in range(n_layers):
        own = layer_energy[:, layer]
        loss += settings.layer_weight * np.std(own) / np.mean(own)
        bend = [
            curves[layer, (b + 1) % n_bins] - 2 * curves[layer, b] + curves[layer, b - 1]
            for b in range(n_bins)
        ]
        tilt = [curves[layer, b] - curves[layer, n_bins - 1 - b] for b in range(n_bins)]
        loss += settings.noise_weight * np.mean(np.square(bend))
        loss += settings.symmetry_weight * np.mean(np.square(tilt))
    return loss


def gradient_twin(curves, means, settings, step=1e-6):
    """Central differences of the loss."""
    gradient = np.zeros_like(curves)
    for index in np.ndindex(curves.shape):
        up, down = curves.copy(), curves.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (loss_twin(up, means, settings) - loss_twin(down, means, settings)) / (
            2 * step
        )
    return gradient


def adam_twin(means, settings):
    """Adam bin by bin with the numerical gradient."""
    curves = np.ones(means.shape[1:])
    first, second = np.zeros_like(curves), np.zeros_like(curves)
    for step in range(settings.steps):
        slope = gradient_twin(curves, means, settings)
        size = settings.learning_rate * 0.5 * (1 + math.cos(math.pi * step / settings.steps))
        for index in np.ndindex(curves.shape):
            first[index] = 0.9 * first[index] + 0.1 * slope[index]
            second[index] = 0.999 * second[index] + 0.001 * slope[index] ** 2
            m = first[index] / (1 - 0.9 ** (step + 1))
            v = second[index] / (1 - 0.999 ** (step + 1))
            curves[index] -= size * m / (math.sqrt(v) + 1e-12)
        for layer in range(len(curves)):
            curves[layer] /= curves[layer].mean()
    return curves


def phi_in_cells_twin(layer, eta, phi, cells):
    """phi - phi_cell hit by hit, with the cell whose centre is nearest in half-widths."""
    found = np.asarray(phi, dtype=np.float64).copy()
    for hit in range(len(layer)):
        if layer[hit] == 12:
            continue
        rows = np.flatnonzero(cells.layer == layer[hit])
        d_phi = np.remainder(phi[hit] - cells.phi[rows] + math.pi, 2 * math.pi) - math.pi
        d_eta = eta[hit] - cells.eta[rows]
        distance = np.maximum(np.abs(d_eta) / cells.d_eta[rows], np.abs(d_phi) / cells.d_phi[rows])
        nearest = len(rows) - 1 - np.argmin(distance[::-1])
        found[hit] = d_phi[nearest]
    return found
