"""Datasets with the keys of Table A.1 alone."""

import h5py
import numpy as np
import pytest

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.dataset.bare import complete_photons, complete_voxels
from calovox.dataset.cells import open_cells
from calovox.geometry import barrel_cells
from calovox.samples.source import open_sample
from calovox.simulation.photon_choice import PhotonChoice
from calovox.simulation.sources import open_source
from calovox.voxelization import VoxelGrid, hits_to_voxels


@pytest.fixture
def public(tmp_path, toy_hits):
    """Write a dataset, and leave nothing in it but the keys of the table."""
    path, grid = tmp_path / "public.h5", VoxelGrid.optimal()
    with DatasetWriter(tmp_path / "own.h5", grid, provenance={}, compression="gzip") as writer:
        writer.append(hits_to_voxels(toy_hits, grid))
    with h5py.File(tmp_path / "own.h5") as source, h5py.File(path, "w") as target:
        for key in source:
            if isinstance(source[key], h5py.Dataset):
                target[key] = source[key][:]
    return path


def test_azimuths_depend_on_seed_and_row_alone(public):
    reader = DatasetReader(public)
    photons = complete_photons(reader, seed=1)
    assert photons.index.tolist() == list(range(len(reader)))
    part = complete_voxels(reader.read(slice(3, 6)), 3, seed=1)
    assert np.array_equal(part.phi_center, photons.phi[3:6])
    assert np.array_equal(part.index, photons.index[3:6])
    assert not np.any(complete_photons(reader, seed=2).phi == photons.phi)


def test_what_a_dataset_says_stays(public):
    reader = DatasetReader(public.with_name("own.h5"))
    voxels = complete_voxels(reader.read(), 0, seed=1)
    assert np.array_equal(voxels.phi_center, reader.read().phi_center)
    assert np.array_equal(voxels.index, reader.read().index)


def test_cells_have_the_energy_of_the_voxels(public):
    source, voxels = open_cells(public, barrel_cells(), seed=1), DatasetReader(public).read()
    ((cells, photons),) = source.batches()
    assert photons is None
    sums = np.add.reduceat(cells.energy.astype("f8"), cells.event_offsets[:-1]) + cells.outside
    expected = voxels.total_fraction * voxels.incident_energy
    assert sums == pytest.approx(expected, rel=1e-5)


def test_the_library_gives_its_own_showers(public):
    source = open_source(f"{public}", PhotonChoice(), seed=1)
    (voxels,) = source.showers
    assert np.array_equal(voxels.energy, DatasetReader(public).read().energy)
    assert np.array_equal(voxels.phi_center, complete_photons(DatasetReader(public), seed=1).phi)


def test_samples_are_reconstructed(public):
    sample = open_sample([public])
    assert sample.has_shapes
    (batch,) = sample.batches(100)
    assert len(batch.shapes.e_raw) == len(batch)
