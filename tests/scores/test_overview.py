import math

import pytest

from calovox.samples.bins import ALL
from calovox.scores.overview import distance, metric_overviews
from calovox.scores.table import Score, Scores


def score(value, *, sample="A", metric="chi2_ndf", feature="f1", energy=ALL, spread=0.04):
    floor = 1.0 if metric == "chi2_ndf" else 0.5
    return Score(sample, metric, feature, energy, ALL, value, 0.03, floor, spread, 100, 100)


def test_distance_points_to_the_bad_side():
    assert distance(score(1.1)) == pytest.approx(2.0)
    assert distance(score(0.4, metric="recall")) == pytest.approx(2.0)
    assert distance(score(0.6, metric="recall")) == pytest.approx(-2.0)
    assert math.isnan(distance(score(1.2, spread=math.nan)))


def test_overview_shows_the_score_farthest_from_its_floor_not_the_largest():
    scores = Scores((score(3.0, energy="1 GeV", spread=1.0), score(1.8, energy="2 GeV")))
    (overview,) = metric_overviews(scores, ["A"])
    (cell,) = overview.binned.cells
    assert cell.worst.energy_bin == "2 GeV"
    assert (cell.n_scores, cell.n_off) == (2, 1)
    assert overview.total.cells == (None,)


def test_overview_has_all_events_bins_and_features():
    rows = (score(1.0), score(1.2, feature="f2"), score(1.5, energy="1 GeV", sample="B"))
    (overview,) = metric_overviews(Scores(rows), ["A", "B"])
    assert overview.total.cells[1] is None
    assert overview.binned.cells[0] is None
    assert [row.title for row in overview.bins] == [(ALL, ALL), ("1 GeV", ALL)]
    assert [row.title for row in overview.features] == [("f1",), ("f2",)]
    assert (overview.floor, overview.n_scores) == (1.0, 3)


def test_inputs_of_the_classifier_stand_apart():
    rows = [score(0.6, metric="auc", feature=name) for name in ("voxels", "high-level")]
    assert [entry.feature for entry in metric_overviews(Scores(tuple(rows)), ["A"])] == [
        "voxels",
        "high-level",
    ]


def test_scores_without_a_value_are_no_best_or_worst():
    (overview,) = metric_overviews(Scores((score(math.nan), score(1.1))), ["A"])
    assert overview.total.cells[0].worst.value == 1.1
    (overview,) = metric_overviews(Scores((score(math.nan),)), ["A"])
    assert overview.total.cells == (None,)
