"""Rows of the table of published results."""

from typing import Any, Final

from calovox.report.text import short_number, with_error
from calovox.report.topics.published.measure import OwnResult, PublishedTable
from calovox.scores.challenge import FEATURES_2024, PublishedResult
from calovox.scores.table import Score

__all__ = ["page_published"]

_NONE: Final = "–"


def page_published(table: PublishedTable) -> dict[str, Any]:
    """Collect what the template shows."""
    without = (row.sample for row in table.own if row.auc_low is None)
    return {
        "contents": [("challenge-results", "FPD, KPD and published results")],
        "data_set": table.data_set,
        "particle": table.particle,
        "cut": f"{table.cut:g} MeV" if table.cut else "",
        "own": [_own_row(row) for row in table.own],
        "official": FEATURES_2024,
        "published": [_published_row(row) for row in table.results],
        "with_auc": any(row.auc_low is not None for row in table.own),
        "without_auc": list(dict.fromkeys(without)),
    }


def _own_row(row: OwnResult) -> dict[str, str]:
    return {
        "model": row.sample,
        "features": row.features or _NONE,
        "fpd": _score(row.fpd, 1e3),
        "kpd": _score(row.kpd, 1e3),
        "chi2": _chi2(None if row.chi2 is None else row.chi2.value),
        "auc_low": _score(row.auc_low),
        "auc_high": _score(row.auc_high),
    }


def _published_row(entry: PublishedResult) -> dict[str, str]:
    pairs = {name: getattr(entry, name) for name in ("fpd", "kpd", "auc_low", "auc_high")}
    texts = {name: _NONE if pair is None else with_error(*pair) for name, pair in pairs.items()}
    texts["chi2"] = _chi2(entry.chi2)
    time = _NONE if entry.gpu_ms is None else short_number(entry.gpu_ms)
    link = entry.source.partition(" ")[0]
    return {"model": entry.model, **texts, "gpu_ms": time, "source": entry.source, "link": link}


def _score(score: Score | None, scale: float = 1.0) -> str:
    return _NONE if score is None else with_error(scale * score.value, scale * score.uncertainty)


def _chi2(value: float | None) -> str:
    return _NONE if value is None else short_number(1e3 * value)
