"""The scores of `calovox evaluate`, and the gates that they must pass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from calovox.cli.command import ChecksFailedError
from calovox.cli.progress import track

if TYPE_CHECKING:
    from calovox.scores.gates.gates import GateOutcome
    from calovox.scores.scoring import ScoredSample
    from calovox.scores.table import Scores

__all__ = ["ScoredFiles", "ScoringFiles", "score_files", "sum_up_gates"]


@dataclass(frozen=True, kw_only=True)
class ScoringFiles:
    """Files that scores and gates are made from.

    Attributes:
        reference: Files of Geant4.
        simulated: Files of each simulation by its name.
        binning: Where the voxels of files of the CaloChallenge lie.
        training: Showers that the models were trained with.
        gates: Gate file.
        min_energy: Energy in MeV below which a voxel counts as empty.
    """

    reference: Sequence[Path]
    simulated: Mapping[str, Sequence[Path]]
    binning: Path | None = None
    training: Sequence[Path] = ()
    gates: Path | None = None
    min_energy: float = 0.0

    def roles(self) -> Iterator[tuple[str, Path]]:
        """Give what each file is used for, and the file."""
        from calovox.samples.sample import REFERENCE_LABEL

        for label, paths in ((REFERENCE_LABEL, self.reference), *self.simulated.items()):
            yield from ((label, path) for path in paths)
        yield from (("training set", path) for path in self.training)
        for role, path in (("voxels of the CaloChallenge", self.binning), ("gates", self.gates)):
            if path is not None:
                yield role, path


@dataclass(frozen=True)
class ScoredFiles:
    """Scores, and the files that they are of.

    Attributes:
        scores: All scores.
        samples: The samples that were scored.
        reference: Files of Geant4.
        simulated: Files of each simulation by its name.
        notes: What could not be scored, and why.
    """

    scores: "Scores"
    samples: "tuple[ScoredSample, ...]" = ()
    reference: Sequence[Path] = ()
    simulated: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def score_files(files: ScoringFiles, *, progress: Callable[[str], None]) -> ScoredFiles:
    """Score simulations.

    Args:
        files: Reference, simulations, and what else is needed.
        progress: Called with one line before longer steps.

    Returns:
        Scores, and what could not be scored.

    Raises:
        ValueError: If a file cannot be used.
    """
    from calovox.scores.scoring import score_samples
    from calovox.scores.table import Scores

    reference, simulated = files.reference, files.simulated
    if not reference or not simulated:
        return ScoredFiles(Scores(), (), reference, simulated)
    found = score_samples(
        reference,
        simulated,
        binning=files.binning,
        min_energy=files.min_energy,
        training=files.training,
        track=track,
        progress=progress,
    )
    return ScoredFiles(found.scores, found.samples, reference, simulated, found.missing)


def sum_up_gates(outcomes: "Sequence[GateOutcome]", page: Path) -> str:
    """Say whether all gates are kept.

    Args:
        outcomes: What the gates say of the scores.
        page: The report.

    Returns:
        The end of the summary of the command; empty without gates.

    Raises:
        ChecksFailedError: If a gate is not kept; names each of them.
    """
    lost = [outcome for outcome in outcomes if not outcome.keeps]
    if lost:
        lines = (f"gate not kept: {outcome}" for outcome in lost)
        raise ChecksFailedError("\n".join([*lines, f"{page}: the report"]))
    verdicts = [outcome.verdict for outcome in outcomes]
    if not verdicts:
        return ""
    n_gates = len({outcome.gate for outcome in outcomes})
    without = verdicts.count("not judged")
    more = f", {without} bins not judged for want of showers (gates.json)" if without else ""
    return f", {n_gates} gates kept by {verdicts.count('passed')} scores{more}"
