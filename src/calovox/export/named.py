"""An export of what a user names: run folders, or one exported model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calovox.export.folder import export_models
from calovox.export.pairs import pair_runs
from calovox.export.renewal import renew_models
from calovox.export.runs import find_exported, read_runs
from calovox.models.shapes.kinds import PathKind, SolverName

__all__ = ["describe_export", "export_named"]


def export_named(
    names: Sequence[str],
    folder: Path,
    *,
    path: PathKind | None = None,
    solver: SolverName | None = None,
    solver_steps: int | None = None,
    centers: Path | None = None,
    energies: Sequence[Path] | None = None,
    correction: Sequence[Path] | None = None,
    centroid_from: Sequence[Path] | None = None,
    fastcalosim: bool = True,
    overwrite: bool = False,
    **others: Any,
) -> dict[str, Any]:
    """Export run folders, or copy one exported model as it is exported today.

    Args:
        names: Run folders, or one exported model, of a folder or shipped.
        folder: The result; it appears when all of it is written.
        path: Path of CaloCFM or CaloDiT-2; None for the one of the training.
        solver: Their solver; None for the one of the training.
        solver_steps: Its steps; None for those of the training.
        centers: JSON file of shower centres about photons; None for none, or the model's.
        energies: Run folders of INNs that an exported model draws its layer energies with from
            now on.
        correction: Run folders of `calovox correct`, of which an exported model takes its weights.
        centroid_from: Datasets of training showers, of which an exported model learns where the
            centroid of its voxels lies; run folders know it.
        fastcalosim: Whether files with fixed shapes are written, for FastCaloSim.
        overwrite: Whether an existing exported model may be replaced.
        others: Further arguments of `export_models`, for run folders.

    Returns:
        The content of its `model.json`.

    Raises:
        FileExistsError: If the folder exists and may not be replaced, or is something else.
        FileNotFoundError: If there is nothing of such a name.
        ValueError: If an exported model is to be changed in another way, the runs do not fit, or
            a centroid, energies or corrections are given to them.
    """
    sampling: dict[str, Any] = {"path": path, "solver": solver, "solver_steps": solver_steps}
    kept: dict[str, Any] = {
        "centers": centers,
        "fastcalosim": fastcalosim,
        "overwrite": overwrite,
    }
    exported = find_exported(names)
    if exported is None:
        if centroid_from:
            raise ValueError(
                "--centroid-from: expected an exported model, got run folders: they know it"
            )
        for option, value in (("energies", energies), ("correction", correction)):
            if value:
                raise ValueError(
                    f"--{option}: expected an exported model, got run folders of models"
                )
        pairs = pair_runs(read_runs([Path(name) for name in names], **sampling))
        return export_models(pairs, folder, **kept, **others)
    for option, value in (sampling | others).items():
        if value not in (None, False):
            raise ValueError(
                f"--{option.replace('_', '-')}: expected run folders, got the exported model "
                f"{exported}: export its runs"
            )
    runs = read_runs(energies or ())
    return renew_models(
        exported,
        folder,
        energies=runs,
        corrections=correction or (),
        centroid_from=centroid_from or (),
        **kept,
    )


def describe_export(content: Mapping[str, Any]) -> str:
    """Sum up an export in one line.

    Args:
        content: The content of its `model.json`.

    Returns:
        How many models and voxels, how close the graphs are to the trained models, exchanged
        layer energies to theirs, and which files there are for FastCaloSim.
    """
    models = content["models"]
    parity = max(model["parity"]["largest"] for model in models)
    exchanged = [
        model["energies"]["parity"]["largest"]
        for model in models
        if "parity" in model.get("energies", {})
    ]
    energies = f"exchanged layer energies up to {max(exchanged):.1e}, " if exchanged else ""
    text = (
        f"{len(models)} models of {content['grid']['voxels']} voxels, "
        f"as trained up to {parity:.1e}, {energies}"
        f"{sum('fastcalosim_file' in model for model in models)} files for FastCaloSim"
    )
    reason = content.get("no_fastcalosim")
    return text if reason is None else f"{text}; FastCaloSim cannot run them: {reason}"
