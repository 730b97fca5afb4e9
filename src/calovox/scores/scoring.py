"""Scores of samples against a reference: all metrics but the classifiers, in every bin.

Each sample is read once. A sample of some ranges of abs(eta) or energy is compared with the
reference there (`comparable`). One of other energies, or in other units, is an error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.samples.batch import SelectedShowers, ShowerSource
from calovox.samples.bins import ALL
from calovox.samples.comparable import (
    check_units,
    different_photons,
    find_common_photons,
)
from calovox.samples.reading import RowCollector, ShowerRows, choose_rows, feed
from calovox.samples.samples import Samples
from calovox.scores.collecting import ObservableCollector
from calovox.scores.copying import CopyTest
from calovox.scores.judge import FEWEST_IN_BIN, Judge, SampleRows
from calovox.scores.table import NotScored, Score, Scores
from calovox.side_by_side import side_by_side
from calovox.tracking import Track, silently
from calovox.units import format_energy

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
    samples: Samples,
    *,
    track: Track = silently,
    progress: Callable[[str], None] | None = None,
) -> Scoring:
    """Score samples against a reference.

    Args:
        samples: Reference, simulations, and the showers that models were trained with, to look
            for copies.
        track: Shows the progress over showers.
        progress: Called with one line before longer steps.

    Returns:
        All scores, sample by sample.

    Raises:
        ValueError: If the training showers cannot be used, or a sample is of other energies than
            the reference, or in other units.
    """
    described = tuple(
        ScoredSample.from_source(label, source) for label, source in samples.judged.items()
    )
    if len(samples.judged) < 2:
        return Scoring(Scores(), (), described)
    (_, reference), *others = samples.judged.items()
    _check_training(samples, reference)
    if len(reference) < FEWEST_IN_BIN:
        few = f"the reference has {len(reference)} showers, {FEWEST_IN_BIN} are needed"
        not_scored = (NotScored(label, "*", ALL, ALL, few) for label, _ in others)
        return Scoring(Scores((), tuple(not_scored)), (f"Scores: {few}",), described)
    whole = SelectedShowers(reference)
    pairs = [_pair(label, whole, other) for label, other in others]
    found = _score_pairs(
        [pair for pair in pairs if isinstance(pair, _Pair)],
        samples.training,
        track,
        progress or (lambda text: None),
    )
    scores = [found[pair.label] if isinstance(pair, _Pair) else pair.scores for pair in pairs]
    notes = tuple(pair.note for pair in pairs if pair.note)
    return Scoring(sum(scores, Scores()), notes, described)


@dataclass(frozen=True)
class _Pair:
    """A sample, and the showers of the reference that it is compared with."""

    label: str
    reference: SelectedShowers
    other: SelectedShowers
    note: str = ""


@dataclass(frozen=True)
class _NoPair:
    """A sample that cannot be compared with the reference, and why."""

    label: str
    reason: str

    @property
    def note(self) -> str:
        return f"Scores of {self.label}: {self.reason}"

    @property
    def scores(self) -> Scores:
        return Scores((), (NotScored(self.label, "*", ALL, ALL, self.reason),))


def _pair(label: str, whole: SelectedShowers, other: ShowerSource) -> _Pair | _NoPair:
    """Find the showers of a sample and of the reference whose photons are alike."""
    reference = whole.source
    check_units(label, reference, other)
    reason = _reason_not_to_compare(reference, other)
    if reason is not None:
        return _NoPair(label, reason)
    difference = different_photons(reference, other)
    if difference is None:
        return _Pair(label, whole, SelectedShowers(other))
    common = find_common_photons(reference, other)
    if common is None:
        ranges = (
            " to ".join(map(format_energy, (energy.min(), energy.max())))
            for energy in (other.incident_energy(), reference.incident_energy())
        )
        raise ValueError(
            f"{label}: {difference}; its energies are {next(ranges)}, those of the reference "
            f"{next(ranges)}"
        )
    if min(map(len, common.samples)) < FEWEST_IN_BIN:
        return _NoPair(label, difference)
    note = (
        f"Scores of {label}: its photons are those of the reference at {common} "
        f"alone; {len(common.reference)} of {len(reference)} showers of the reference "
        "are compared with it"
    )
    return _Pair(label, common.reference, common.other, note)


@dataclass(frozen=True)
class _Reference:
    """Showers of the reference that samples are compared with."""

    showers: SelectedShowers
    judge: Judge
    copies: CopyTest | None


def _read_references(
    pairs: Sequence[_Pair], training: ShowerSource | None, track: Track
) -> list[_Reference]:
    """Read the file of the reference once, for all samples."""
    chosen: list[SelectedShowers] = []
    for pair in pairs:
        if not any(pair.reference.equals(known) for known in chosen):
            chosen.append(pair.reference)
    if not chosen:
        return []
    drawn = [] if training is None else [_draw(showers, training) for showers in chosen]
    collectors = [ObservableCollector(showers) for showers in chosen]
    source = chosen[0].source
    feed(source, [*collectors, *drawn], f"Reading {source.path.name}", track)
    copies: list[CopyTest | None] = [None] * len(chosen)
    if training is not None:
        rng = np.random.default_rng
        copies = [
            CopyTest.from_showers(rows.result(), training, rng(COPYING_SEED), track=track)
            for rows in drawn
        ]
    rows = (collector.result() for collector in collectors)
    return [
        _Reference(showers, Judge(SampleRows.from_showers(showers, observables)), test)
        for showers, observables, test in zip(chosen, rows, copies, strict=True)
    ]


def _score_pairs(
    pairs: Sequence[_Pair],
    training: ShowerSource | None,
    track: Track,
    say: Callable[[str], None],
) -> dict[str, Scores]:
    """Score samples by their names; each is read once."""
    known = _read_references(pairs, training, track)
    references = [
        next(entry for entry in known if pair.reference.equals(entry.showers)) for pair in pairs
    ]
    read = [
        _read(pair, reference.copies, track)
        for pair, reference in zip(pairs, references, strict=True)
    ]
    if pairs:
        names = ", ".join(pair.label for pair in pairs)
        say(f"Comparing with {references[0].showers.source.path.name}, side by side: {names}")
    tasks = [
        (reference.judge, pair.label, rows)
        for pair, reference, (rows, _) in zip(pairs, references, read, strict=True)
    ]
    found = side_by_side(Judge.score, tasks, len(tasks))
    scores = {pair.label: entry for pair, entry in zip(pairs, found, strict=True)}
    for pair, reference, (_, drawn) in zip(pairs, references, read, strict=True):
        if reference.copies is not None:
            scores[pair.label] += _score_copying(pair, drawn, reference.copies, say)
    return scores


def _read(
    pair: _Pair, copies: CopyTest | None, track: Track
) -> tuple[SampleRows, ShowerRows | None]:
    """Read a sample once: its observables, and the showers that are compared with training."""
    observables = ObservableCollector(pair.other)
    comparable = copies is not None and pair.other.layout == copies.training.layout
    drawn = [_draw(pair.other, copies.training)] if copies is not None and comparable else []
    source = pair.other.source
    feed(source, [observables, *drawn], f"Scoring {source.path.name}", track)
    rows = SampleRows.from_showers(pair.other, observables.result())
    return rows, drawn[0].result() if drawn else None


def _reason_not_to_compare(reference: ShowerSource, other: ShowerSource) -> str | None:
    """Say what tells samples apart whatever the model and the photons, if anything does."""
    if reference.layout.layers != other.layout.layers:
        return f"its layers {other.layout.layers} are not those of the reference"
    if len(other) < FEWEST_IN_BIN:
        return f"it has {len(other)} showers, {FEWEST_IN_BIN} are needed"
    return None


def _check_training(samples: Samples, reference: ShowerSource) -> None:
    training, files = samples.training, samples.files
    if training is None:
        return
    both = {path.resolve() for path in files.reference} & {
        path.resolve() for path in files.training
    }
    if both:
        raise ValueError(
            f"training: {both.pop()} is in the reference as well: give a reference that the "
            "models were not trained with"
        )
    if training.layout != reference.layout:
        raise ValueError(
            f"{training.path}: expected training showers on the voxels of the reference "
            f"({reference.layout.name}), got others ({training.layout.name})"
        )


def _draw(showers: SelectedShowers, training: ShowerSource) -> RowCollector:
    """Draw the showers that are compared with all training showers."""
    most = min(_MOST_NUMBERS // showers.layout.n_voxels, _MOST_PAIRS // len(training))
    rng = np.random.default_rng(COPYING_SEED)
    rows = choose_rows(len(showers), min(_MOST_SHOWERS, max(most, 1)), rng)
    return RowCollector(showers, rows)


def _score_copying(
    pair: _Pair, drawn: ShowerRows | None, test: CopyTest, say: Callable[[str], None]
) -> Scores:
    """Look for copies of the training showers."""
    if drawn is None:
        reason = "its voxels are not those of the training showers"
        metrics = ("copying", "training_distance")
        return Scores((), tuple(NotScored(pair.label, name, ALL, ALL, reason) for name in metrics))
    say(f"Looking for copies in {pair.label}")
    return Scores(
        tuple(
            Score(
                *(pair.label, metric, VOXELS, ALL, ALL),
                **vars(measured),
                n_reference=test.n_held_out,
                n_simulated=len(drawn),
            )
            for metric, measured in test.measure(drawn).items()
        )
    )
