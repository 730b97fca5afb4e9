"""The referee's verdicts as scores, and the largest AUC of all classifiers."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from scipy.stats import norm

from calovox.samples.bins import ALL
from calovox.scores.referee.judge import TreeTest
from calovox.scores.referee.kinds import PARTS
from calovox.scores.referee.trees import TreeAreas
from calovox.scores.referee.verdict import RefereeResult
from calovox.scores.table import Score, Scores

__all__ = ["CLASSIFIERS", "LARGEST", "score_largest", "score_referee"]

CLASSIFIERS: Final = {"auc": "network", "tree_auc": "trees"}
"""Metrics that are AUC, and what classifies."""

LARGEST: Final = "largest_auc"
"""Metric of the largest AUC."""


def score_referee(result: RefereeResult) -> Scores:
    """Give the AUC of all tests as scores.

    The floor's uncertainty is scaled to the number of showers; p-values are those of a normal
    distribution around the AUC of 0.5.

    Args:
        result: What the referee says.

    Returns:
        One row per sample and kind of inputs.
    """
    rows = (
        _score(verdict.label, test, result.floors.get(test.inputs))
        for verdict in result.samples
        for test in verdict.tests
    )
    return Scores(tuple(rows))


def score_largest(scores: Scores) -> Scores:
    """Find the largest AUC of each sample: a lower bound of how well it can be told apart.

    The p-value is that of the largest of so many tests (Bonferroni).

    Args:
        scores: Scores of all classifiers.

    Returns:
        One row per sample that a classifier has judged; its feature says which gave the largest.
    """
    return Scores(tuple(_largest(scores)))


def _largest(scores: Scores) -> Iterator[Score]:
    for sample in scores.samples:
        rows = [
            row
            for row in scores.rows
            if row.sample == sample
            and row.metric in CLASSIFIERS
            and row.integrated
            and row.feature not in PARTS
        ]
        if rows:
            best = max(rows, key=lambda row: row.value)
            yield replace(
                best,
                metric=LARGEST,
                feature=f"{CLASSIFIERS[best.metric]}: {best.feature}",
                p_value=min(1.0, len(rows) * best.p_value),
            )


def _score(label: str, test: TreeTest, floor: TreeAreas | None) -> Score:
    areas = test.areas
    value, error = areas.mean, areas.error
    beside = math.nan, math.nan
    if floor is not None:
        sizes = [min(entry.n_reference, entry.n_simulated) for entry in (floor, areas)]
        beside = floor.mean, floor.error * math.sqrt(sizes[0] / sizes[1])
    return Score(
        *(label, "tree_auc", test.inputs, ALL, ALL, value, error, *beside),
        *(areas.n_reference, areas.n_simulated),
        p_value=float(norm.sf((value - 0.5) / error)) if error > 0 else float(value <= 0.5),
    )
