"""One test of one sample by trees: the AUC, its floor and its learning curve.

The AUC is a lower bound of how well two samples can be told apart. The floor is the AUC of halves
of the reference against each other: 0.5 within its error, or the test is broken.
"""

from dataclasses import dataclass

import numpy as np

from calovox.scores.referee.inputs import ClassifierInputs
from calovox.scores.referee.learning_curve import (
    MOST_HALVINGS,
    LearningCurve,
    measure_learning_curve,
)
from calovox.scores.referee.trees import (
    FEWEST_SHOWERS,
    N_SEEDS,
    N_TREES,
    TreeAreas,
    classify_by_trees,
)

__all__ = ["TreeTest", "judge_by_trees", "measure_floor"]


@dataclass(frozen=True)
class TreeTest:
    """The test of one sample by trees on one kind of inputs.

    Attributes:
        inputs: Name of the inputs.
        areas: AUC with all showers.
        curve: AUC against the number of showers; None if it was not asked for.
    """

    inputs: str
    areas: TreeAreas
    curve: LearningCurve | None = None


def judge_by_trees(
    name: str,
    reference: ClassifierInputs,
    simulated: ClassifierInputs,
    *,
    n_seeds: int = N_SEEDS,
    n_trees: int = N_TREES,
    curve_seeds: int = 2,
    curve_halvings: int = MOST_HALVINGS,
) -> TreeTest:
    """Test a sample by trees.

    Args:
        name: Name of the inputs.
        reference: Inputs of reference showers.
        simulated: The same of simulated showers.
        n_seeds: How often training is repeated.
        n_trees: Trees of each training.
        curve_seeds: How often parts of the showers are tested, for a learning curve; 0 for none.
        curve_halvings: How often the showers are halved for it.

    Returns:
        What was measured.

    Raises:
        ModuleNotFoundError: If scikit-learn is not installed.
    """
    areas = classify_by_trees(reference, simulated, n_seeds=n_seeds, n_trees=n_trees)
    curve = None
    if curve_seeds:
        curve = measure_learning_curve(
            *(reference, simulated, areas),
            n_seeds=curve_seeds,
            n_trees=n_trees,
            halvings=curve_halvings,
        )
    return TreeTest(name, areas, curve)


def measure_floor(
    reference: ClassifierInputs, *, n_seeds: int = N_SEEDS, n_trees: int = N_TREES
) -> TreeAreas:
    """Test halves of the reference against each other, another division for each seed.

    Args:
        reference: Inputs of reference showers.
        n_seeds: How many divisions.
        n_trees: Trees of each training.

    Returns:
        The AUC of each division.

    Raises:
        ValueError: If the reference has too few showers to be divided.
        ModuleNotFoundError: If scikit-learn is not installed.
    """
    if len(reference) < 2 * FEWEST_SHOWERS:
        raise ValueError(
            f"classifier: expected {2 * FEWEST_SHOWERS} showers or more of the reference for its "
            f"halves, got {len(reference)}"
        )
    found = []
    for seed in range(n_seeds):
        order = np.random.default_rng((2029, seed)).permutation(len(reference))
        halves = np.array_split(order, 2)
        parts = (reference.rows(half) for half in halves)
        found.append(classify_by_trees(*parts, n_seeds=1, n_trees=n_trees))
    return TreeAreas(
        np.concatenate([areas.auc for areas in found]),
        np.concatenate([areas.auc_errors for areas in found]),
        found[0].n_reference,
        found[0].n_simulated,
    )
