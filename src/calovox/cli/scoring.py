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
    """Scores, and the files whose shower shapes can be compared.

    Attributes:
        scores: All scores.
        reference: Datasets of Geant4; none if shower shapes cannot be compared.
        simulated: Datasets of each simulation by its name.
        notes: What could not be scored or compared, and why.
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
    """Score simulations, and leave shower shapes out where there are no cells.

    Args:
        reference: Files of Geant4.
        simulated: Files of each simulation by its name.
        binning: Where the voxels of files of the CaloChallenge lie.
        training: Showers that the models were trained with.
        progress: Called with one line before longer steps.

    Returns:
        Scores and what is left to compare.

    Raises:
        ValueError: If a file cannot be used.
    """
    from calovox.evaluation.scores import Scores
    from calovox.evaluation.scoring import score_samples
    from calovox.evaluation.sources import has_cells

    if not reference or not simulated:
        return ScoredSamples(Scores(), reference, simulated)
    found = score_samples(
        reference, simulated, binning=binning, training=training, track=track, progress=progress
    )
    files = [*reference, *(path for paths in simulated.values() for path in paths)]
    notes = [
        f"Shower shapes: {path.name} has no cell energies" for path in files if not has_cells(path)
    ]
    missing = (*found.missing, *notes)
    if notes:
        return ScoredSamples(found.scores, notes=missing)
    return ScoredSamples(found.scores, reference, simulated, missing)


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
