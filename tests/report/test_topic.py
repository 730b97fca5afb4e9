"""The contract of all topics."""

from pathlib import Path

import pytest

import calovox.report.topics
from calovox.report.topic import Measured, NotShown
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import Samples
from calovox.scores.table import Scores
from tests.toy_report import all_topics

FOLDER = Path(calovox.report.topics.__file__).parent
TOPICS = all_topics()


@pytest.fixture(scope="module")
def nothing():
    return Samples(files=EvaluationFiles())


def test_every_folder_is_a_topic_of_the_report():
    folders = {path.name for path in FOLDER.iterdir() if (path / "__init__.py").is_file()}
    assert sorted(folders) == sorted(topic.name for topic in TOPICS)
    for name in folders:
        inside = {path.name for path in (FOLDER / name).iterdir()}
        assert {"measure.py", "page.py", "page.html.j2"} <= inside


def test_anchors_and_keys_are_those_of_one_topic_each():
    anchors = [topic.heading.anchor for topic in TOPICS if topic.heading is not None]
    keys = [key for topic in TOPICS for key in topic.numbers(None)]
    assert len(anchors) == len(set(anchors)) > 5
    assert len(keys) == len(set(keys)) > 10


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_without_samples_is_not_shown_or_shows_what_does_not_need_them(topic, nothing):
    part = Measured(topic, topic.measure(nothing))
    assert dict(part.numbers).keys() == topic.numbers(None).keys()
    if isinstance(part.result, NotShown):
        assert not part.shown
        assert part.scores == Scores()
        assert list(part.figures()) == []
        assert part.missing == part.result.missing
    else:
        assert part.page() is not None


def test_what_is_shown_in_part_says_what_is_missing(written):
    shapes = next(part for part in written[0].parts if part.topic.name == "shapes")
    assert shapes.shown
    assert len(shapes.missing) == 6
