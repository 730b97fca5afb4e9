"""Which showers of a dataset are evaluated."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.samples.sample import _check_common_energies, read_sample, read_samples
from calovox.samples.source import open_showers


def flag(path: Path, source: Path, extrapolated: np.ndarray) -> Path:
    """Copy a dataset, with photons that its model was not trained for."""
    reader = DatasetReader(source)
    voxels, cells = reader.read(), reader.cells(slice(0, len(reader)))
    with DatasetWriter(path, reader.grid, provenance={}, cell_table="barrel") as writer:
        writer.append(replace(voxels, extrapolated=extrapolated), cells)
    return path


def test_extrapolated_showers_are_left_out_and_counted(
    datasets: dict[str, Path], tmp_path: Path
) -> None:
    whole = read_sample([datasets["optimal"]], "all")
    assert whole.n_extrapolated == 0
    flags = np.arange(len(whole)) % 4 == 1
    sample = read_sample([flag(tmp_path / "a.h5", datasets["optimal"], flags)], "some")
    assert sample.n_extrapolated == flags.sum()
    np.testing.assert_array_equal(sample.energy, whole.energy[~flags])
    np.testing.assert_array_equal(sample.shapes.e_raw, whole.shapes.e_raw[~flags])
    (average,) = sample.averages
    assert average.n_events == np.count_nonzero(~flags)


def test_a_dataset_of_extrapolated_showers_alone_is_refused(
    datasets: dict[str, Path], tmp_path: Path
) -> None:
    flags = np.ones(len(DatasetReader(datasets["optimal"])), dtype=bool)
    path = flag(tmp_path / "a.h5", datasets["optimal"], flags)
    with pytest.raises(ValueError, match="photons that the model was trained for, got none"):
        read_sample([path], "none")


def test_scores_leave_out_extrapolated_showers_as_well(
    datasets: dict[str, Path], tmp_path: Path
) -> None:
    whole = open_showers(datasets["optimal"])
    flags = np.arange(len(whole)) % 4 == 1
    some = open_showers(flag(tmp_path / "a.h5", datasets["optimal"], flags))
    assert len(some) == np.count_nonzero(~flags)
    np.testing.assert_array_equal(some.incident_energy(), whole.incident_energy()[~flags])
    found, expected = (
        np.concatenate([batch.fraction for batch in source.batches(7)]) for source in (some, whole)
    )
    np.testing.assert_array_equal(found, expected[~flags])


def test_progress_counts_the_showers_that_are_read(datasets):
    counted = {}

    def track(batches, title, total):
        done = 0
        for batch in batches:
            yield batch
            done += len(batch)
        counted[title] = (done, total)

    sample = read_sample([datasets["optimal"]], "fast", track=track)
    assert counted == {"Reconstructing fast": (len(sample), len(sample))}


def test_a_simulation_without_an_energy_of_the_reference_is_refused(datasets):
    reference, simulated = read_samples(
        [datasets["reference"]], {"optimal": [datasets["optimal"]]}
    )[0]
    other = replace(simulated, energy=simulated.energy + 2.0 * reference.energy.max())
    with pytest.raises(ValueError, match="optimal: expected energies of its reference"):
        _check_common_energies(reference, other)
