"""Rows of the page on the referee."""

from collections.abc import Sequence
from typing import Any, Final

from calovox.report.text import with_error
from calovox.report.topics.referee.draw import (
    curve_kinds,
    seen_kinds,
    seen_name,
    tests_of,
)
from calovox.report.topics.referee.measure import JudgedGroup, RefereeTopicResult
from calovox.samples.observables.noise import ELECTRONIC_NOISE, EMPTY_BELOW
from calovox.samples.observables.windows import WINDOWS
from calovox.scores.referee.judge import TreeTest
from calovox.scores.referee.kinds import FIGURE_OF_MERIT, KINDS, PARTS, Kind
from calovox.scores.referee.learning_curve import LearningCurve
from calovox.scores.referee.samples import N_SEEN
from calovox.scores.referee.seen import SeenObservable
from calovox.scores.referee.verdict import SampleVerdict

__all__ = ["page_referee"]

_LISTED: Final = 8


def page_referee(result: RefereeTopicResult) -> dict[str, Any]:
    """Collect what the template shows."""
    groups = [_group(part) for part in result.parts]
    contents = [("what-a-classifier-sees", "What a classifier sees")]
    return {
        "contents": contents if any(group["seen"] for group in groups) else [],
        "groups": groups,
        "merit": FIGURE_OF_MERIT.capitalize(),
        "noise": ", ".join(f"{width:g}" for width in ELECTRONIC_NOISE.values()),
        "noise_layers": ", ".join(f"{layer}" for layer in ELECTRONIC_NOISE),
        "n_cells": sum(window.n_cells for window in WINDOWS),
        "empty_below": f"{EMPTY_BELOW:g}",
        "n_seen": N_SEEN,
    }


def _group(part: JudgedGroup) -> dict[str, Any]:
    result = part.result
    return {
        "name": part.name,
        "title": part.title,
        "threshold": f"{result.threshold:g}",
        "n_seeds": result.n_seeds,
        "labels": [verdict.label for verdict in result.samples],
        "showers": [
            f"{verdict.n_showers}{'' if verdict.same_photons else ', other photons'}"
            for verdict in result.samples
        ],
        "rows": [_kind_row(part, kind) for kind in KINDS if tests_of(part, kind)],
        "largest": [_largest(verdict) for verdict in result.samples],
        "has_merit": bool(tests_of(part, FIGURE_OF_MERIT)),
        "has_curves": bool(curve_kinds(part)),
        "seen": [_seen(part, kind) for kind in seen_kinds(part)],
    }


def _kind_row(part: JudgedGroup, kind: Kind) -> dict[str, Any]:
    tests = tests_of(part, kind)
    floor = part.result.floors.get(kind)
    return {
        "kind": kind,
        "floor": "–" if floor is None else _number(floor.mean, floor.error),
        "floor_size": "" if floor is None else f"{floor.n_reference} showers each",
        "cells": [_cell(tests.get(verdict.label)) for verdict in part.result.samples],
    }


def _cell(test: TreeTest | None) -> dict[str, str] | None:
    if test is None:
        return None
    return {"value": _number(test.areas.mean, test.areas.error), "limit": _limit(test.curve)}


def _limit(curve: LearningCurve | None) -> str:
    """Write the extrapolated AUC, and whether it still rises with the number of showers."""
    if curve is None or curve.extrapolation is None:
        return ""
    limit = _number(curve.extrapolation.auc, curve.extrapolation.error)
    return limit if curve.converged else f"{limit}, rising"


def _largest(verdict: SampleVerdict) -> dict[str, str]:
    whole = (test for test in verdict.tests if test.inputs not in PARTS)
    best = max(whole, key=lambda test: test.areas.mean, default=None)
    if best is None:
        return {"value": "–", "kind": ""}
    return {"value": _number(best.areas.mean, best.areas.error), "kind": best.inputs}


def _seen(part: JudgedGroup, kind: Kind) -> dict[str, Any]:
    return {
        "kind": kind,
        "figure": seen_name(part, kind),
        "tables": [
            {
                "name": f"{seen_name(part, kind)}-{place}",
                "label": verdict.label,
                "rows": _seen_rows(seen.observables),
            }
            for place, verdict in enumerate(part.result.samples)
            for seen in verdict.seen
            if seen.kind == kind
        ],
    }


def _seen_rows(observables: Sequence[SeenObservable]) -> list[dict[str, str]]:
    return [
        {
            "name": entry.observable.name,
            "title": entry.observable.title,
            "alone": "–" if entry.alone != entry.alone else f"{entry.alone:.3f}",
            "importance": with_error(entry.importance, entry.importance_error),
            "shift": with_error(entry.shift, entry.shift_error),
            "width": with_error(entry.width, entry.width_error),
        }
        for entry in observables[:_LISTED]
    ]


def _number(value: float, error: float) -> str:
    return f"{value:.3f} ± {error:.3f}"
