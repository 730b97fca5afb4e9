"""Grids, probabilities and voxels for the tests of this room."""

import numpy as np

from calovox.binned_shower import SubVoxelProbabilities
from calovox.voxelization import VoxelGrid, Voxels

GRID = VoxelGrid.optimal()


def random_probabilities(grid=GRID, energies=(256.0, 4096.0, 65536.0), seed=4):
    shares = np.random.default_rng(seed).dirichlet([3.0] * 4, (len(energies), grid.n_voxels))
    return SubVoxelProbabilities(grid, np.asarray(energies), shares)


def toy_voxels(n_events=6, *, grid=GRID, energy=20e3, seed=6):
    """Showers of either sign of eta, next to phi = +-pi too, with many empty voxels."""
    rng = np.random.default_rng(seed)
    fractions = rng.exponential(size=(n_events, grid.n_voxels)) ** 3
    fractions *= rng.random(fractions.shape) < 0.3
    fractions *= 0.97 / fractions.sum(axis=1, keepdims=True)
    phi = rng.uniform(-np.pi, np.pi, n_events)
    phi[::2] = np.pi - 1e-6 * rng.random(len(phi[::2]))
    eta = rng.uniform(-1.3, 1.3, n_events)
    eta[:2] = -0.77, 0.77
    return Voxels(
        grid=grid,
        energy=fractions.astype(np.float32),
        incident_energy=energy * 2.0 ** rng.uniform(-1, 1, n_events),
        eta_center=eta,
        phi_center=phi,
        dropped_fraction=np.full(n_events, 0.01),
        index=np.arange(100, 100 + n_events),
        photon_eta=eta + 0.001,
        photon_phi=np.clip(phi - 0.001, -np.pi, 3.14),
    )
