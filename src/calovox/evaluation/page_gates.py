"""Rows of the page on gates."""

from collections.abc import Sequence
from typing import Any, Final

from calovox.evaluation.gate_outcomes import GateOutcome
from calovox.evaluation.gates import Gate
from calovox.evaluation.page_overview import metric_name

__all__ = ["gates_context"]

_BOUNDS: Final = {
    "at_most": "at most {:g}",
    "at_least": "at least {:g}",
    "above_floor": "at most {:g} above the floor",
    "below_floor": "at most {:g} below the floor",
    "p_value": "p-value above {:g} over the number of scores",
}


def gates_context(outcomes: Sequence[GateOutcome]) -> dict[str, Any] | None:
    """Collect what the template shows of the gates.

    Args:
        outcomes: One per gate and sample.

    Returns:
        Values by their names in the template; None without gates.
    """
    if not outcomes:
        return None
    labels = list(dict.fromkeys(outcome.sample for outcome in outcomes))
    found = {(id(outcome.gate), outcome.sample): outcome for outcome in outcomes}
    gates = {id(outcome.gate): outcome.gate for outcome in outcomes}
    return {
        "labels": labels,
        "n_kept": [
            sum(entry.kept for entry in outcomes if entry.sample == label) for label in labels
        ],
        "n_gates": [sum(entry.sample == label for entry in outcomes) for label in labels],
        "rows": [
            {
                "metric": metric_name(gate.metric),
                "where": _where(gate),
                "bound": _bound(gate),
                "cells": [_cell(found.get((key, label))) for label in labels],
            }
            for key, gate in gates.items()
        ],
        "failures": [line for outcome in outcomes for line in _lines(outcome)],
    }


def _where(gate: Gate) -> str:
    parts = (gate.feature, gate.energy, gate.eta)
    return ", ".join(part for part in parts if part != "*") or "all scores"


def _bound(gate: Gate) -> str:
    text = _BOUNDS[gate.kind].format(gate.bound)
    return text if gate.kind == "p_value" else f"{text}, within {gate.n_sigma:g} σ"


def _cell(outcome: GateOutcome | None) -> dict[str, str] | None:
    if outcome is None:
        return None
    if outcome.problem:
        return {"state": "fair", "text": "not judged"}
    if outcome.failures:
        return {"state": "poor", "text": f"{len(outcome.failures)} of {outcome.n_rows}"}
    return {"state": "good", "text": f"all {outcome.n_rows}"}


def _lines(outcome: GateOutcome) -> tuple[str, ...]:
    if outcome.problem:
        return (f"{outcome.sample}: {outcome.problem}",)
    return outcome.failures
