"""Can a network tell simulated showers from those of the reference?"""

from collections.abc import Callable

from calovox.report.topic import NotShown
from calovox.samples.samples import Samples
from calovox.scores.classifiers.inputs import classify_samples
from calovox.scores.classifiers.network import ClassifierResult
from calovox.tracking import Track

__all__ = ["measure_classifier"]


def measure_classifier(
    samples: Samples, track: Track, say: Callable[[str], None]
) -> ClassifierResult | NotShown:
    """Train classifiers on the samples that are given for them."""
    if not samples.classifier:
        wanted = "--classifier-reference, --classifier"
        return NotShown((f"Classifier: no files were given ({wanted})",))
    return classify_samples(samples.classifier, track=track, progress=say)
