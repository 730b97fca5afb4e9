"""The topic of the referee: figures and tables of invented verdicts."""

import pytest

from calovox.report.topics.referee.draw import merit_figure, plot_curve, referee_figures
from calovox.report.topics.referee.measure import measure_referee
from calovox.report.topics.referee.page import page_referee
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import Samples
from calovox.scores.referee.kinds import FIGURE_OF_MERIT, KINDS
from tests.toy_report import NAMES, toy_referee


@pytest.fixture(scope="module")
def part():
    return toy_referee().parts[0]


def test_the_figure_of_merit_comes_first_and_has_a_row_per_sample(part):
    names = [name for name, _ in referee_figures(toy_referee())]
    assert names[0] == "referee-samples-cells"
    (ax,) = merit_figure(part).axes
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(NAMES)
    assert ax.get_xlabel() == "AUC of boosted trees"


def test_the_number_of_showers_is_stated_in_the_figure(part):
    texts = [text.get_text() for text in merit_figure(part).texts]
    assert texts == ["All cells with electronic noise – 1500 showers of each class"]


def test_learning_curves_rise_towards_infinitely_many_showers_at_the_right(part):
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    plot_curve(part, FIGURE_OF_MERIT, ax)
    left, right = ax.get_xlim()
    assert left > 0.0 > right
    assert ax.get_xticklabels()[-1].get_text() == "∞"
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == 2]
    assert any(list(line.get_xdata())[-1] == 0.0 for line in lines)


def test_the_table_has_all_inputs_floors_and_the_largest(part):
    page = page_referee(toy_referee())
    (group,) = page["groups"]
    assert [row["kind"] for row in group["rows"]] == [FIGURE_OF_MERIT, "voxel observables"]
    assert set(KINDS) >= {row["kind"] for row in group["rows"]}
    assert group["rows"][0]["floor"] == "0.500 ± 0.010"
    assert group["largest"][0] == {"value": "0.800 ± 0.010", "kind": "voxel observables"}
    assert group["rows"][0]["cells"][0]["limit"] == "0.650 ± 0.030"


def test_what_a_classifier_sees_is_listed_worst_first():
    (group,) = page_referee(toy_referee())["groups"]
    (seen,) = group["seen"]
    rows = seen["tables"][0]["rows"]
    assert [row["name"] for row in rows] == ["center_eta_2", "width_r_1"]
    assert rows[0]["shift"] == "0.200 ± 0.020"
    assert rows[1]["alone"] == "–"


def test_without_trees_the_page_says_how_to_get_them():
    found = measure_referee(Samples(files=EvaluationFiles()), print)
    assert "--referee" in found.missing[0]
