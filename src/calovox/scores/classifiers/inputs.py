"""What a classifier is given: voxels or high-level features of whole files.

- Voxels: log10(E_voxel / E_kin + `ENERGY_FLOOR`). The floor makes energies below it look alike:
  models add noise of that size in training, and set smaller energies to zero.
- High-level features, those of the CaloChallenge: log10 of the layer energies, as fractions of
  E_kin, and centres of energy and widths along eta and phi of the layers that are divided in
  alpha.

Both kinds hold log10 E_kin and, if it is known, abs(eta). Each input is standardised with the mean
and the standard deviation of the training showers.

Of larger samples, `MOST_SHOWERS` showers are drawn at random, or fewer, so that there are no more
than 10^8 voxels: 15 432 showers of data set 2 of the CaloChallenge. Two samples of the same size
give the same rows, since these may be showers of the same photons.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from scipy.stats import norm

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.samples.batch import ShowerSource
from calovox.samples.bins import ALL, event_bins
from calovox.samples.comparable import different_photons
from calovox.samples.files import REFERENCE_LABEL
from calovox.samples.layout import VoxelLayout
from calovox.samples.observables.voxels import (
    LAYER_ENERGY,
    voxel_observables,
    voxels_to_observables,
)
from calovox.samples.reading import ShowerRows, choose_rows, read_showers
from calovox.scores.classifiers.network import (
    DIVISION_SEED,
    FEWEST_IN_BIN,
    FEWEST_SHOWERS,
    N_SEEDS,
    Classification,
    ClassifierBin,
    ClassifierResult,
    classify,
)
from calovox.scores.table import NotScored, Score, Scores
from calovox.tracking import Track, silently

__all__ = [
    "ENERGY_FLOOR",
    "INPUTS",
    "ClassifierInputs",
    "check_classifiable",
    "classify_samples",
    "high_level_features",
    "score_classifier",
    "voxel_features",
]

ENERGY_FLOOR: Final = 1e-6
"""What is added to the energy of each voxel, as a fraction of E_kin, before its logarithm."""

ClassifierInputs = Literal["voxels", "high-level"]

INPUTS: Final[tuple[ClassifierInputs, ...]] = ("voxels", "high-level")
"""The two kinds of inputs."""

MOST_SHOWERS: Final = 100_000
"""Showers of each sample that classifiers are given at most."""

_MOST_NUMBERS: Final = 100_000_000
_LAYER_FLOOR: Final = 1e-8
_PLANAR: Final = ("center_eta", "center_phi", "width_eta", "width_phi")


def voxel_features(showers: ShowerRows) -> Float32[Array, "event feature"]:
    """Compute inputs from voxels, not standardised.

    Args:
        showers: Showers.

    Returns:
        Logarithms of the voxel energies, then log10 of the kinetic energy in MeV, then abs(eta).
    """
    voxels = np.log10(showers.fraction + np.float32(ENERGY_FLOOR))
    return np.concatenate([voxels, _conditions(showers)], axis=1, dtype=np.float32)


def high_level_features(
    showers: ShowerRows, layout: VoxelLayout
) -> Float32[Array, "event feature"]:
    """Compute inputs from high-level features, not standardised.

    Args:
        showers: Showers.
        layout: Where their voxels lie.

    Returns:
        Logarithms of the layer energies, centres and widths, then log10 of the kinetic energy in
        MeV, then abs(eta).
    """
    names = [o.name for o in voxel_observables(layout) if not o.name.endswith("_all")]
    scale = np.ones(len(showers.energy))
    energies, planar = (
        voxels_to_observables(
            showers.fraction,
            scale,
            layout,
            only=[name for name in names if name.startswith(wanted)],
        ).values
        for wanted in (LAYER_ENERGY, _PLANAR)
    )
    columns = (np.log10(energies + _LAYER_FLOOR), planar, _conditions(showers))
    return np.concatenate(columns, axis=1, dtype=np.float32)


@dataclass(frozen=True)
class _Sample:
    """Inputs of a sample, and the conditions of its showers."""

    features: Float32[Array, "event feature"]
    energy: Float64[Array, " event"]
    abs_eta: Float64[Array, " event"] | None

    def __getitem__(self, rows: Int64[Array, " chosen"]) -> "_Sample":
        abs_eta = None if self.abs_eta is None else self.abs_eta[rows]
        return _Sample(self.features[rows], self.energy[rows], abs_eta)


def check_classifiable(sources: Mapping[str, ShowerSource]) -> None:
    """Refuse samples that a classifier cannot be trained with, before anything else is done.

    Args:
        sources: The reference, then simulations; none is fine.

    Raises:
        ValueError: If grids or the distributions of energy or eta differ, or showers are too few.
    """
    for place, source in enumerate(sources.values()):
        _check_size(source, FEWEST_SHOWERS if place else 2 * FEWEST_SHOWERS)
    for source in list(sources.values())[1:]:
        _check_comparable(next(iter(sources.values())), source)


def classify_samples(
    sources: Mapping[str, ShowerSource],
    *,
    n_seeds: int = N_SEEDS,
    track: Track = silently,
    progress: Callable[[str], None] | None = None,
) -> ClassifierResult:
    """Test simulations against a reference, and the halves of the reference against each other.

    Args:
        sources: The reference, then simulations, by the names the report gives them; each is read
            once.
        n_seeds: How often each training is repeated.
        track: Shows the progress over showers.
        progress: Called with one line before each training.

    Returns:
        The test of voxels, with that of high-level features beside it.

    Raises:
        ValueError: If grids or the distributions of energy or eta differ, or showers are too few.
        ModuleNotFoundError: If torch is not installed.
    """
    say = progress or (lambda text: None)
    check_classifiable(sources)
    (_, source), *others = sources.items()
    first = _read(source, track)
    found: dict[ClassifierInputs, list[Classification]] = {inputs: [] for inputs in INPUTS}
    for label, other in others:
        second = _read(other, track)
        for inputs, results in found.items():
            say(f"Training classifiers on {inputs}: {label}")
            results.append(_classify(first[inputs], second[inputs], label, n_seeds))
    floors = {}
    for inputs in INPUTS:
        say(f"Training classifiers on {inputs}: halves of {REFERENCE_LABEL}")
        order = np.random.default_rng(DIVISION_SEED).permutation(len(first[inputs].energy))
        half, rest = (first[inputs][rows] for rows in np.split(order, [len(order) // 2]))
        floors[inputs] = _classify(half, rest, f"{REFERENCE_LABEL} halves", n_seeds)
    voxels, high_level = (
        ClassifierResult(floors[inputs], tuple(found[inputs])) for inputs in INPUTS
    )
    return replace(voxels, high_level=high_level)


def score_classifier(result: ClassifierResult | None) -> Scores:
    """Give AUC and divergence of every simulation as scores, and the bins with too few showers.

    The floor's uncertainty is scaled to the number of showers; p-values are those of a normal
    distribution around the AUC of 0.5, with the error of one seed.

    Args:
        result: The classifier test of voxels; none gives no scores.

    Returns:
        AUC in every bin that has enough showers, and the divergence of all.
    """
    rows: list[Score] = []
    without: list[NotScored] = []
    for inputs, test in zip(INPUTS, (result, result and result.high_level), strict=True):
        if test is not None:
            for entry in test.simulated:
                rows += _score_rows(entry, test.floor, inputs)
    for entry in () if result is None else result.simulated:
        without += _bins_without(entry)
    return Scores(tuple(rows), tuple(without))


def _bins_without(entry: Classification) -> Iterator[NotScored]:
    reason = f"under {FEWEST_IN_BIN} showers of a sample measure the classifier there"
    for place in entry.too_few:
        yield NotScored(entry.label, "auc", place.energy_name, place.eta_name, reason)


def _score_rows(
    entry: Classification, floor: Classification, inputs: ClassifierInputs
) -> Iterator[Score]:
    scale = float(np.sqrt(floor.n_showers / entry.n_showers))
    floors = {(area.energy_bin, area.eta_bin): area for area in floor.bins}
    for area in entry.bins:
        beside = floors.get((area.energy_bin, area.eta_bin))
        yield Score(
            *(entry.label, "auc", inputs, area.energy_bin, area.eta_bin, area.auc, area.error),
            float("nan") if beside is None else beside.auc,
            float("nan") if beside is None else scale * beside.error,
            *(area.n_reference, area.n_simulated),
            p_value=_p_value(area.auc - 0.5, area.error),
        )
    value, error = (float(column.mean()) for column in (entry.divergence, entry.divergence_errors))
    yield Score(
        *(entry.label, "divergence", inputs, ALL, ALL, value, error),
        *(float(floor.divergence.mean()), scale * float(floor.divergence_errors.mean())),
        *(entry.n_showers, entry.n_showers),
        p_value=_p_value(value, error),
    )


def _p_value(excess: float, error: float) -> float:
    return float(norm.sf(excess / error)) if error > 0 else float(excess <= 0)


def _conditions(showers: ShowerRows) -> Float32[Array, "event condition"]:
    columns = [np.log10(showers.energy), *([] if showers.abs_eta is None else [showers.abs_eta])]
    return np.stack(columns, axis=1).astype(np.float32)


def _read(source: ShowerSource, track: Track) -> dict[ClassifierInputs, _Sample]:
    """Compute both kinds of inputs."""
    most = min(MOST_SHOWERS, max(_MOST_NUMBERS // source.layout.n_voxels, FEWEST_SHOWERS))
    rows = choose_rows(len(source), most, np.random.default_rng(DIVISION_SEED))
    showers = read_showers(source, rows, f"Reading {source.path.name}", track)
    features = (voxel_features(showers), high_level_features(showers, source.layout))
    return {
        inputs: _Sample(columns, showers.energy, showers.abs_eta)
        for inputs, columns in zip(INPUTS, features, strict=True)
    }


def _classify(first: _Sample, second: _Sample, label: str, n_seeds: int) -> Classification:
    bins = [
        ClassifierBin(
            entry, *(entry.select(part.energy, part.abs_eta) for part in (first, second))
        )
        for entry in event_bins(with_eta=first.abs_eta is not None)
    ]
    return classify(first.features, second.features, label, bins=bins, n_seeds=n_seeds)


def _check_size(source: ShowerSource, fewest: int) -> None:
    if len(source) < fewest:
        raise ValueError(
            f"{source.path}: expected {fewest} showers or more for a classifier, got {len(source)}"
        )


def _check_comparable(reference: ShowerSource, simulated: ShowerSource) -> None:
    """Refuse samples that energies, pseudorapidities or voxels tell apart, whatever the model."""
    if simulated.layout != reference.layout:
        raise ValueError(
            f"{simulated.path}: expected the voxels of the classifier's reference "
            f"({reference.layout.name}), got others ({simulated.layout.name})"
        )
    difference = different_photons(reference, simulated)
    if difference is not None:
        raise ValueError(f"{simulated.path}: {difference}")
