r"""Two-sample test by a classifier: can a network tell simulated showers from Geant4?

A network learns to separate reference and simulated showers. The area under its ROC curve (AUC),
measured on showers it has not seen, is 0.5 if the samples cannot be told apart and 1 if they
always can. It is given one of two kinds of inputs (`inputs`): all voxels, or high-level features.

Both samples have the same number of showers; half of them train the network, a quarter stops the
training and calibrates the network, and a quarter measures. All is repeated with several seeds,
each with its own division and initial weights. Showers in the same row stay in the same part,
since both samples may be of the same photons. The network would otherwise learn an energy with one
label and meet it again with the other.

The calibration, an isotonic regression, turns scores into probabilities of being simulated. Their
binary cross entropy (BCE) gives the Jensen-Shannon divergence of the samples in bits, as far as
the network sees it: JSD = 1 - BCE / ln 2. It is 0 if the samples cannot be told apart, and below 0
if the network or its calibration is wrong. The AUC is that of the scores themselves.

References:
    C. Krause et al., *CaloChallenge 2022: A Community Challenge for Fast Calorimeter Simulation*
    (2024), https://arxiv.org/abs/2410.21611
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float32, Float64, Int64
from calovox.samples.bins import EventBin
from calovox.scores.classifiers.roc import area_under_curve, calibrated, cross_entropy

__all__ = [
    "DIVISION_SEED",
    "FEWEST_IN_BIN",
    "FEWEST_SHOWERS",
    "N_SEEDS",
    "BinArea",
    "Classification",
    "ClassifierBin",
    "ClassifierResult",
    "classify",
]

FEWEST_SHOWERS: Final = 400
"""Showers that each sample needs: the AUC of a quarter of them has an error of 0.04."""

N_SEEDS: Final = 5
"""How often the division into parts and the training are repeated."""

FEWEST_IN_BIN: Final = 25
"""Showers of each sample that must measure an AUC in a bin."""

DIVISION_SEED: Final = 2025
"""Seed of the showers that are drawn and of their division into parts."""


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
        too_few: Bins that have showers, but not enough.
    """

    label: str
    n_showers: int
    auc: Float64[Array, " seed"]
    auc_errors: Float64[Array, " seed"]
    divergence: Float64[Array, " seed"]
    divergence_errors: Float64[Array, " seed"]
    bins: tuple[BinArea, ...] = ()
    too_few: tuple[EventBin, ...] = ()

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
    areas = [(entry, _area_in_bin(judged, entry)) for entry in bins]
    found = tuple(area for _, area in areas if area is not None)
    too_few = tuple(
        entry.bin
        for entry, area in areas
        if area is None and (np.any(entry.reference) or np.any(entry.simulated))
    )
    return Classification(label, n_showers, auc, auc_errors, divergence, errors, found, too_few)


_Judged = Sequence[tuple[Int64[Array, " _"], Float32[Array, " _"]]]


def _judge(
    reference: Float32[Array, "event feature"],
    simulated: Float32[Array, "other feature"],
    n_showers: int,
    seed: int,
) -> tuple[tuple[float, float, float, float], _Judged]:
    """Train one classifier; give AUC and divergence with errors, and rows and scores judged."""
    from calovox.scores.classifiers.training import classifier_scores

    rng = np.random.default_rng((DIVISION_SEED, seed))
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
        if min(map(len, inside)) < FEWEST_IN_BIN:
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
