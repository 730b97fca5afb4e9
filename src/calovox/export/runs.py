"""Run folders and exported models, as a user names them for an export."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from calovox.models.shapes.arc_model import ArcModel
from calovox.models.shapes.kinds import PathKind, SolverName
from calovox.runtime.model_set import MODEL_FILE, find_model
from calovox.training.runs.model import TrainedModel, read_run

__all__ = ["find_exported", "read_runs"]


def find_exported(names: Sequence[str]) -> Path | None:
    """Find the folder of an exported model, if that is what the names say.

    Args:
        names: Run folders, or one exported model, of a folder or shipped.

    Returns:
        The folder of the exported model; None for run folders.

    Raises:
        ValueError: If an exported model is named with others.
        FileNotFoundError: If there is nothing of such a name.
    """
    folders = [find_model(name) for name in names]
    exported = [folder for folder in folders if (folder / MODEL_FILE).is_file()]
    if exported and len(folders) > 1:
        raise ValueError(
            f"RUN...: expected run folders or one exported model, got {exported[0]} and others"
        )
    return exported[0] if exported else None


def read_runs(
    folders: Sequence[Path],
    *,
    path: PathKind | None = None,
    solver: SolverName | None = None,
    solver_steps: int | None = None,
) -> list[TrainedModel]:
    """Read trained models, and change how those of shapes make samples.

    Args:
        folders: Run folders.
        path: Path of CaloCFM or CaloDiT-2; None for the one of the training.
        solver: Their solver; None for the one of the training.
        solver_steps: Its steps; None for those of the training.

    Returns:
        The models.

    Raises:
        ValueError: If sampling is to be changed, but no model has any.
    """
    runs = [read_run(folder) for folder in folders]
    given: dict[str, Any] = {"path": path, "solver": solver, "n_steps": solver_steps}
    changes = {name: value for name, value in given.items() if value is not None}
    models = [run.model for run in runs if isinstance(run.model, ArcModel)]
    if changes and not models:
        raise ValueError(
            "--path, --solver, --solver-steps: expected a CaloCFM or CaloDiT-2 in RUN..., got none"
        )
    for model in models:
        model.sampling = replace(model.sampling, **changes)
    return runs
