"""`calovox export`: trained models become ONNX files, for our runtime and for FastCaloSim."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from calovox.cli.command import Job
from calovox.cli.settings import FileIn, Output

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
            help="Run folders: an INN and a CFM, DiT or student for each range of |eta|.",
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
    fastcalosim: Annotated[
        bool, typer.Option(help="Also write files with fixed shapes, for FastCaloSim.")
    ] = True


def export(settings: ExportSettings, job: Job) -> str:
    """Write trained models as ONNX files, with side files and a model card, into a folder.

    Each pair of an INN and a model of shapes (CFM, DiT or student) with the same range of |eta|
    becomes one model: a file for batches of any size, and one for FastCaloSim.
    """
    # torch is slow to import
    from calovox.export.folder import export_models
    from calovox.export.pairs import pair_runs
    from calovox.training.runs import read_run

    content = export_models(
        pair_runs([read_run(run) for run in settings.runs]),
        settings.output,
        sub_voxels=settings.sub_voxels,
        phi_modulation=settings.phi_modulation,
        fastcalosim=settings.fastcalosim,
        overwrite=job.overwrite,
    )
    parity = max(model["parity"]["largest"] for model in content["models"])
    return (
        f"{settings.output}: {len(content['models'])} models of {content['grid']['voxels']} "
        f"voxels, as trained up to {parity:.1e}"
    )
