"""Slow plain twin of `calovox.binned_shower.placement`."""

import math

import numpy as np

from calovox.arrays import Array
from calovox.binned_shower import SubVoxelProbabilities
from calovox.geometry import layer_radius, to_eta_phi
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.random_streams import Stream, event_keys, event_uniforms
from calovox.voxelization import Voxels


def hit_count(energy: float, hit_energy: float) -> int:
    return 0 if energy <= 0 else max(1, min(100, math.floor(energy / hit_energy)))


def hit_energy_of(eta_center: float) -> float:
    return 6.0 if 0.75 <= abs(eta_center) <= 0.8 else 4.0


def quarters_at(table: SubVoxelProbabilities, energy: float, voxel: int) -> Array:
    """Interpolate in log energy, quarter by quarter."""
    logs = np.log(table.energies)
    values = table.probabilities[:, voxel]
    return np.array([np.interp(math.log(energy), logs, values[:, q]) for q in range(4)])


def linear_position(u: float, inner: float) -> float:
    """Solve (2 p - 1/2) r + (1 - 2 p) r^2 / 2 = u by bisection."""
    inner = min(max(inner, 0.25), 0.75)
    low, high = 0.0, 2.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if (2 * inner - 0.5) * middle + (1 - 2 * inner) * middle**2 / 2 < u:
            low = middle
        else:
            high = middle
    return low


def stepped_position(u: float, low: float) -> float:
    return float(np.interp(u, [0.0, low, 1.0], [0.0, 1.0, 2.0]))


def place(u: Array, quarter: Array, linear: bool) -> tuple[float, float]:
    """Give positions in [0, 2] along alpha and r."""
    alpha_low = quarter[0] + quarter[2]
    alpha_step = stepped_position(u[0], alpha_low)
    inner, outer = (quarter[0], quarter[2]) if u[0] < alpha_low else (quarter[1], quarter[3])
    r_low = inner / (inner + outer)
    return alpha_step, linear_position(u[1], r_low) if linear else stepped_position(u[1], r_low)


def voxels_to_hits_twin(voxels: Voxels, table: SubVoxelProbabilities, seed: int) -> list[tuple]:
    """Return (event, layer, eta, phi, r, energy) of every hit."""
    grid = voxels.grid
    hits = []
    for event in range(len(voxels.incident_energy)):
        incident = float(voxels.incident_energy[event])
        eta_center = float(voxels.eta_center[event])
        energies = np.float64(voxels.energy[event]) * incident
        counts = [hit_count(energy, hit_energy_of(eta_center)) for energy in energies]
        key = event_keys(seed, Stream.SUB_VOXELS, voxels.index[event : event + 1])
        numbers = iter(event_uniforms(key, 2 * sum(counts)).reshape(-1, 2))
        radii = {j: float(layer_radius(j, np.array([eta_center]))[0]) for j in BARREL_NUMBERS}
        for voxel, count in enumerate(counts):
            layer = int(grid.layer[voxel])
            quarter = quarters_at(table, incident, voxel)
            for _ in range(count):
                alpha_step, r_step = place(next(numbers), quarter, layer == 2)
                r = grid.r_min[voxel] + r_step * (grid.r_max[voxel] - grid.r_min[voxel]) / 2
                width = grid.alpha_max[voxel] - grid.alpha_min[voxel]
                eta, phi = to_eta_phi(
                    r,
                    grid.alpha_min[voxel] + alpha_step * width / 2,
                    eta_center,
                    float(voxels.phi_center[event]),
                    radii[layer],
                )
                hits.append(
                    (event, layer, float(eta), float(phi), radii[layer], energies[voxel] / count)
                )
    return hits
