"""Scores of samples against a reference: all metrics but the classifiers, in every bin.

Two passes over the reference and one over each sample suffice: the first chooses the borders of
histograms, the second fills them. Samples of the same photons as the reference share its
fluctuations of energy and pseudorapidity, which makes distances smaller than those of independent
samples, and p-values larger: tests err on the safe side.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.stats import ks_2samp

from calovox.evaluation.copying import CopyTest
from calovox.evaluation.judge import FEWEST_IN_BIN, Judge
from calovox.evaluation.rows import ShowerRows, Track, draw_showers, silently
from calovox.evaluation.scores import ALL, Score, Scores
from calovox.evaluation.sources import DatasetSource, ShowerSource, open_showers
from calovox.geometry import CellTable

__all__ = ["VOXELS", "Scoring", "score_samples"]

VOXELS: Final = "voxels"
"""Name of all voxels together."""

_SMALLEST_P_VALUE: Final = 1e-4
_MOST_SHOWERS: Final = 5000
_MOST_TRAINING: Final = 50_000
_MOST_NUMBERS: Final = 20_000_000
_COPYING_SEED: Final = 2027


@dataclass(frozen=True)
class Scoring:
    """Scores, and what could not be scored.

    Attributes:
        scores: The table.
        missing: One line for each sample, or part of one, without scores.
    """

    scores: Scores
    missing: tuple[str, ...]


def score_samples(
    reference: Path,
    simulated: Mapping[str, Path],
    *,
    binning: Path | None = None,
    training: Path | None = None,
    table: CellTable | None = None,
    track: Track = silently,
    progress: Callable[[str], None] | None = None,
) -> Scoring:
    """Score samples against a reference.

    Args:
        reference: Showers of Geant4: a dataset, or a file of the CaloChallenge.
        simulated: Samples by their names, in the same formats.
        binning: Where the voxels of files of the CaloChallenge lie.
        training: Showers that the models were trained with, to look for copies.
        table: The cells of the detector; the built-in barrel if none is given.
        track: Shows the progress over showers.
        progress: Called with one line before longer steps.

    Returns:
        All scores, sample by sample.

    Raises:
        ValueError: If a file cannot be used, or the reference has under `FEWEST_IN_BIN` showers.
    """
    source = open_showers(reference, binning=binning, table=table)
    if len(source) < FEWEST_IN_BIN:
        raise ValueError(
            f"{reference}: expected {FEWEST_IN_BIN} showers or more to score, got {len(source)}"
        )
    others = {label: _open_like(source, path, binning, table) for label, path in simulated.items()}
    trained = None if training is None else _open_training(source, training, binning)
    say = progress or (lambda text: None)
    judge = Judge.from_reference(source, track, say)
    copies = None if trained is None else _copy_test(source, trained, track)
    scores, missing = Scores(), []
    for label, other in others.items():
        reason = _reason_not_to_compare(source, other)
        if reason is not None:
            missing.append(f"Scores of {label}: {reason}")
            continue
        scores += Scores(tuple(judge.score(label, other)))
        if copies is not None and other.layout == source.layout:
            say(f"Looking for copies in {label}")
            scores += Scores(tuple(_score_copying(label, other, copies, track)))
    return Scoring(scores, tuple(missing))


def _open_like(
    reference: ShowerSource, path: Path, binning: Path | None, table: CellTable | None
) -> ShowerSource:
    """Open a sample, with the calibration of the reference, and with cells if that has any."""
    calibration = reference.calibration if isinstance(reference, DatasetSource) else None
    return open_showers(
        path, binning=binning, cells=reference.has_shapes, calibration=calibration, table=table
    )


def _reason_not_to_compare(reference: ShowerSource, other: ShowerSource) -> str | None:
    """Say what tells samples apart whatever the model, if anything does."""
    if reference.layout.layers != other.layout.layers:
        return f"its layers {other.layout.layers} are not those of the reference"
    columns = {
        "energy": (reference.incident_energy(), other.incident_energy()),
        "abs(eta)": (reference.abs_eta(), other.abs_eta()),
    }
    for name, (first, second) in columns.items():
        if first is None or second is None:
            continue
        p_value = float(ks_2samp(first, second, method="asymp").pvalue)
        if p_value < _SMALLEST_P_VALUE:
            return (
                f"its distribution of {name} is not that of the reference (Kolmogorov-Smirnov "
                f"p = {p_value:.1g}); simulate the same photons"
            )
    return None


def _open_training(reference: ShowerSource, path: Path, binning: Path | None) -> ShowerSource:
    training = open_showers(path, binning=binning, cells=False)
    if training.layout != reference.layout:
        raise ValueError(
            f"{path}: expected training showers on the voxels of the reference "
            f"({reference.layout.name}), got others ({training.layout.name})"
        )
    return training


def _draw(source: ShowerSource, most: int, track: Track) -> ShowerRows:
    bounded = min(most, max(_MOST_NUMBERS // source.layout.n_voxels, 1))
    return draw_showers(source, bounded, np.random.default_rng(_COPYING_SEED), track=track)


def _copy_test(reference: ShowerSource, training: ShowerSource, track: Track) -> CopyTest:
    return CopyTest.from_showers(
        _draw(reference, _MOST_SHOWERS, track),
        _draw(training, _MOST_TRAINING, track),
        reference.layout.mirror,
        np.random.default_rng(_COPYING_SEED),
    )


def _score_copying(
    label: str, simulated: ShowerSource, test: CopyTest, track: Track
) -> Iterator[Score]:
    showers = _draw(simulated, _MOST_SHOWERS, track)
    for metric, measured in test.measure(showers).items():
        sizes = {"n_reference": test.n_held_out, "n_simulated": len(showers)}
        yield Score(label, metric, VOXELS, ALL, ALL, **vars(measured), **sizes)
