"""Samples of the CaloChallenge: what their users expect, and what they do not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from calovox.report.report import write_report
from calovox.report.text import short_number
from calovox.report.topics.challenge import measure
from calovox.report.topics.classifier import measure as classifier
from calovox.report.topics.published.measure import measure_published
from calovox.report.topics.published.page import page_published
from calovox.samples.bins import ALL
from calovox.samples.calochallenge import read_binning
from calovox.samples.files import EvaluationFiles, SampleFiles
from calovox.samples.samples import read_samples
from calovox.scores.challenge import (
    FEATURES_2022,
    FEATURES_2024,
    describe_features,
    published_results,
)
from calovox.scores.challenge.estimators import PublishedDistance
from calovox.scores.classifiers.network import BinArea, Classification, ClassifierResult
from calovox.scores.table import Scores
from tests.toy_calochallenge import toy_challenge, write_binning, write_showers


def files(folder, n_events=400, simulated=1.0, binning=None):
    write_binning(folder / "binning.xml")
    paths = {}
    for seed, (name, scale) in enumerate({"reference": 1.0, "model": simulated}.items()):
        energy, showers = toy_challenge(n_events, seed=seed)
        paths[name] = write_showers(folder / f"{name}.hdf5", scale * energy, scale * showers)
    return EvaluationFiles(
        reference=[paths["reference"]],
        simulated={"model": [paths["model"]]},
        binning=folder / "binning.xml",
    )


def invented_areas(sources, **how):
    """AUCs of the challenge's network that nobody trained."""

    def result(auc):
        areas = (BinArea(ALL, ALL, auc, 0.01, 400, 400),)
        columns = [np.full(5, value) for value in (auc, 0.01, 0.1, 0.01)]
        entries = [Classification(name, 400, *columns, bins=areas) for name in ("floor", "model")]
        return ClassifierResult(entries[0], tuple(entries[1:]))

    return replace(result(0.7), high_level=result(0.6))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("challenge")
    said = []
    with pytest.MonkeyPatch.context() as patch:
        # the estimators have tests of their own, and take their time
        patch.setattr(measure, "FEWEST_FOR_FPD", 100)
        for name in ("frechet_physics_distance", "kernel_physics_distance"):
            patch.setattr(measure, name, lambda *pair: PublishedDistance(1e-3, 1e-4))
        patch.setattr(classifier, "classify_samples", invented_areas)
        given = files(folder, n_events=800)
        told_apart = SampleFiles(given.reference[0], {"model": given.simulated["model"][0]})
        given = replace(given, classifier=told_apart)
        write_report(given, folder / "report", progress=said.append)
    return folder / "report", said


def test_the_page_shows_features_ratios_and_average_showers(report):
    page = (report[0] / "index.html").read_text(encoding="utf-8")
    assert "Simulated photon showers against Geant4" in page
    for name in ("challenge-averages", "challenge-ratios", "challenge-features"):
        assert f'id="figure-{name}' in page
    assert "deposit of hits in cells" not in page
    assert "figure-spectrum" not in page
    assert "Not shown:" in page


def test_what_is_not_shown_is_said(report):
    assert any(
        "Not shown: Shower shapes: reference.hdf5 has no cell" in line for line in report[1]
    )


def test_fpd_and_kpd_are_scores_by_the_name_of_their_features(report):
    scores = json.loads((report[0] / "scores.json").read_text())["scores"]
    found = {(row["metric"], row["feature"]) for row in scores if row["metric"] in ("fpd", "kpd")}
    names = (FEATURES_2022, FEATURES_2024)
    assert found == {(metric, name) for metric in ("fpd", "kpd") for name in names}
    assert {row["floor"] for row in scores if row["metric"] == "fpd"} == {None}


def test_chi2_of_the_total_energy_stands_beside_published_ones(report):
    numbers = json.loads((report[0] / "report.json").read_text())["challenge"]
    assert 0.0 < numbers["chi2"]["model"] < 0.1
    page = (report[0] / "index.html").read_text(encoding="utf-8")
    assert '<th scope="col">chi2</th>' in page
    assert f"<b>{short_number(1e3 * numbers['chi2']['model'])}</b>" in page
    assert {row.model for row in published_results("2") if row.chi2 is not None} == {
        *("CaloDiffusion", "CaloINN", "CaloScore", "CaloDREAM")
    }


