"""How well boosted trees tell samples apart, and histograms of what they see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from calovox.report.comparison import ObservableResult, compare_values
from calovox.report.topic import NotShown
from calovox.samples.batch import ShowerSource
from calovox.samples.observables.noise import ELECTRONIC_NOISE, EMPTY_BELOW
from calovox.samples.observables.observed import ObservedShowers
from calovox.samples.observables.table import Observable
from calovox.samples.samples import Samples
from calovox.scores.referee.depth import DEPTHS
from calovox.scores.referee.kinds import THRESHOLD, Kind
from calovox.scores.referee.samples import judge_samples
from calovox.scores.referee.verdict import RefereeResult

__all__ = ["JudgedGroup", "RefereeTopicResult", "SeenHistogram", "measure_referee"]


@dataclass(frozen=True)
class SeenHistogram:
    """Histograms of one of the observables that tell most.

    Attributes:
        kind: Which observables it is of.
        observable: What it is.
        result: The reference and all samples.
    """

    kind: Kind
    observable: Observable
    result: ObservableResult


@dataclass(frozen=True)
class JudgedGroup:
    """What the referee says of one group of samples.

    Attributes:
        name: Name of the group, part of the names of figures and tables.
        title: What the samples are.
        result: The verdicts.
        places: Place of each sample in the report, which gives its colour.
        histograms: Histograms of the observables that tell most.
    """

    name: str
    title: str
    result: RefereeResult
    places: Mapping[str, int]
    histograms: tuple[SeenHistogram, ...]


@dataclass(frozen=True)
class RefereeTopicResult:
    """What the referee says.

    Attributes:
        parts: The samples of the report, and those of the classifier if they are others.
        missing: What was not judged, and why.
    """

    parts: tuple[JudgedGroup, ...]
    missing: tuple[str, ...]

    def numbers(self) -> dict[str, Any]:
        """Give what `report.json` holds."""
        return {
            "noise": ELECTRONIC_NOISE,
            "empty_below": EMPTY_BELOW,
            "groups": [
                {
                    "name": part.name,
                    "threshold": part.result.threshold,
                    "n_seeds": part.result.n_seeds,
                    "floors": part.result.floors,
                    "samples": part.result.samples,
                    "histograms": part.histograms,
                }
                for part in self.parts
            ],
        }


def measure_referee(samples: Samples, say: Callable[[str], None]) -> RefereeTopicResult | NotShown:
    """Train trees on the samples of the report, and on those of the classifier."""
    if samples.files.referee == "none":
        return NotShown(("Referee: boosted trees were not asked for (--referee)",))
    groups = (
        ("samples", "Samples of the report", samples.observed, samples.judged),
        (
            "classifier",
            "Samples of the classifier",
            samples.observed_classifier,
            samples.classifier,
        ),
    )
    parts = tuple(
        _judge(name, title, observed, sources, samples, say)
        for name, title, observed, sources in groups
        if len(observed) > 1
    )
    missing = tuple(line for part in parts for line in part.result.missing)
    if not any(part.result.samples for part in parts):
        return NotShown(missing or ("Referee: no samples to compare with a reference",))
    return RefereeTopicResult(tuple(part for part in parts if part.result.samples), missing)


def _judge(
    name: str,
    title: str,
    observed: Mapping[str, ObservedShowers],
    sources: Mapping[str, ShowerSource],
    samples: Samples,
    say: Callable[[str], None],
) -> JudgedGroup:
    files = samples.files
    result = judge_samples(
        observed,
        sources,
        DEPTHS[files.referee],
        noise=files.noise,
        threshold=files.min_energy or THRESHOLD,
        say=say,
    )
    places = {label: place for place, label in enumerate(list(sources)[1:])}
    histograms = tuple(
        SeenHistogram(
            worst.kind,
            worst.observable,
            compare_values(
                worst.observable.name,
                [worst.reference, *worst.simulated.values()],
                [(label, places[label]) for label in worst.simulated],
            ),
        )
        for worst in result.worst
    )
    return JudgedGroup(name, title, result, places, histograms)
