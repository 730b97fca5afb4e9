"""The figures of samples of the CaloChallenge on the page."""

from typing import Any

from calovox.report.topics.challenge.draw import challenge_figures
from calovox.report.topics.challenge.measure import ChallengeResult
from calovox.scores.challenge import FEATURES_2024

__all__ = ["page_challenge"]


def page_challenge(result: ChallengeResult) -> dict[str, Any]:
    """Collect what the template shows."""
    figures = [name for name, _ in challenge_figures(result)]
    return {
        "contents": [],
        "particle": result.particle,
        "features_list": FEATURES_2024,
        "ratios": [name for name in figures if "ratios" in name],
        "features": [name for name in figures if "features" in name],
        "n_features": len(result.features),
    }
