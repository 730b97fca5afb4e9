"""`calovox export`: trained models become ONNX files, for our runtime and for FastCaloSim."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calovox.cli.command import Job
from calovox.cli.settings import FileIn, Output
from calovox.cli.train import PathName, SolverName

if TYPE_CHECKING:
    from calovox.training.runs import TrainedModel

__all__ = ["EXPORT_EXAMPLE", "ExportSettings", "export"]

EXPORT_EXAMPLE = "calovox export inn cfm --sub-voxels sub_voxels.root -o photons"


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Settings of `calovox export`."""

    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            exists=True,
            file_okay=False,
            help="Run folders: an INN and a CFM, DiT or student, or a GAN, for each |eta| range.",
        ),
        FileIn(),
    ]
    output: Output
    sub_voxels: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="ROOT file: where hits lie in voxels."),
        FileIn(),
    ] = None
    phi_modulation: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Curves that were removed from the training showers."
        ),
        FileIn(),
    ] = None
    path: Annotated[
        PathName | None,
        typer.Option(help="Path of CaloCFM or CaloDiT-2, if not the one of the training."),
    ] = None
    solver: Annotated[
        SolverName | None,
        typer.Option(help="Their solver, if not the one of the training."),
    ] = None
    solver_steps: Annotated[
        int | None, typer.Option(min=1, help="Its steps, if not those of the training.")
    ] = None
    plain: Annotated[
        bool,
        typer.Option(help="Write graphs operation by operation, which others are compared with."),
    ] = False
    half_weights: Annotated[
        bool, typer.Option(help="Round weights of the voxels to 16 bits: files of half the size.")
    ] = False
    fastcalosim: Annotated[
        bool, typer.Option(help="Also write files with fixed shapes, for FastCaloSim.")
    ] = True


def export(settings: ExportSettings, job: Job) -> str:
    """Write trained models as ONNX files, with side files and a model card, into a folder.

    Each pair of an INN and a model of shapes (CFM, DiT or student) with the same range of |eta|,
    and each GAN, becomes one model: a file for batches of any size, and one for FastCaloSim.
    """
    # torch is slow to import
    from calovox.export.folder import export_models
    from calovox.export.pairs import pair_runs

    content = export_models(
        pair_runs(_read_runs(settings)),
        settings.output,
        sub_voxels=settings.sub_voxels,
        phi_modulation=settings.phi_modulation,
        fastcalosim=settings.fastcalosim,
        plain=settings.plain,
        half_weights=settings.half_weights,
        overwrite=job.overwrite,
    )
    parity = max(model["parity"]["largest"] for model in content["models"])
    return (
        f"{settings.output}: {len(content['models'])} models of {content['grid']['voxels']} "
        f"voxels, as trained up to {parity:.1e}"
    )


def _read_runs(settings: ExportSettings) -> "list[TrainedModel]":
    from calovox.models.arc_model import ArcModel
    from calovox.training.runs import read_run

    runs = [read_run(run) for run in settings.runs]
    given: dict[str, Any] = {
        "path": settings.path,
        "solver": settings.solver,
        "n_steps": settings.solver_steps,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    models = [run.model for run in runs if isinstance(run.model, ArcModel)]
    if changes and not models:
        raise ValueError(
            "--path, --solver, --solver-steps: expected a CaloCFM or CaloDiT-2 in RUN..., got none"
        )
    for model in models:
        model.sampling = replace(model.sampling, **changes)
    return runs
