"""Everything that is judged is opened and read once."""

from collections import Counter

import numpy as np
import pytest

from calovox.dataset import DatasetReader
from calovox.samples import source
from calovox.samples.files import EvaluationFiles, SampleFiles
from calovox.samples.sample import Sample
from calovox.samples.samples import read_samples
from calovox.scores import judge
from calovox.scores.scoring import score_samples


@pytest.fixture
def reads(monkeypatch):
    """How often the voxels of each file are read, and its cells reconstructed."""
    counts = Counter()
    batches, to_shapes = DatasetReader.batches, source.cells_to_shapes

    def count_batches(reader, size):
        counts[reader.path.stem] += 1
        return batches(reader, size)

    def count_shapes(cells, table):
        counts["reconstructed"] += len(cells)
        return to_shapes(cells, table)

    monkeypatch.setattr(DatasetReader, "batches", count_batches)
    monkeypatch.setattr(source, "cells_to_shapes", count_shapes)
    return counts


@pytest.fixture
def files(datasets):
    simulated = {name: [datasets[name]] for name in ("optimal", "regular")}
    return EvaluationFiles(reference=[datasets["reference"]], simulated=simulated)


def test_files_are_read_twice_for_the_report_and_for_the_scores(files, reads, monkeypatch):
    monkeypatch.setattr(judge, "FEWEST_IN_BIN", 20)
    monkeypatch.setattr("calovox.scores.scoring.FEWEST_IN_BIN", 20)
    samples = read_samples(files)
    n_showers = sum(map(len, samples.judged.values()))
    # once to reconstruct all showers, once to observe some
    assert reads == {"reference": 2, "optimal": 2, "regular": 2, "reconstructed": n_showers}
    assert len(score_samples(samples).scores) > 0
    # the first showers to compare units; all; and those of the reference for its floors
    assert reads == {"reference": 5, "optimal": 4, "regular": 4, "reconstructed": n_showers}


def test_fewer_showers_of_many_voxels_are_observed_without_trees(datasets, monkeypatch):
    files = {
        "reference": [datasets["without_cells"]],
        "simulated": {"optimal": [datasets["optimal"]]},
    }
    monkeypatch.setattr("calovox.samples.samples._MOST_VOXELS", 40 * 382)
    sizes = {
        referee: [
            len(showers)
            for showers in read_samples(
                EvaluationFiles(**files, referee=referee)
            ).observed.values()
        ]
        for referee in ("none", "quick")
    }
    assert len(sizes["none"]) == 2
    assert max(sizes["none"]) <= 50  # about 40
    assert min(sizes["quick"]) > max(sizes["none"])


def test_scores_and_report_get_the_same_showers(files):
    samples = read_samples(files)
    for sample in samples.reconstructed:
        (batch,) = sample.batches(1000)
        np.testing.assert_array_equal(batch.incident_energy, sample.energy)
        np.testing.assert_array_equal(batch.abs_eta, sample.abs_eta())
        np.testing.assert_array_equal(batch.shapes.e_cal, sample.shapes.e_cal)
        parts = [part.shapes.e_raw for part in sample.batches(7)]
        np.testing.assert_array_equal(np.concatenate(parts), sample.shapes.e_raw)


def test_a_sample_without_cells_alone_is_not_reconstructed(datasets):
    simulated = {"bare": [datasets["without_cells"]], "optimal": [datasets["optimal"]]}
    samples = read_samples(EvaluationFiles(reference=[datasets["reference"]], simulated=simulated))
    assert list(samples.judged) == ["Geant4", "bare", "optimal"]
    assert [sample.label for sample in samples.reconstructed] == ["Geant4", "optimal"]
    (line,) = samples.left_out
    assert line == "Shower shapes: without_cells.h5 has no cell energies: bare is left out"


def test_nothing_is_reconstructed_if_the_reference_has_no_cells(datasets, reads):
    simulated = {"optimal": [datasets["optimal"]]}
    samples = read_samples(
        EvaluationFiles(reference=[datasets["without_cells"]], simulated=simulated)
    )
    assert not any(isinstance(source, Sample) for source in samples.judged.values())
    assert samples.calibration is None
    assert reads["reconstructed"] == 0
    assert "Geant4 is left out" in samples.left_out[0]


def test_samples_share_one_calibration(files):
    samples = read_samples(files)
    assert not samples.calibration_stored
    for sample in samples.reconstructed:
        expected = sample.shapes.calibrated(samples.calibration).e_cal
        np.testing.assert_array_equal(sample.shapes.e_cal, expected)


def test_displaced_showers_are_calibrated_alike(datasets, tmp_path):
    files = EvaluationFiles(
        curve=tmp_path / "curve.h5",
        displaced=SampleFiles(datasets["reference"], {"moved": datasets["optimal"]}),
    )
    displaced = read_samples(files).displaced
    assert [sample.label for sample in displaced] == ["Geant4", "moved"]
    assert all(sample.shapes.e_cal is not None for sample in displaced)
