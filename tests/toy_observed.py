"""Observed toy showers: voxels of one law, and cells of toy hits."""

from pathlib import Path

import numpy as np

from calovox.geometry import barrel_cells
from calovox.photons import Photons
from calovox.reconstruction import hits_to_cells
from calovox.samples.layout import VoxelLayout
from calovox.samples.observables.observed import ObservedShowers
from calovox.samples.observables.windows import cells_to_window_cells
from tests.toy_showers import toy_showers

RINGS = VoxelLayout(
    "rings",
    (1, 2),
    np.array([0, 16, 32]),
    np.tile(np.repeat([2.0, 8.0, 20.0, 45.0], 4), 2),
    np.tile(np.pi / 2 * (np.arange(4) + 0.5), 8),
    np.arange(32),
)


class ToySource:
    """All showers of a sample, as far as the referee asks."""

    path, has_shapes = Path("toy"), False

    def __init__(self, showers):
        self._showers, self.layout = showers, showers.layout

    def __len__(self):
        return len(self._showers)

    def incident_energy(self):
        return self._showers.energy

    def abs_eta(self):
        return self._showers.abs_eta

    def batches(self, size):
        raise NotImplementedError


def toy_observed(seed, n_showers=400, spoil=lambda energy, rng: energy):
    """Voxels of one law, the photons the same for all seeds."""
    incident = 10.0 ** np.random.default_rng(0).uniform(4, 5, n_showers)
    rng = np.random.default_rng((3, seed))
    shares = rng.gamma(20.0 * np.exp(-RINGS.r / 15.0), size=(n_showers, 32))
    energy = spoil(shares / shares.sum(axis=1, keepdims=True), rng)
    return ObservedShowers(
        RINGS, energy.astype(np.float32), incident, np.arange(n_showers), np.full(n_showers, 0.2)
    )


def toy_cells(seed, n_showers=120):
    """Showers of one law with cells, the photons the same for all seeds."""
    rng = np.random.default_rng(4)
    photons = Photons(
        energy=np.full(n_showers, 65e3),
        eta=rng.choice([-1.0, 1.0], n_showers) * rng.uniform(0.2, 0.25, n_showers),
        phi=rng.uniform(-3.0, 3.0, n_showers),
        index=np.arange(n_showers),
    )
    table = barrel_cells()
    hits = toy_showers(n_showers, n_hits=200, photons=photons, seed=seed)
    voxels = toy_observed(seed, n_showers)
    return ObservedShowers(
        RINGS,
        voxels.fraction,
        photons.energy,
        photons.index,
        np.abs(photons.eta),
        photons,
        cells_to_window_cells(hits_to_cells(hits, table), table),
        table,
    )


def shifted(energy, rng):
    """Move energy from one side in eta to the other, in layer 2."""
    moved = energy.copy()
    for plus, minus in ((16, 17), (19, 18), (20, 21), (23, 22)):
        moved[:, plus] += 0.25 * energy[:, minus]
        moved[:, minus] -= 0.25 * energy[:, minus]
    return moved


def lossy(energy, rng):
    """Lose 5 % of the voxels; give their energy to the others."""
    kept = energy * (rng.random(energy.shape) > 0.05)
    return kept * energy.sum(axis=1, keepdims=True) / kept.sum(axis=1, keepdims=True)
