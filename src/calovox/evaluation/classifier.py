r"""Two-sample test by a classifier: can a network tell simulated showers from Geant4?

A network learns to separate reference and simulated showers. The area under its ROC curve (AUC),
measured on showers it has not seen, is 0.5 if the samples cannot be told apart and 1 if they
always can. It is given one of two kinds of inputs (`classifier_inputs`): all voxels, or high-level
features.

Both samples have the same number of showers; half of them train the network, a quarter stops the
training and calibrates the network, and a quarter measures. All is repeated with several seeds:
another division, other initial weights. Showers in the same row stay in the same part, since both
samples may have been made for the same photons: energies learned with one label would otherwise
come back with the other.

The calibration, an isotonic regression, makes of the scores probabilities p of being simulated.
Their cross entropy gives the Jensen-Shannon divergence of the samples, in bits, as far as the
network sees it: JSD = 1 - BCE / ln 2, 0 if the samples cannot be told apart, and below 0 if the
network or its calibration was wrong. The AUC is that of the scores themselves.

References:
    C. Krause et al., *CaloChallenge 2022: A Community Challenge for Fast Calorimeter Simulation*
    (2024), https://arxiv.org/abs/2410.21611
    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, *Comparing the areas under two or more
    correlated receiver operating characteristic curves*, Biometrics 44 (1988) 837,
    https://doi.org/10.2307/2531595
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.stats import rankdata

from calovox.arrays import Array, Bool, Float, Float32, Float64, Int64
from calovox.evaluation.event_bins import EventBin

__all__ = [
    "FEWEST_SHOWERS",
    "N_SEEDS",
    "BinArea",
    "Classification",
    "ClassifierBin",
    "ClassifierResult",
    "area_under_curve",
    "calibrated",
    "classify",
    "cross_entropy",
]

FEWEST_SHOWERS: Final = 400
"""Showers that each sample needs: the AUC of a quarter of them has an error of 0.04."""

N_SEEDS: Final = 5
"""How often the division into parts and the training are repeated."""

_FEWEST_IN_BIN: Final = 25
_SMALLEST_PROBABILITY: Final = 1e-6
_DIVISION_SEED: Final = 2025


@dataclass(frozen=True)
class ClassifierBin:
    """A bin of events, and which showers of both samples are inside.

    Attributes:
        bin: The bin.
        reference: Whether each shower of the reference is inside.
        simulated: Whether each shower of the simulation is.
    """

    bin: EventBin
    reference: Bool[Array, " event"]
    simulated: Bool[Array, " other"]


@dataclass(frozen=True)
class BinArea:
    """AUC of the showers of one bin.

    Attributes:
        energy_bin: Name of the bin in energy.
        eta_bin: Name of the bin in abs(eta).
        auc: AUC, averaged over the seeds.
        error: Statistical error of one seed.
        n_reference: Showers of the reference, all parts together.
        n_simulated: Showers of the simulation.
    """

    energy_bin: str
    eta_bin: str
    auc: float
    error: float
    n_reference: int
    n_simulated: int


@dataclass(frozen=True)
class Classification:
    """AUC of one sample against the reference.

    Attributes:
        label: How the report calls the sample.
        n_showers: Showers of each class, all parts together.
        auc: AUC of each seed.
        auc_errors: Statistical error of each AUC, from the number of showers that measure it.
        divergence: Calibrated Jensen-Shannon divergence of each seed in bits.
        divergence_errors: Statistical error of each.
        bins: AUC in the bins of energy and abs(eta) that have enough showers.
    """

    label: str
    n_showers: int
    auc: Float64[Array, " seed"]
    auc_errors: Float64[Array, " seed"]
    divergence: Float64[Array, " seed"]
    divergence_errors: Float64[Array, " seed"]
    bins: tuple[BinArea, ...] = ()

    @property
    def mean(self) -> float:
        """Mean AUC of the seeds."""
        return float(self.auc.mean())

    @property
    def spread(self) -> float:
        """Standard deviation of the seeds."""
        return float(self.auc.std(ddof=1)) if len(self.auc) > 1 else float("nan")

    @property
    def error(self) -> float:
        """Statistical error of one seed; the mean's is smaller, as the parts overlap."""
        return float(np.sqrt(np.mean(self.auc_errors**2)))


@dataclass(frozen=True)
class ClassifierResult:
    """The classifier test of several simulations.

    Attributes:
        floor: One half of the reference against the other: 0.5 within its error.
        simulated: One result per simulation.
        high_level: The same test of high-level features, beside that of voxels.
    """

    floor: Classification
    simulated: tuple[Classification, ...]
    high_level: "ClassifierResult | None" = None


def area_under_curve(
    reference: Float[Array, " event"], simulated: Float[Array, " other"]
) -> tuple[float, float]:
    """Compute the probability that a simulated shower scores higher than one of the reference.

    Args:
        reference: Scores of reference showers, two or more.
        simulated: Scores of simulated showers, two or more.

    Returns:
        The area under the ROC curve, ties counting half, and its statistical error (DeLong).

    Example:
        >>> area_under_curve(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0]))[0]
        0.75
    """
    n, m = len(reference), len(simulated)
    ranks = rankdata(np.concatenate([reference, simulated]))
    # for each shower, the share of the other sample that scores lower, ties counting half
    below_reference = (ranks[:n] - rankdata(reference)) / m
    below_simulated = (ranks[n:] - rankdata(simulated)) / n
    variance = below_reference.var(ddof=1) / n + below_simulated.var(ddof=1) / m
    return float(below_simulated.mean()), float(np.sqrt(variance))


