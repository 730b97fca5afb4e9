"""Scores of samples against a reference: all metrics but the classifiers, in every bin.

Two passes over the reference and one over each sample suffice: the first chooses the borders of
histograms, the second fills them. Samples of the same photons as the reference share its
fluctuations of energy and pseudorapidity, which makes distances smaller than those of independent
samples, and p-values larger: tests err on the safe side.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from calovox.evaluation.comparable import different_photons
from calovox.evaluation.copying import CopyTest
from calovox.evaluation.judge import FEWEST_IN_BIN, Judge
from calovox.evaluation.rows import ShowerRows, Track, draw_showers, silently
from calovox.evaluation.scores import ALL, Score, Scores
from calovox.evaluation.sources import (
    ShowerSource,
    open_sample,
    open_showers,
)
from calovox.geometry import CellTable

__all__ = ["VOXELS", "Scoring", "score_samples"]

VOXELS: Final = "voxels"
"""Name of all voxels together."""

_MOST_SHOWERS: Final = 5000
_MOST_TRAINING: Final = 20_000
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
    reference: Sequence[Path],
    simulated: Mapping[str, Sequence[Path]],
    *,
    binning: Path | None = None,
    training: Path | None = None,
    table: CellTable | None = None,
    track: Track = silently,
    progress: Callable[[str], None] | None = None,
) -> Scoring:
    """Score samples against a reference.

    Args:
        reference: Showers of Geant4: datasets, or files of the CaloChallenge.
        simulated: Files of each sample by its name, in the same formats.
        binning: Where the voxels of files of the CaloChallenge lie.
        training: Showers that the models were trained with, to look for copies.
        table: The cells of the detector; the built-in barrel if none is given.
        track: Shows the progress over showers.
        progress: Called with one line before longer steps.

    Returns:
        All scores, sample by sample.

    Raises:
        ValueError: If a file cannot be used.
    """
    source = open_sample(reference, binning=binning, table=table)
    others = {
        label: open_sample(
            paths,
            binning=binning,
            cells=source.has_shapes,
            calibration=source.calibration,
            table=table,
        )
        for label, paths in simulated.items()
    }
    if len(source) < FEWEST_IN_BIN:
        few = f"Scores: the reference has {len(source)} showers, {FEWEST_IN_BIN} are needed"
        return Scoring(Scores(), (few,))
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


def _reason_not_to_compare(reference: ShowerSource, other: ShowerSource) -> str | None:
    """Say what tells samples apart whatever the model, if anything does."""
    if reference.layout.layers != other.layout.layers:
        return f"its layers {other.layout.layers} are not those of the reference"
    if len(other) < FEWEST_IN_BIN:
        return f"it has {len(other)} showers, {FEWEST_IN_BIN} are needed"
    return different_photons(reference, other)


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
