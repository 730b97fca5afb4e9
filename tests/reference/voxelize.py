"""Slow plain twin of hits_to_voxels: one hit and one voxel at a time, written from the note."""

import math

import numpy as np

from calovox.arrays import Array
from calovox.geometry.barrel import BARREL_NUMBERS, layer_radius
from calovox.hits import Hits
from calovox.voxelization import VoxelGrid


def slow_center(hits: Hits, event: int) -> tuple[float, float]:
    rows = range(hits.event_offsets[event], hits.event_offsets[event + 1])
    energy = hits.energy[rows].astype(float)
    if energy.sum() <= 0:
        return hits.photons.eta[event], hits.photons.phi[event]
    eta = np.sum(energy * hits.eta[rows].astype(float)) / energy.sum()
    towards_photon = np.exp(1j * (hits.phi[rows].astype(float) - hits.photons.phi[event]))
    phi = hits.photons.phi[event] + np.sum(energy * np.angle(towards_photon)) / energy.sum()
    return eta, math.remainder(phi, 2 * math.pi)


def slow_polar(
    eta: float, phi: float, eta_center: float, phi_center: float, r_center: float
) -> tuple[float, float]:
    z_center = r_center * math.sinh(eta_center)
    d_phi = math.remainder(phi - phi_center, 2 * math.pi)
    d_eta = -(eta - eta_center) if eta_center < 0 else eta - eta_center
    a = math.hypot(r_center, z_center)
    j = abs(2 * math.exp(-eta_center) / (1 + math.exp(-2 * eta_center)))
    x, y = d_eta * j * a, d_phi * r_center
    return math.hypot(x, y), math.atan2(y, x) % (2 * math.pi)


def slow_find(grid: VoxelGrid, layer: int, r: float, alpha: float) -> int:
    inside = (grid.layer == layer) & (grid.r_min <= r) & (r < grid.r_max)
    inside &= (grid.alpha_min <= alpha) & (alpha < grid.alpha_max)
    found = np.flatnonzero(inside)
    assert len(found) <= 1, "voxels overlap"
    return int(found[0]) if len(found) else -1


def slow_voxels(hits: Hits, grid: VoxelGrid, center: str) -> tuple[Array, Array]:
    """Fractions of the kinetic energy in the voxels, and the dropped fraction."""
    energy = np.zeros((len(hits), grid.n_voxels))
    dropped = np.zeros(len(hits))
    for event in range(len(hits)):
        eta, phi = hits.photons.eta[event], hits.photons.phi[event]
        if center == "hits":
            eta, phi = slow_center(hits, event)
        for hit in range(hits.event_offsets[event], hits.event_offsets[event + 1]):
            layer = int(hits.layer[hit])
            r_center = float(layer_radius(layer, eta))
            polar = slow_polar(float(hits.eta[hit]), float(hits.phi[hit]), eta, phi, r_center)
            voxel = slow_find(grid, layer, *polar)
            if voxel < 0:
                dropped[event] += hits.energy[hit]
            else:
                energy[event, voxel] += hits.energy[hit]
        for layer in BARREL_NUMBERS:
            of_layer = energy[event, grid.layer == layer]
            total, positive = of_layer.sum(), of_layer[of_layer > 0].sum()
            if total > 0:
                of_layer = np.where(of_layer > 0, of_layer, 0) * total / positive
            else:
                dropped[event] += total
                of_layer = np.zeros_like(of_layer)
            energy[event, grid.layer == layer] = of_layer
    kinetic = hits.photons.energy
    return energy / kinetic[:, None], dropped / kinetic
