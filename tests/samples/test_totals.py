import numpy as np
import pytest

from calovox.dataset import DatasetWriter, read_dataset
from calovox.samples.source import open_sample
from calovox.samples.totals import read_totals


def test_totals_are_the_sums_of_all_voxels(datasets):
    voxels = read_dataset(datasets["without_cells"])
    totals = read_totals(open_sample([datasets["without_cells"]]), "x")
    np.testing.assert_allclose(totals.ratio, voxels.energy.sum(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(totals.eta_center, voxels.eta_center)
    np.testing.assert_array_equal(totals.energy, voxels.incident_energy)


def test_showers_that_the_model_was_not_trained_for_do_not_count(datasets, tmp_path):
    voxels = read_dataset(datasets["without_cells"])
    object.__setattr__(voxels, "extrapolated", np.arange(len(voxels)) % 4 == 0)
    with DatasetWriter(tmp_path / "a.h5", voxels.grid, provenance={}) as writer:
        writer.append(voxels)
    totals = read_totals(open_sample([tmp_path / "a.h5"]), "x")
    np.testing.assert_array_equal(totals.energy, voxels.incident_energy[~voxels.extrapolated])


def test_pseudorapidities_are_needed(tmp_path):
    from tests.toy_calochallenge import toy_challenge, write_binning, write_showers

    path = write_showers(tmp_path / "a.hdf5", *toy_challenge(20, seed=1))
    sample = open_sample([path], binning=write_binning(tmp_path / "binning.xml"))
    with pytest.raises(ValueError, match="expected pseudorapidities of the showers"):
        read_totals(sample, "x")
