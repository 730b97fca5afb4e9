"""Which showers of a dataset are evaluated."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.dataset.cells import CellsOfDataset
from calovox.geometry import barrel_cells
from calovox.samples.sample import check_common_energies, reconstruct
from calovox.samples.source import open_sample, open_showers


def copy(path: Path, source: Path, **changes: np.ndarray) -> Path:
    """Copy a dataset with some other columns."""
    reader = DatasetReader(source)
    voxels, cells = reader.read(), reader.cells(slice(0, len(reader)))
    with DatasetWriter(path, reader.grid, provenance={}, cell_table="barrel") as writer:
        writer.append(replace(voxels, **changes), cells)
    return path


def flag(path: Path, source: Path, extrapolated: np.ndarray) -> Path:
    """Copy a dataset, with photons that its model was not trained for."""
    return copy(path, source, extrapolated=extrapolated)


def test_extrapolated_showers_are_left_out_and_counted(
    datasets: dict[str, Path], tmp_path: Path
) -> None:
    whole = reconstruct(open_sample([datasets["optimal"]]), "all")
    assert whole.n_extrapolated == 0
    flags = np.arange(len(whole)) % 4 == 1
    sample = reconstruct(
        open_sample([flag(tmp_path / "a.h5", datasets["optimal"], flags)]), "some"
    )
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
        reconstruct(open_sample([path]), "none")


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

    sample = reconstruct(open_sample([datasets["optimal"]]), "fast", track=track)
    assert counted == {"Reconstructing fast": (len(sample), len(sample))}


def test_dataset_without_cells_is_refused(datasets):
    with pytest.raises(ValueError, match="has no cell energies"):
        reconstruct(open_sample([datasets["without_cells"]]), "x")


def test_cells_that_a_dataset_names_but_does_not_have_are_refused(datasets):
    with pytest.raises(ValueError, match="has no cell energies"):
        CellsOfDataset(datasets["without_cells"], barrel_cells())


def test_cells_of_another_table_are_refused(datasets):
    with pytest.raises(ValueError, match="table 'other', got those of 'barrel'"):
        reconstruct(
            open_sample([datasets["reference"]], table=replace(barrel_cells(), name="other")), "x"
        )


def test_files_of_one_sample_are_read_one_after_the_other(datasets, tmp_path):
    samples = [
        reconstruct(open_sample([datasets[name]]), name) for name in ("reference", "optimal")
    ]
    n_events = len(samples[0])
    other = np.arange(n_events) + 10 * n_events
    parts = [datasets["reference"], copy(tmp_path / "a.h5", datasets["optimal"], index=other)]
    joined = reconstruct(open_sample(parts), "both")
    np.testing.assert_array_equal(joined.shapes.e_raw[:n_events], samples[0].shapes.e_raw)
    np.testing.assert_array_equal(joined.shapes.e_raw[n_events:], samples[1].shapes.e_raw)
    assert joined.averages[0].n_events == 2 * samples[0].averages[0].n_events


def test_files_of_one_sample_have_one_grid_and_differ(datasets):
    with pytest.raises(
        ValueError, match=r"with which it forms one sample \(optimal\), got others \(regular\)"
    ):
        reconstruct(open_sample([datasets["reference"], datasets["regular"]]), "x")
    with pytest.raises(ValueError, match="each file once"):
        reconstruct(open_sample([datasets["reference"], datasets["reference"]]), "x")


def test_a_simulation_without_an_energy_of_the_reference_is_refused(datasets):
    reference, simulated = (
        reconstruct(open_sample([datasets[k]]), k) for k in ("reference", "optimal")
    )
    other = replace(simulated, energy=simulated.energy + 2.0 * reference.energy.max())
    with pytest.raises(ValueError, match="optimal: expected energies of its reference"):
        check_common_energies(reference, other)
