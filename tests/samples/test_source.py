from dataclasses import replace

import numpy as np
import pytest

from calovox.dataset import DatasetWriter, read_dataset
from calovox.samples.source import open_sample
from tests.toy_calochallenge import toy_challenge, write_binning, write_showers


def test_voxels_of_a_sample_are_read_without_shapes(datasets):
    sample = open_sample([datasets["reference"]])
    alone = sample.voxels_alone()
    (with_shapes,), (without,) = sample.batches(1000), alone.batches(1000)
    assert sample.has_shapes
    assert not alone.has_shapes
    assert with_shapes.shapes is not None
    assert without.shapes is None
    np.testing.assert_array_equal(with_shapes.fraction, without.fraction)


def write_part(path, voxels, first):
    """Write showers as those of a job that starts at an event."""
    index = np.arange(first, first + len(voxels))
    with DatasetWriter(path, voxels.grid, provenance={}) as writer:
        writer.append(replace(voxels, index=index))
    return path


def test_one_file_without_cells_leaves_all_of_a_sample_unreconstructed(datasets, tmp_path):
    other = write_part(tmp_path / "a.h5", read_dataset(datasets["reference"]), 100_000)
    sample = open_sample([datasets["reference"], other])
    assert sample.without_shapes == {other: "has no cell energies"}
    assert all(batch.shapes is None for batch in sample.batches(1000))


def test_events_of_a_sample_are_refused_a_second_time(datasets, tmp_path):
    voxels = read_dataset(datasets["reference"])
    parts = [write_part(tmp_path / f"{first}.h5", voxels[:5], first) for first in (0, 5)]
    assert len(open_sample(parts)) == 10
    write_part(tmp_path / "again.h5", voxels[:2], 0)
    with pytest.raises(ValueError, match=r"again\.h5: expected each event once, got event 0 of"):
        open_sample([parts[0], tmp_path / "again.h5"])
    other = replace(voxels[:5], incident_energy=voxels.incident_energy[:5] * 2.0)
    assert len(open_sample([parts[0], write_part(tmp_path / "other.h5", other, 0)])) == 10


def test_files_without_showers_are_refused(datasets, tmp_path):
    voxels = read_dataset(datasets["reference"])
    with DatasetWriter(tmp_path / "none.h5", voxels.grid, provenance={}) as writer:
        writer.append(voxels[:0])
    with pytest.raises(ValueError, match=r"none.h5: expected showers to evaluate, got none"):
        open_sample([tmp_path / "none.h5"])


def test_low_voxels_count_as_empty_and_shapes_stay(datasets):
    (whole,) = open_sample([datasets["reference"]]).batches(1000)
    (cut,) = open_sample([datasets["reference"]], min_energy=100.0).batches(1000)
    energy = whole.fraction * whole.incident_energy[:, None]
    expected = replace(whole, fraction=np.where(energy < 100.0, 0.0, whole.fraction)).fraction
    np.testing.assert_allclose(cut.fraction, expected, rtol=1e-6)
    np.testing.assert_array_equal(cut.shapes.e_raw, whole.shapes.e_raw)


def test_files_of_the_calochallenge_have_no_pseudorapidities(tmp_path):
    binning = write_binning(tmp_path / "binning.xml")
    path = write_showers(tmp_path / "a.hdf5", *toy_challenge(20, seed=1))
    sample = open_sample([path], binning=binning)
    assert sample.abs_eta() is None
    assert sample.datasets == ()
    assert sum(map(len, sample.batches(7))) == 20
