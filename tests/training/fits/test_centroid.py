"""The law of the energy centre, found from showers."""

from pathlib import Path

import numpy as np
import torch

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.geometry import atlas_barrel
from calovox.models.shapes.centroid import N_ENERGIES, VoxelCentroid
from calovox.training.data.showers import ShowerFiles
from calovox.training.fits.centroid import fit_centroid, unfitted_centroid
from calovox.voxelization import Ring, VoxelGrid, Voxels

GRID = VoxelGrid.optimal()
RADII = atlas_barrel().radii(np.array([0.3]), GRID.numbers)[0]
C = 0.2


def write_showers(path: Path, n_events: int = 3000, *, on_photons: bool = False) -> Path:
    """Showers whose energy centres follow a law with one coefficient."""
    rng = np.random.default_rng(4)
    r = 0.5 * (GRID.r_min + GRID.r_max)
    voxels = rng.exponential(np.exp(-r / 30.0), (n_events, GRID.n_voxels))
    voxels /= voxels.sum(axis=1, keepdims=True)
    energy = 1000.0 * 2.0 ** rng.uniform(0.0, 6.0, n_events)
    nodes = np.linspace(*np.log([energy.min(), energy.max()]), N_ENERGIES)
    law = VoxelCentroid(GRID, RADII, nodes, np.full((N_ENERGIES, 5), C)).double()
    noise = torch.from_numpy(rng.standard_normal(voxels.shape))
    moved = law(torch.from_numpy(voxels), torch.from_numpy(energy)[:, None], noise)
    eta = rng.uniform(0.0, 0.7, n_events)
    voxels = Voxels(
        grid=GRID,
        energy=moved.numpy().astype(np.float32),
        incident_energy=energy,
        eta_center=eta,
        phi_center=np.zeros(n_events),
        dropped_fraction=np.zeros(n_events),
        index=np.arange(n_events),
        photon_eta=eta if on_photons else eta + 1e-3,
        photon_phi=np.zeros(n_events),
    )
    with DatasetWriter(path, GRID, provenance={}) as writer:
        writer.append(voxels)
    return path


def test_the_law_that_made_the_showers_is_found(tmp_path: Path) -> None:
    files = ShowerFiles([DatasetReader(write_showers(tmp_path / "showers.h5"))])
    centroid = fit_centroid(files)
    assert centroid is not None
    assert centroid.known
    showers = next(iter(files.batches(3000)))
    energy = showers.conditions.energy[:, None]
    flat = VoxelCentroid(GRID, RADII, np.arange(6.0), np.full((N_ENERGIES, 5), C))
    ratio = centroid.variance(showers.voxels, energy) / flat.variance(showers.voxels, energy)
    np.testing.assert_allclose(ratio.mean().item(), 1.0, atol=0.08)


def test_showers_around_photons_have_no_law(tmp_path: Path) -> None:
    path = write_showers(tmp_path / "showers.h5", 200, on_photons=True)
    centroid = fit_centroid(ShowerFiles([DatasetReader(path)]))
    assert centroid is not None
    assert not centroid.known


def test_layers_of_another_detector_and_rings_without_angles_have_none() -> None:
    ring = Ring(0.0, 10.0, 10.0, 4)
    assert unfitted_centroid(VoxelGrid({4: (ring,)})) is None
    assert unfitted_centroid(VoxelGrid({2: (Ring(0.0, 10.0, 10.0, 1),)})) is None
    assert unfitted_centroid(VoxelGrid({2: (ring,)})) is not None
