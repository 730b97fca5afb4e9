"""The part of the page on samples of the CaloChallenge."""

from typing import Any

from calovox.report.text import short_number, with_error
from calovox.report.topics.challenge.draw import challenge_figures
from calovox.report.topics.challenge.measure import ChallengeResult
from calovox.scores.challenge import FEATURES_2024, PublishedResult

__all__ = ["page_challenge"]

_NONE = "–"


def page_challenge(result: ChallengeResult) -> dict[str, Any]:
    """Collect what the template shows."""
    figures = [name for name, _ in challenge_figures(result)]
    own = [
        {
            "model": entry.label,
            "features": entry.features,
            "fpd": with_error(1e3 * entry.fpd.value, 1e3 * entry.fpd.error),
            "kpd": with_error(1e3 * entry.kpd.value, 1e3 * entry.kpd.error),
            "chi2": _chi2(result.chi2[entry.label]),
        }
        for entry in result.distances
    ]
    own += [
        {"model": label, **dict.fromkeys(("features", "fpd", "kpd"), _NONE), "chi2": _chi2(value)}
        for label, value in result.chi2.items()
        if label in result.too_few
    ]
    return {
        "contents": [("challenge-results", "FPD, KPD and published results")],
        "data_set": result.data_set,
        "particle": result.particle,
        "cut": f"{result.cut:g} MeV" if result.cut else "",
        "own": own,
        "official": FEATURES_2024,
        "published": [_row(entry) for entry in result.published],
        "ratios": [name for name in figures if "ratios" in name],
        "features": [name for name in figures if "features" in name],
        "n_features": len(result.features),
    }


def _row(entry: PublishedResult) -> dict[str, Any]:
    pairs = {name: getattr(entry, name) for name in ("fpd", "kpd", "auc_low", "auc_high")}
    texts = {name: _NONE if pair is None else with_error(*pair) for name, pair in pairs.items()}
    texts["chi2"] = _chi2(entry.chi2)
    time = _NONE if entry.gpu_ms is None else short_number(entry.gpu_ms)
    link = entry.source.partition(" ")[0]
    return {"model": entry.model, **texts, "gpu_ms": time, "source": entry.source, "link": link}


def _chi2(value: float | None) -> str:
    return _NONE if value is None else short_number(1e3 * value)
