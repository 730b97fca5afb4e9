"""The scores of `calovox evaluate`, and the gates that they must pass."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from calovox.cli.command import ChecksFailedError
from calovox.cli.progress import track

if TYPE_CHECKING:
    from calovox.evaluation.gates import Gate
    from calovox.evaluation.scores import Scores

__all__ = ["ScoredSamples", "judge", "score_files"]


@dataclass(frozen=True)
class ScoredSamples:
    """Scores, and the files that they are of.

    Attributes:
        scores: All scores.
        reference: Files of Geant4.
        simulated: Files of each simulation by its name.
        notes: What could not be scored, and why.
    """

    scores: "Scores"
    reference: Sequence[Path] = ()
    simulated: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def score_files(
    reference: Sequence[Path],
    simulated: Mapping[str, Sequence[Path]],
    *,
    binning: Path | None,
    training: Path | None,
    progress: Callable[[str], None],
) -> ScoredSamples:
    """Score simulations.

    Args:
        reference: Files of Geant4.
        simulated: Files of each simulation by its name.
        binning: Where the voxels of files of the CaloChallenge lie.
        training: Showers that the models were trained with.
        progress: Called with one line before longer steps.

    Returns:
        Scores, and what could not be scored.

    Raises:
        ValueError: If a file cannot be used.
    """
    from calovox.evaluation.scores import Scores
    from calovox.evaluation.scoring import score_samples

    if not reference or not simulated:
        return ScoredSamples(Scores(), reference, simulated)
    found = score_samples(
        reference, simulated, binning=binning, training=training, track=track, progress=progress
    )
    return ScoredSamples(found.scores, reference, simulated, found.missing)


def judge(gates: "tuple[Gate, ...]", output: Path) -> str:
    """Check the gates on the scores of a report.

    Args:
        gates: The gates.
        output: Folder of the report.

    Returns:
        The end of the summary of the command.

    Raises:
        ChecksFailedError: If a gate is not kept; names each of them.
    """
    from calovox.evaluation.gates import check_gates
    from calovox.evaluation.scores import Scores

    if not gates:
        return ""
    failures = check_gates(gates, Scores.from_json(output / "scores.json"))
    if failures:
        lines = (f"gate not kept: {failure}" for failure in failures)
        raise ChecksFailedError("\n".join([*lines, f"{output / 'index.html'}: the report"]))
    return f", {len(gates)} gates kept"