def calibrated(
    scores: Float[Array, " event"],
    reference: Float[Array, " part"],
    simulated: Float[Array, " other_part"],
) -> Float64[Array, " event"]:
    """Turn scores into probabilities of being simulated by isotonic regression.

    Args:
        scores: What is calibrated.
        reference: Scores of reference showers set aside for the calibration.
        simulated: The same of simulated showers.

    Returns:
        Probabilities, linear between the scores of the calibration.

    Example:
        >>> calibrated(np.array([-9.0, 9.0]), np.array([0.0, 2.0]), np.array([1.0, 3.0])).round(3)
        array([0., 1.])
    """
    all_scores = np.concatenate([reference, simulated])
    labels = np.repeat([0.0, 1.0], [len(reference), len(simulated)])
    order = np.argsort(all_scores, kind="stable")
    rising = isotonic_regression(labels[order]).x
    found = np.interp(scores, all_scores[order], rising)
    return np.asarray(np.clip(found, _SMALLEST_PROBABILITY, 1.0 - _SMALLEST_PROBABILITY))


def cross_entropy(
    reference: Float64[Array, " event"], simulated: Float64[Array, " other"]
) -> tuple[float, float]:
    """Compute the binary cross entropy of probabilities, both classes counting the same.

    Args:
        reference: Probabilities of reference showers of being simulated.
        simulated: Those of simulated showers.

    Returns:
        The cross entropy in units of ln 2, and its statistical error.

    Example:
        >>> cross_entropy(np.full(4, 0.5), np.full(4, 0.5))
        (1.0, 0.0)
    """
    losses = [-np.log2(1.0 - reference), -np.log2(simulated)]
    variance = sum(loss.var() / len(loss) for loss in losses)
    return float(np.mean([loss.mean() for loss in losses])), float(0.5 * np.sqrt(variance))


def classify(
    reference: Float32[Array, "event feature"],
    simulated: Float32[Array, "other feature"],
    label: str,
    *,
    bins: Sequence[ClassifierBin] = (),
    n_seeds: int = N_SEEDS,
) -> Classification:
    """Train classifiers and measure their AUC.

    Args:
        reference: Inputs of reference showers.
        simulated: Inputs of simulated showers; of the larger sample, some are drawn at random.
        label: How the report calls the simulation.
        bins: Where the AUC is measured as well.
        n_seeds: How often the training is repeated.

    Returns:
        The AUC of each seed.

    Raises:
        ValueError: If a sample has under `FEWEST_SHOWERS`.
        ModuleNotFoundError: If torch is not installed.
    """
    n_showers = min(len(reference), len(simulated))
    if n_showers < FEWEST_SHOWERS:
        raise ValueError(
            f"{label}: expected {FEWEST_SHOWERS} showers or more of each sample for a "
            f"classifier, got {n_showers}"
        )
    results = [_judge(reference, simulated, n_showers, seed) for seed in range(n_seeds)]
    auc, auc_errors, divergence, errors = np.array([numbers for numbers, _ in results]).T
    judged = [found for _, found in results]
    areas = tuple(area for entry in bins if (area := _area_in_bin(judged, entry)) is not None)
    return Classification(label, n_showers, auc, auc_errors, divergence, errors, areas)


_Judged = Sequence[tuple[Int64[Array, " _"], Float32[Array, " _"]]]


def _judge(
    reference: Float32[Array, "event feature"],
    simulated: Float32[Array, "other feature"],
    n_showers: int,
    seed: int,
) -> tuple[tuple[float, float, float, float], _Judged]:
    """Train one classifier; give AUC and divergence with errors, and rows and scores judged."""
    from calovox.evaluation.classifier_training import classifier_scores

    rng = np.random.default_rng((_DIVISION_SEED, seed))
    parts = _divide(n_showers, rng)
    rows = [_draw(len(sample), n_showers, rng) for sample in (reference, simulated)]
    first, second = (
        [sample[chosen[part]] for part in parts]
        for sample, chosen in zip((reference, simulated), rows, strict=True)
    )
    calibration, scores = classifier_scores(first, second, seed=seed)
    probabilities = [calibrated(found, *calibration) for found in scores]
    entropy, entropy_error = cross_entropy(*probabilities)
    judged = [(chosen[parts[2]], found) for chosen, found in zip(rows, scores, strict=True)]
    return (*area_under_curve(*scores), 1.0 - entropy, entropy_error), judged


def _area_in_bin(judged: Sequence[_Judged], entry: ClassifierBin) -> BinArea | None:
    """Measure the AUC of the judged showers of a bin; none if a seed has too few."""
    areas = []
    for seed in judged:
        inside = [
            scores[chosen[rows]]
            for chosen, (rows, scores) in zip(
                (entry.reference, entry.simulated), seed, strict=True
            )
        ]
        if min(map(len, inside)) < _FEWEST_IN_BIN:
            return None
        areas.append(area_under_curve(*inside))
    auc, errors = np.array(areas).T
    return BinArea(
        entry.bin.energy_name,
        entry.bin.eta_name,
        float(auc.mean()),
        float(np.sqrt(np.mean(errors**2))),
        int(np.count_nonzero(entry.reference)),
        int(np.count_nonzero(entry.simulated)),
    )


def _divide(n_showers: int, rng: np.random.Generator) -> list[Int64[Array, " part"]]:
    """Divide rows into a half that trains, a quarter that stops, and a quarter that measures."""
    rows = rng.permutation(n_showers)
    return np.split(rows, [n_showers // 2, 3 * n_showers // 4])


def _draw(n_rows: int, n_showers: int, rng: np.random.Generator) -> Int64[Array, " chosen"]:
    if n_rows == n_showers:
        return np.arange(n_rows)
    return np.sort(rng.choice(n_rows, n_showers, replace=False))
