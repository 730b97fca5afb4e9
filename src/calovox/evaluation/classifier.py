r"""Two-sample test by a classifier: can a network tell simulated showers from Geant4?

A network learns to separate reference and simulated showers from all voxels, the kinetic energy
and the pseudorapidity. The area under its ROC curve (AUC), measured on showers it has not seen, is
0.5 if the samples cannot be told apart and 1 if they always can.

The inputs are log10(E_voxel / E_kin + `ENERGY_FLOOR`), log10 E_kin and |eta|, each standardised
on the training showers. The floor makes energies below it look alike: models add noise of that
size in training, and set smaller energies to zero. Both samples have the same number of showers;
half of them train the network, a quarter stops the training, and a quarter measures the AUC. All
is repeated with several seeds: another division, other initial weights. Showers in the same row
stay in the same part, since both samples may have been made for the same photons: energies
learned with one label would otherwise come back with the other.

References:
    C. Krause et al., *CaloChallenge 2022: A Community Challenge for Fast Calorimeter Simulation*
    (2024), https://arxiv.org/abs/2410.21611
    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, *Comparing the areas under two or more
    correlated receiver operating characteristic curves*, Biometrics 44 (1988) 837,
    https://doi.org/10.2307/2531595
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.stats import ks_2samp, rankdata

from calovox.arrays import Array, Float, Float32, Float64, Int64
from calovox.dataset import read_dataset
from calovox.evaluation.samples import REFERENCE_LABEL
from calovox.voxelization import Voxels

__all__ = [
    "ENERGY_FLOOR",
    "FEWEST_SHOWERS",
    "N_SEEDS",
    "Classification",
    "ClassifierResult",
    "area_under_curve",
    "classify",
    "classify_datasets",
    "voxel_features",
]

ENERGY_FLOOR: Final = 1e-6
"""What is added to the energy of each voxel, as a fraction of E_kin, before its logarithm."""

FEWEST_SHOWERS: Final = 400
"""Showers that each sample needs: the AUC of a quarter of them has an error of 0.04."""

N_SEEDS: Final = 5
"""How often the division into parts and the training are repeated."""

_SMALLEST_P_VALUE: Final = 1e-4
_DIVISION_SEED: Final = 2025


@dataclass(frozen=True)
class Classification:
    """AUC of one sample against the reference.

    Attributes:
        label: How the report calls the sample.
        n_showers: Showers of each class, all parts together.
        auc: AUC of each seed.
        auc_errors: Statistical error of each AUC, from the number of showers that measure it.
    """

    label: str
    n_showers: int
    auc: Float64[Array, " seed"]
    auc_errors: Float64[Array, " seed"]

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
    """

    floor: Classification
    simulated: tuple[Classification, ...]


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


def voxel_features(voxels: Voxels) -> Float32[Array, "event feature"]:
    """Compute the inputs of the classifier, not standardised.

    Args:
        voxels: Showers.

    Returns:
        Logarithms of the voxel energies, then log10 of the kinetic energy in MeV, then |eta|.
    """
    columns = (
        np.log10(voxels.energy + np.float32(ENERGY_FLOOR)),
        np.log10(voxels.incident_energy)[:, None],
        np.abs(voxels.eta_center)[:, None],
    )
    return np.concatenate(columns, axis=1, dtype=np.float32)


