"""Which samples there are, and what is not shown of them."""

from collections.abc import Iterator, Mapping, Sequence

from calovox.report.topic import NamedFigure
from calovox.report.topics.samples.measure import SamplesResult, measure_samples
from calovox.report.topics.samples.page import page_samples
from calovox.samples.samples import Samples
from calovox.scores.scoring import ScoredSample
from calovox.scores.table import Scores

__all__ = ["SamplesTopic"]


class SamplesTopic:
    """Which samples there are, and what is not shown of them.

    Args:
        scored: The samples that were scored.
        missing: What all other topics do not show, and why.
    """

    name = "samples"
    heading = None

    def __init__(self, scored: Sequence[ScoredSample], missing: Sequence[str]) -> None:
        self._scored, self._missing = scored, missing

    def measure(self, samples: Samples) -> SamplesResult:
        return measure_samples(samples, self._scored, self._missing)

    def figures(self, result: SamplesResult) -> Iterator[NamedFigure]:
        return iter(())

    def page(self, result: SamplesResult) -> Mapping[str, object]:
        return page_samples(result)

    def numbers(self, result: SamplesResult | None) -> Mapping[str, object]:
        return {
            "photons": None if result is None else result.photons,
            "samples": () if result is None else result.rows or result.scored,
            "missing": self._missing,
        }

    def scores(self, result: SamplesResult) -> Scores:
        return Scores()
