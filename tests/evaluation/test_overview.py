import math

import pytest

from calovox.evaluation.overview import distance, overview_rows
from calovox.evaluation.page_overview import overview_context
from calovox.evaluation.report_scores import score_regions
from calovox.evaluation.scores import ALL, Score, Scores


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
    ((cell,),) = (row.cells for row in overview_rows(scores, ["A"]))
    assert cell.worst.energy_bin == "2 GeV"
    assert (cell.n_scores, cell.n_off) == (2, 1)


def test_overview_has_all_events_and_bins_in_rows_of_their_own():
    rows = overview_rows(Scores((score(1.0), score(1.5, energy="1 GeV", sample="B"))), ["A", "B"])
    assert [(row.metric, row.integrated) for row in rows] == [
        ("chi2_ndf", True),
        ("chi2_ndf", False),
    ]
    assert rows[0].cells[1] is None
    assert rows[1].cells[0] is None


def test_scores_without_a_value_are_no_best_or_worst():
    rows = overview_rows(Scores((score(math.nan), score(1.1))), ["A"])
    assert rows[0].cells[0].worst.value == 1.1
    assert overview_rows(Scores((score(math.nan),)), ["A"])[0].cells == (None,)


@pytest.mark.parametrize(("value", "state"), [(1.1, "good"), (1.2, "fair"), (2.0, "poor")])
def test_table_tells_how_far_the_floor_is(value, state):
    cell = overview_context(Scores((score(value),)), ["A"])["rows"][0]["cells"][0]
    assert cell["state"] == state
    assert cell["floor"] == "1.000 ± 0.040"


def test_scores_of_regions_are_those_of_the_comparison(written):
    report = written[0]
    scores = score_regions(report.regions)
    (first, *_) = scores.select(sample="regular", feature="r_eta")
    (entry,) = (o for o in report.regions[0].observables if o.name == "r_eta")
    assert first.value == entry.simulated[1].chi2.reduced
    assert first.floor == entry.floor.mean
    assert first.bin == "65 GeV, 0.20 < |η| < 0.25"
