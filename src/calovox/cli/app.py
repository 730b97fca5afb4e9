"""The program `calovox`: one command per stage, in the order of the stages."""

from typing import Annotated

import typer

from calovox import __version__
from calovox.cli.command import CommandGroup, StageCommand, add_command
from calovox.cli.commands.benchmark import BENCHMARK_EXAMPLE, BenchmarkSettings, benchmark
from calovox.cli.commands.distill import (
    DISTILL_EXAMPLE,
    DistillSettings,
    distill,
    preview_distillation,
)
from calovox.cli.commands.evaluate import EVALUATE_EXAMPLE, EvaluateSettings, evaluate
from calovox.cli.commands.export import EXPORT_EXAMPLE, ExportSettings, export
from calovox.cli.commands.geant4 import GEANT4_EXAMPLE, Geant4CommandSettings, simulate_with_geant4
from calovox.cli.commands.info import INFO_EXAMPLE, info
from calovox.cli.commands.phi_modulation import (
    APPLY_EXAMPLE,
    FIT_EXAMPLE,
    REMOVE_EXAMPLE,
    CurveSettings,
    FitCommandSettings,
    apply_curve,
    fit_curve,
    remove_curve,
)
from calovox.cli.commands.reconstruct import RECONSTRUCT_EXAMPLE, ReconstructSettings, reconstruct
from calovox.cli.commands.simulate import SIMULATE_EXAMPLE, simulate
from calovox.cli.commands.simulate_settings import SimulateSettings
from calovox.cli.commands.train import (
    TRAIN_CFM_EXAMPLE,
    TRAIN_DIT_EXAMPLE,
    TRAIN_GAN_EXAMPLE,
    TRAIN_INN_EXAMPLE,
    preview_training,
    train_cfm,
    train_dit,
    train_gan,
    train_inn,
)
from calovox.cli.commands.train_parametric import (
    TRAIN_PARAMETRIC_EXAMPLE,
    TrainParametricSettings,
    train_parametric,
)
from calovox.cli.commands.voxelize import VOXELIZE_EXAMPLE, VoxelizeSettings, voxelize
from calovox.cli.train_settings import (
    TrainCfmSettings,
    TrainDitSettings,
    TrainGanSettings,
    TrainInnSettings,
)

__all__ = ["app", "main"]

app = typer.Typer(
    name="calovox",
    cls=CommandGroup,
    help="Fast photon showers in the ATLAS barrel calorimeter, from Geant4 to shower shapes.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> bool:
    if value:
        typer.echo(f"calovox {__version__}")
        raise typer.Exit
    return value


@app.callback()
def program(
    *,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an error comes from.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    """Set options of the whole program."""


add_command(app, "geant4", Geant4CommandSettings, simulate_with_geant4, example=GEANT4_EXAMPLE)
add_command(app, "voxelize", VoxelizeSettings, voxelize, example=VOXELIZE_EXAMPLE)
phi_modulation = typer.Typer(
    cls=CommandGroup, help="Learn the phi modulation from hits, remove it, put it back."
)
add_command(phi_modulation, "fit", FitCommandSettings, fit_curve, example=FIT_EXAMPLE)
add_command(phi_modulation, "remove", CurveSettings, remove_curve, example=REMOVE_EXAMPLE)
add_command(phi_modulation, "apply", CurveSettings, apply_curve, example=APPLY_EXAMPLE)
app.add_typer(phi_modulation, name="phi-modulation")
training = typer.Typer(cls=CommandGroup, help="Train a model with showers of Geant4.")
add_command(
    training,
    "inn",
    TrainInnSettings,
    train_inn,
    example=TRAIN_INN_EXAMPLE,
    preview=preview_training,
    continues=True,
)
add_command(
    training,
    "cfm",
    TrainCfmSettings,
    train_cfm,
    example=TRAIN_CFM_EXAMPLE,
    preview=preview_training,
    continues=True,
)
add_command(
    training,
    "dit",
    TrainDitSettings,
    train_dit,
    example=TRAIN_DIT_EXAMPLE,
    preview=preview_training,
    continues=True,
)
add_command(
    training,
    "parametric",
    TrainParametricSettings,
    train_parametric,
    example=TRAIN_PARAMETRIC_EXAMPLE,
)
add_command(
    training,
    "gan",
    TrainGanSettings,
    train_gan,
    example=TRAIN_GAN_EXAMPLE,
    preview=preview_training,
    continues=True,
)
app.add_typer(training, name="train")
add_command(
    app,
    "distill",
    DistillSettings,
    distill,
    example=DISTILL_EXAMPLE,
    preview=preview_distillation,
    continues=True,
)
add_command(app, "export", ExportSettings, export, example=EXPORT_EXAMPLE)
add_command(app, "simulate", SimulateSettings, simulate, example=SIMULATE_EXAMPLE)
add_command(app, "reconstruct", ReconstructSettings, reconstruct, example=RECONSTRUCT_EXAMPLE)
add_command(app, "evaluate", EvaluateSettings, evaluate, example=EVALUATE_EXAMPLE)
add_command(app, "benchmark", BenchmarkSettings, benchmark, example=BENCHMARK_EXAMPLE)
app.command(cls=StageCommand, epilog=f"Example: {INFO_EXAMPLE}")(info)


def main() -> None:
    """Run the program."""
    app()
