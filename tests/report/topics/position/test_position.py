"""The topic of positions: a known shift is the bias, and figures show all barycentres."""

from dataclasses import replace

import numpy as np
import pytest

from calovox.report.topic import NotShown
from calovox.report.topics.position.draw import position_figures
from calovox.report.topics.position.measure import bias_and_width, measure_position
from calovox.report.topics.position.page import page_position
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import Samples
from tests.toy_observed import ToySource, toy_cells

NAMES = ("bary_eta_1", "bary_phi_1", "bary_eta_2", "bary_phi_2")


@pytest.fixture(scope="module")
def result():
    first, second = toy_cells(1), toy_cells(2)
    observed = {"Geant4": first, "same": first, "other": second}
    judged = {name: ToySource(showers) for name, showers in observed.items()}
    samples = Samples(files=EvaluationFiles(noise=True), judged=judged, observed=observed)
    return measure_position(samples)


def test_bias_and_width_are_those_of_a_normal_distribution():
    values = np.random.default_rng(1).normal(0.3, 2.0, 4000)
    bias, bias_error, width, width_error = bias_and_width(values, (-10.0, 10.0))
    assert abs(bias - 0.3) < 3.0 * bias_error
    assert bias_error == pytest.approx(2.0 / 4000**0.5, rel=0.3)
    assert abs(width - 2.0) < 3.0 * width_error


def test_one_far_shower_changes_nothing():
    values = np.random.default_rng(1).normal(0.0, 1.0, 4000)
    far = np.append(values, 1e6)
    np.testing.assert_allclose(
        bias_and_width(far, (-5.0, 5.0))[::2], bias_and_width(values, (-5.0, 5.0))[::2], atol=0.01
    )


def test_all_barycentres_are_measured_without_noise_and_with_it(result):
    assert [setting.noise for setting in result.settings] == [False, True]
    for setting in result.settings:
        assert tuple(entry.observable.name for entry in setting.barycentres) == NAMES
    quiet = result.settings[0].barycentres[0]
    rows = {row.label: row for row in quiet.rows if row.energy_bin == "all"}
    assert replace(rows["same"], label="Geant4") == rows["Geant4"]
    assert {row.energy_bin for row in quiet.rows} == {"all", "12 GeV < E < 100 GeV"}


def test_the_page_has_a_row_per_sample_and_bin(result):
    settings = page_position(result)["settings"]
    assert [row["label"] for row in settings[0]["rows"][:3]] == ["Geant4", "same", "other"]
    assert "±" in settings[0]["rows"][0]["cells"][0]["bias"]
    assert [name for name, _ in position_figures(result)] == ["position", "position-noise"]


def test_without_cells_there_is_no_position():
    found = measure_position(Samples(files=EvaluationFiles()))
    assert isinstance(found, NotShown)
    assert "Position" in found.missing[0]
