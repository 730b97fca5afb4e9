"""Rows of the page on gates."""

from collections.abc import Sequence
from typing import Any, Final

from calovox.report.cells import metric_name
from calovox.scores.gates.gates import Gate
from calovox.scores.gates.summary import GateSummary

__all__ = ["page_gates"]

_BOUNDS: Final = {
    "at_most": "at most {:g}",
    "at_least": "at least {:g}",
    "above_floor": "at most {:g} above the floor",
    "below_floor": "at most {:g} below the floor",
    "p_value": "p-value above {:g} over the number of scores",
}


def page_gates(summaries: Sequence[GateSummary]) -> dict[str, Any]:
    """Collect what the template shows: a row per gate, a column per sample."""
    labels = list(dict.fromkeys(entry.sample for entry in summaries))
    of_sample = [[entry for entry in summaries if entry.sample == label] for label in labels]
    found = {(id(entry.gate), entry.sample): entry for entry in summaries}
    gates = {id(entry.gate): entry.gate for entry in summaries}
    return {
        "labels": labels,
        "n_kept": [
            f"{sum(entry.kept and not entry.n_known for entry in kept)} of {len(kept)}"
            for kept in of_sample
        ],
        "rows": [
            {
                "metric": metric_name(gate.metric),
                "where": _where(gate),
                "bound": _bound(gate),
                "cells": [_cell(found.get((key, label))) for label in labels],
            }
            for key, gate in gates.items()
        ],
        "failures": [line for entry in summaries for line in entry.lines],
    }


def _where(gate: Gate) -> str:
    parts = (gate.feature, gate.energy, gate.eta)
    return ", ".join(part for part in parts if part != "*") or "all scores"


def _bound(gate: Gate) -> str:
    text = _BOUNDS[gate.kind].format(gate.bound)
    if gate.known_failure is not None:
        text += f" (the aim; known to fail up to {gate.known_failure:g})"
    return text if gate.kind == "p_value" else f"{text}, within {gate.n_sigma:g} σ"


def _cell(entry: GateSummary | None) -> dict[str, str] | None:
    if entry is None:
        return None
    n_judged = entry.n_passed + entry.n_failed + entry.n_known
    if n_judged == 0:
        return {"state": "fair", "text": "–"}
    if entry.n_failed:
        return {"state": "poor", "text": f"{entry.n_failed} of {n_judged}"}
    if entry.n_known:
        return {"state": "poor", "text": f"{entry.n_known} of {n_judged}, as is known"}
    return {"state": "good", "text": f"all {n_judged}"}