def test_own_areas_stand_in_the_table_of_published_results(report):
    """Those of the challenge's network of all showers, with the error of one training."""
    (row,) = json.loads((report[0] / "report.json").read_text())["published"]["own"][:1]
    assert (row["auc_low"]["value"], row["auc_high"]["value"]) == (0.7, 0.6)
    page = (report[0] / "index.html").read_text(encoding="utf-8")
    assert "<td><b>0.700 ± 0.010</b></td><td><b>0.600 ± 0.010</b></td>" in page
    assert '<a href="#classifier">otherwise</a>' in page
    assert "was not trained on" not in page


def test_without_a_training_the_table_says_so(report, tmp_path):
    samples = read_samples(files(tmp_path, n_events=60))
    table = measure_published(samples, Scores.from_json(report[0] / "scores.json"))
    rows = [replace(row, auc_low=None, auc_high=None) for row in table.own]
    page = page_published(replace(table, own=tuple(rows)))
    assert [row["auc_low"] for row in page["own"]] == ["–", "–"]
    assert (page["without_auc"], page["with_auc"]) == (["model"], False)


def test_features_are_named_in_the_order_of_their_columns(report):
    numbers = json.loads((report[0] / "report.json").read_text())["challenge"]
    names = [entry["name"] for entry in numbers["features"]]
    assert names[:3] == ["log_e_inc", "log_e_layer_0", "log_e_layer_2"]
    assert names[-2:] == ["width_r_0", "width_r_2"]
    assert len(numbers["features"][0]["simulated"]) == 1


def test_both_lists_are_described(report):
    layout = read_binning(report[0].parent / "binning.xml", 14)
    lists = [describe_features(layout, version=v) for v in (FEATURES_2022, FEATURES_2024)]
    assert lists[1][: len(lists[0])] == lists[0]


@pytest.mark.parametrize("data_set", ["1-photons", "1-pions", "2", "3"])
def test_published_results_have_numbers_and_sources(data_set):
    first, *others = published_results(data_set)
    assert first.model == "Geant4"
    assert others
    for entry in (first, *others):
        assert entry.source.startswith("https://arxiv.org/abs/")
        if entry.chi2 is not None:
            assert 0.0 < entry.chi2 < 1.0
        if entry.auc_low is not None:
            assert 0.49 < entry.auc_low[0] < 1.0
            assert entry.fpd[0] > 0


def test_another_layout_has_no_published_results():
    assert published_results("") == ()


def test_a_sample_in_other_units_is_an_error_that_names_the_factor(tmp_path):
    with pytest.raises(
        ValueError, match=r"model: expected the incident energies .* 0\.00\d+ times"
    ):
        write_report(files(tmp_path, simulated=1e-3), tmp_path / "report")
    assert not (tmp_path / "report").exists()


@pytest.mark.usefixtures("blank_pictures")
def test_a_layer_with_one_voxel_hit_has_no_width_to_be_compared(tmp_path):
    """Rounding makes no distance: widths of single voxels are 0."""
    write_binning(tmp_path / "binning.xml")
    rng = np.random.default_rng(1)
    paths = []
    for name in ("reference", "model"):
        showers = np.zeros((300, 14))
        showers[np.arange(300), 2 + rng.integers(0, 12, 300)] = rng.uniform(1e3, 2e3, 300)
        showers[:, 0] = 10.0
        paths.append(write_showers(tmp_path / f"{name}.hdf5", np.full(300, 4e3), showers))
    report = write_report(
        EvaluationFiles(
            reference=paths[:1], simulated={"m": paths[1:]}, binning=tmp_path / "binning.xml"
        ),
        tmp_path / "report",
    )
    assert max(row.value for row in report.scores if row.metric == "wasserstein") < 1.0
    widths = report.scores.select(metric="off_mode", feature="width_r_2")
    assert [row.value for row in widths] == [0.0] * len(widths)