def classify(
    reference: Float32[Array, "event feature"],
    simulated: Float32[Array, "other feature"],
    label: str,
    *,
    n_seeds: int = N_SEEDS,
) -> Classification:
    """Train classifiers and measure their AUC.

    Args:
        reference: Inputs of reference showers.
        simulated: Inputs of simulated showers; of the larger sample, some are drawn at random.
        label: How the report calls the simulation.
        n_seeds: How often the training is repeated.

    Returns:
        The AUC of each seed.

    Raises:
        ValueError: If a sample has under `FEWEST_SHOWERS`.
        ModuleNotFoundError: If torch is not installed.
    """
    from calovox.evaluation.classifier_training import classifier_scores

    n_showers = min(len(reference), len(simulated))
    if n_showers < FEWEST_SHOWERS:
        raise ValueError(
            f"{label}: expected {FEWEST_SHOWERS} showers or more of each sample for a "
            f"classifier, got {n_showers}"
        )
    results = []
    for seed in range(n_seeds):
        rng = np.random.default_rng((_DIVISION_SEED, seed))
        parts = _divide(n_showers, rng)
        first, second = (
            [rows[part] for part in parts]
            for rows in (_draw(reference, n_showers, rng), _draw(simulated, n_showers, rng))
        )
        results.append(area_under_curve(*classifier_scores(first, second, seed=seed)))
    auc, errors = (np.array(column) for column in zip(*results, strict=True))
    return Classification(label, n_showers, auc, errors)


def classify_datasets(
    reference: Path,
    simulated: Mapping[str, Path],
    *,
    n_seeds: int = N_SEEDS,
    progress: Callable[[str], None] | None = None,
) -> ClassifierResult:
    """Test simulations against a reference, and the halves of the reference against each other.

    Args:
        reference: Dataset of Geant4; cells are not needed.
        simulated: Datasets of simulations by the names the report gives them.
        n_seeds: How often each training is repeated.
        progress: Called with one line before each training.

    Returns:
        All AUC.

    Raises:
        ValueError: If grids or the distributions of energy or eta differ, or showers are too few.
        ModuleNotFoundError: If torch is not installed.
    """
    say = progress or (lambda text: None)
    voxels = read_dataset(reference)
    _check_size(reference, len(voxels), 2 * FEWEST_SHOWERS)
    others = {label: read_dataset(path) for label, path in simulated.items()}
    for label, other in others.items():
        _check_size(simulated[label], len(other), FEWEST_SHOWERS)
        _check_comparable(voxels, other, simulated[label])
    features = voxel_features(voxels)
    results = []
    for label, other in others.items():
        say(f"Training classifiers: {label}")
        results.append(classify(features, voxel_features(other), label, n_seeds=n_seeds))
    say(f"Training classifiers: halves of {REFERENCE_LABEL}")
    shuffled = np.random.default_rng(_DIVISION_SEED).permutation(features)
    half = len(shuffled) // 2
    floor = classify(
        shuffled[:half], shuffled[half:], f"{REFERENCE_LABEL} halves", n_seeds=n_seeds
    )
    return ClassifierResult(floor, tuple(results))


def _divide(n_showers: int, rng: np.random.Generator) -> list[Int64[Array, " part"]]:
    """Divide rows into a half that trains, a quarter that stops, and a quarter that measures."""
    rows = rng.permutation(n_showers)
    return np.split(rows, [n_showers // 2, 3 * n_showers // 4])


def _draw(
    features: Float32[Array, "event feature"], n_showers: int, rng: np.random.Generator
) -> Float32[Array, "chosen feature"]:
    if len(features) == n_showers:
        return features
    return features[np.sort(rng.choice(len(features), n_showers, replace=False))]


def _check_size(path: Path, n_showers: int, fewest: int) -> None:
    if n_showers < fewest:
        raise ValueError(
            f"{path}: expected {fewest} showers or more for a classifier, got {n_showers}"
        )


def _check_comparable(reference: Voxels, simulated: Voxels, path: Path) -> None:
    """Refuse samples that energies, pseudorapidities or voxels tell apart, whatever the model."""
    if simulated.grid != reference.grid:
        raise ValueError(
            f"{path}: expected the voxels of the classifier's reference "
            f"({reference.grid.name}), got others ({simulated.grid.name})"
        )
    for name in ("incident_energy", "eta_center"):
        columns = (np.abs(getattr(voxels, name)) for voxels in (reference, simulated))
        p_value = float(ks_2samp(*columns, method="asymp").pvalue)
        if p_value < _SMALLEST_P_VALUE:
            raise ValueError(
                f"{path}: expected the distribution of |{name}| of the classifier's reference, "
                f"got another (Kolmogorov-Smirnov p = {p_value:.1g}): simulate the same photons"
            )
