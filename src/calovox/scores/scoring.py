"""Scores of samples against a reference: all metrics but the classifiers, in every bin.

Two passes over the reference and one over each sample suffice: the first chooses the borders of
histograms, the second fills them. Samples of the same photons as the reference share its
fluctuations of energy and pseudorapidity, which makes distances smaller than those of independent
samples, and p-values larger: tests err on the safe side. A sample of some ranges of abs(eta) or
energy is compared with the reference there (`comparable`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from calovox.geometry import CellTable
from calovox.samples.batch import ShowerSource
from calovox.samples.bins import ALL
from calovox.samples.comparable import different_photons, find_common_photons
from calovox.samples.rows import ShowerRows, draw_showers
from calovox.samples.sample import REFERENCE_LABEL
from calovox.samples.source import open_sample
from calovox.samples.tracking import Track, silently
from calovox.scores.copying import CopyTest
from calovox.scores.judge import FEWEST_IN_BIN, Judge
from calovox.scores.table import NotScored, Score, Scores

__all__ = ["COPYING_SEED", "VOXELS", "ScoredSample", "Scoring", "score_samples"]

VOXELS: Final = "voxels"
"""Name of all voxels together."""

COPYING_SEED: Final = 2027
"""Seed of the showers that are looked at for copies."""

_MOST_SHOWERS: Final = 5000
_MOST_NUMBERS: Final = 20_000_000
_MOST_PAIRS: Final = 1_000_000_000


@dataclass(frozen=True)
class ScoredSample:
    """A sample that was scored.

    Attributes:
        label: Its name.
        n_events: Number of showers.
        grid: Name of its voxels.
        n_voxels: Their number.
        energy_range: Lowest and highest incident energy in MeV.
    """

    label: str
    n_events: int
    grid: str
    n_voxels: int
    energy_range: tuple[float, float]

    @classmethod
    def from_source(cls, label: str, source: ShowerSource) -> "ScoredSample":
        """Describe a sample."""
        energy = source.incident_energy()
        ends = float(energy.min()), float(energy.max())
        return cls(label, len(source), source.layout.name, source.layout.n_voxels, ends)


@dataclass(frozen=True)
class Scoring:
    """Scores, and what could not be scored.

    Attributes:
        scores: The table.
        missing: One line for each sample, or part of one, without scores.
        samples: The reference, then the samples.
    """

    scores: Scores
    missing: tuple[str, ...]
    samples: tuple[ScoredSample, ...] = ()


def score_samples(
    reference: Sequence[Path],
    simulated: Mapping[str, Sequence[Path]],
    *,
    binning: Path | None = None,
    min_energy: float = 0.0,
    training: Sequence[Path] = (),
    table: CellTable | None = None,
    track: Track = silently,
    progress: Callable[[str], None] | None = None,
) -> Scoring:
    """Score samples against a reference.

    Args:
        reference: Showers of Geant4: datasets, or files of the CaloChallenge.
        simulated: Files of each sample by its name, in the same formats.
        binning: Where the voxels of files of the CaloChallenge lie.
        min_energy: Energy in MeV below which a voxel counts as empty, in all samples.
        training: Showers that the models were trained with, to look for copies.
        table: The cells of the detector; the built-in barrel if none is given.
        track: Shows the progress over showers.
        progress: Called with one line before longer steps.

    Returns:
        All scores, sample by sample.

    Raises:
        ValueError: If a file cannot be used.
    """
    source = open_sample(reference, binning=binning, min_energy=min_energy, table=table)
    others = {
        label: open_sample(
            paths,
            binning=binning,
            min_energy=min_energy,
            cells=source.has_shapes,
            calibration=source.calibration,
            table=table,
        )
        for label, paths in simulated.items()
    }
    samples = {REFERENCE_LABEL: source, **others}.items()
    described = tuple(ScoredSample.from_source(label, sample) for label, sample in samples)
    trained = None
    if training:
        _check_held_out(reference, training)
        trained = open_sample(training, binning=binning, min_energy=min_energy, cells=False)
        _check_training(source, trained)
    if len(source) < FEWEST_IN_BIN:
        few = f"the reference has {len(source)} showers, {FEWEST_IN_BIN} are needed"
        not_scored = (NotScored(label, "*", ALL, ALL, few) for label in others)
        return Scoring(Scores((), tuple(not_scored)), (f"Scores: {few}",), described)
    referees = _Referees(source, trained, track, progress or (lambda text: None))
    found = [referees.score(label, other) for label, other in others.items()]
    notes = tuple(note for _, note in found if note)
    return Scoring(sum((scores for scores, _ in found), Scores()), notes, described)


@dataclass(frozen=True)
class _Referee:
    """A reference that samples are compared with, and the search for copies beside it."""

    judge: Judge
    copies: CopyTest | None


@dataclass(frozen=True)
class _Referees:
    """The reference, whole or restricted to the photons of a sample."""

    reference: ShowerSource
    training: ShowerSource | None
    track: Track
    say: Callable[[str], None]

    def score(self, label: str, other: ShowerSource) -> tuple[Scores, str]:
        """Score a sample; give the scores, and what must be said about them."""
        reason = _reason_not_to_compare(self.reference, other)
        if reason is not None:
            return _no_scores(label, reason)
        difference = different_photons(self.reference, other)
        if difference is None:
            return self._scores(self._whole, label, other), ""
        common = find_common_photons(self.reference, other)
        if common is None or min(map(len, common.samples)) < FEWEST_IN_BIN:
            return _no_scores(label, difference)
        note = (
            f"Scores of {label}: its photons are those of the reference at {common} "
            f"alone; {len(common.reference)} of {len(self.reference)} showers of the reference "
            "are compared with it"
        )
        return self._scores(self._referee(common.reference), label, common.other), note

    @cached_property
    def _whole(self) -> _Referee:
        return self._referee(self.reference)

    def _referee(self, reference: ShowerSource) -> _Referee:
        judge = Judge.from_reference(reference, self.track, self.say)
        if self.training is None:
            return _Referee(judge, None)
        rng = np.random.default_rng(COPYING_SEED)
        showers = _draw(reference, len(self.training), self.track)
        return _Referee(
            judge, CopyTest.from_showers(showers, self.training, rng, track=self.track)
        )

    def _scores(self, referee: _Referee, label: str, other: ShowerSource) -> Scores:
        scores = referee.judge.score(label, other)
        if self.training is None or referee.copies is None:
            return scores
        if other.layout != self.training.layout:
            reason = "its voxels are not those of the training showers"
            metrics = ("copying", "training_distance")
            without = tuple(NotScored(label, metric, ALL, ALL, reason) for metric in metrics)
            return scores + Scores((), without)
        self.say(f"Looking for copies in {label}")
        showers = _draw(other, len(self.training), self.track)
        return scores + Scores(tuple(_score_copying(label, showers, referee.copies)))


def _no_scores(label: str, reason: str) -> tuple[Scores, str]:
    return Scores((), (NotScored(label, "*", ALL, ALL, reason),)), f"Scores of {label}: {reason}"


def _reason_not_to_compare(reference: ShowerSource, other: ShowerSource) -> str | None:
    """Say what tells samples apart whatever the model and the photons, if anything does."""
    if reference.layout.layers != other.layout.layers:
        return f"its layers {other.layout.layers} are not those of the reference"
    if len(other) < FEWEST_IN_BIN:
        return f"it has {len(other)} showers, {FEWEST_IN_BIN} are needed"
    return None


def _check_held_out(reference: Sequence[Path], training: Sequence[Path]) -> None:
    both = {path.resolve() for path in reference} & {path.resolve() for path in training}
    if both:
        raise ValueError(
            f"training: {both.pop()} is in the reference as well: give a reference that the "
            "models were not trained with"
        )


def _check_training(reference: ShowerSource, training: ShowerSource) -> None:
    if training.layout != reference.layout:
        raise ValueError(
            f"{training.path}: expected training showers on the voxels of the reference "
            f"({reference.layout.name}), got others ({training.layout.name})"
        )


def _draw(source: ShowerSource, n_training: int, track: Track) -> ShowerRows:
    """Draw the showers that are compared with all training showers."""
    most = min(_MOST_NUMBERS // source.layout.n_voxels, _MOST_PAIRS // n_training)
    rng = np.random.default_rng(COPYING_SEED)
    return draw_showers(source, min(_MOST_SHOWERS, max(most, 1)), rng, track=track)


def _score_copying(label: str, showers: ShowerRows, test: CopyTest) -> Iterator[Score]:
    for metric, measured in test.measure(showers).items():
        sizes = {"n_reference": test.n_held_out, "n_simulated": len(showers)}
        yield Score(label, metric, VOXELS, ALL, ALL, **vars(measured), **sizes)
