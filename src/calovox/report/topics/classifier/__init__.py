"""A classifier that tries to tell simulated showers from those of the reference."""

from collections.abc import Callable, Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure, NotShown
from calovox.report.topics.classifier.measure import measure_classifier
from calovox.report.topics.classifier.page import page_classifier
from calovox.samples.samples import Samples
from calovox.scores.classifiers.inputs import score_classifier
from calovox.scores.classifiers.network import ClassifierResult
from calovox.scores.table import Scores
from calovox.tracking import Track

__all__ = ["ClassifierTopic"]


class ClassifierTopic:
    """A classifier that tries to tell simulated showers from those of the reference.

    Args:
        track: Shows the progress over showers.
        say: Called with one line before each training.
    """

    name = "classifier"
    heading = Heading("classifier", "CaloChallenge network")

    def __init__(self, track: Track, say: Callable[[str], None]) -> None:
        self._track, self._say = track, say

    def measure(self, samples: Samples) -> ClassifierResult | NotShown:
        return measure_classifier(samples, self._track, self._say)

    def figures(self, result: ClassifierResult) -> Iterator[NamedFigure]:
        return iter(())

    def page(self, result: ClassifierResult) -> Mapping[str, object]:
        return page_classifier(result)

    def numbers(self, result: ClassifierResult | None) -> Mapping[str, object]:
        return {"classifier": result}

    def scores(self, result: ClassifierResult) -> Scores:
        return score_classifier(result)
