"""`calovox export`: trained models become ONNX files, for our runtime and for FastCaloSim."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.settings import FileIn, ModelIn, Output
from calovox.models.shapes.kinds import PathKind, SolverName

__all__ = ["EXPORT", "ExportSettings", "export"]

_EXAMPLE = "calovox export inn cfm --sub-voxels sub_voxels.root -o photons"


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Settings of `calovox export`."""

    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Run folders: an INN and a CFM, DiT or student, or a GAN or CaloFast, for each "
            "|eta| range. Or one exported model, of a folder or shipped, to be copied as it is "
            "exported today.",
        ),
        ModelIn(),
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
    energies: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Run folder of an INN that draws the layer energies of an exported model from "
            "now on; one for each |eta| range.",
        ),
        FileIn(),
    ] = None
    correction: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Run folder of calovox correct, of which an exported model takes its weights; "
            "one for each |eta| range that was corrected.",
        ),
        FileIn(),
    ] = None
    centroid_from: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Training showers from which an exported model learns where the centroid of its "
            "voxels lies; newly trained models know it.",
        ),
        FileIn(),
    ] = None
    centers: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Shower centres, of calovox train centers."
        ),
        FileIn(),
    ] = None
    path: Annotated[
        PathKind | None,
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
        typer.Option(help="Write graphs operation by operation, as a reference."),
    ] = False
    half_weights: Annotated[
        bool, typer.Option(help="Round the weights of voxels to 16 bits: half the size.")
    ] = False
    fastcalosim: Annotated[
        bool, typer.Option(help="Also write files with fixed shapes, for FastCaloSim.")
    ] = True


def export(settings: ExportSettings, job: Job) -> str:
    """Write trained models as ONNX files, with side files and a model card, into a folder.

    Each pair of an INN and a model of shapes (CFM, DiT or student) with the same range of |eta|,
    and each GAN or CaloFast, becomes one model: a file for batches of any size, and one for
    FastCaloSim, if it can run the model. An exported model, such as `calodit`, is copied as it is
    exported today.
    """
    from calovox.export.named import describe_export, export_named

    content = export_named(
        settings.runs,
        settings.output,
        sub_voxels=settings.sub_voxels,
        phi_modulation=settings.phi_modulation,
        path=settings.path,
        solver=settings.solver,
        solver_steps=settings.solver_steps,
        centers=settings.centers,
        energies=settings.energies,
        correction=settings.correction,
        centroid_from=settings.centroid_from,
        fastcalosim=settings.fastcalosim,
        plain=settings.plain,
        half_weights=settings.half_weights,
        overwrite=job.overwrite,
    )
    return f"{settings.output}: {describe_export(content)}"


EXPORT = make_command("export", ExportSettings, export, example=_EXAMPLE)
