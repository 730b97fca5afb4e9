"""Showers of the CaloChallenge as its users expect them."""

from collections.abc import Callable, Iterator, Mapping

from calovox.report.topic import NamedFigure, NotShown
from calovox.report.topics.challenge.draw import challenge_figures
from calovox.report.topics.challenge.measure import (
    ChallengeResult,
    measure_challenge,
    score_challenge,
)
from calovox.report.topics.challenge.page import page_challenge
from calovox.samples.samples import Samples
from calovox.scores.table import Scores
from calovox.tracking import Track

__all__ = ["ChallengeTopic"]


class ChallengeTopic:
    """High-level features, average showers, energy ratios, FPD and KPD.

    Args:
        track: Shows the progress over showers.
        say: Called with one line before longer steps.
    """

    name = "challenge"
    heading = None

    def __init__(self, track: Track, say: Callable[[str], None]) -> None:
        self._track, self._say = track, say

    def measure(self, samples: Samples) -> ChallengeResult | NotShown:
        return measure_challenge(samples, self._track, self._say)

    def figures(self, result: ChallengeResult) -> Iterator[NamedFigure]:
        return challenge_figures(result)

    def page(self, result: ChallengeResult) -> Mapping[str, object]:
        return page_challenge(result)

    def numbers(self, result: ChallengeResult | None) -> Mapping[str, object]:
        if result is None:
            return {"challenge": None}
        return {
            "challenge": {
                "data_set": result.data_set,
                "particle": result.particle,
                "cut": result.cut,
                "features": result.features,
                "energy_ratios": result.ratios,
                "distances": result.distances,
                "chi2": result.chi2,
            }
        }

    def scores(self, result: ChallengeResult) -> Scores:
        return score_challenge(result)
