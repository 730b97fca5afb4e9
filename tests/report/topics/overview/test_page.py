import pytest

from calovox.report.topics.overview import OverviewTopic
from calovox.samples.bins import ALL
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import Samples
from calovox.scores.table import Score, Scores


@pytest.mark.parametrize(("value", "state"), [(1.1, "good"), (1.2, "fair"), (2.0, "poor")])
def test_table_tells_how_far_the_floor_is(value, state):
    score = Score("A", "chi2_ndf", "f1", ALL, ALL, value, 0.03, 1.0, 0.04, 100, 100)
    topic = OverviewTopic(Scores((score,)))
    result = topic.measure(Samples(files=EvaluationFiles()))
    cell = topic.page(result)["metrics"][0]["total"][0]
    assert cell["state"] == state
    assert cell["floor"] == "1.000 ± 0.040"
