"""Settings of the commands that train: options, their defaults and meaning."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from calovox.cli.settings import FileIn, FileOut, Seed

__all__ = [
    "AnyTrainSettings",
    "Compile",
    "LoopSettings",
    "PathName",
    "Precision",
    "SamplePath",
    "Solver",
    "SolverName",
    "SolverSteps",
    "Space",
    "TrainCfmSettings",
    "TrainDitSettings",
    "TrainGanSettings",
    "TrainInnSettings",
    "TrainSettings",
]

Precision = Annotated[
    Literal["32-true", "bf16-mixed", "16-mixed"],
    typer.Option(help="32 bits, or 16 in the products of matrices."),
]
Space = Annotated[
    Literal["quantiles", "note"],
    typer.Option(help="Voxels as normal scores, or as the note has them."),
]
PathName = Literal["arc", "line", "karras"]
SolverName = Literal["euler", "heun", "midpoint", "rk4"]
SamplePath = Annotated[
    PathName,
    typer.Option(help="Path that samples take: the note's is line for a CFM, karras for a DiT."),
]
Solver = Annotated[
    SolverName,
    typer.Option(help="Method that follows the path; for karras, heun."),
]
SolverSteps = Annotated[int, typer.Option(min=1, help="In how many steps.")]
Compile = Annotated[
    bool, typer.Option(help="Compile the network: worth its minutes for long runs on a GPU.")
]


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """Settings of everything that trains."""

    output: Annotated[Path, typer.Option("--output", "-o", help="Run folder."), FileOut()]
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="Dataset to train with; repeatable."
        ),
        FileIn(),
    ]
    validation: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="Dataset to judge with; repeatable."
        ),
        FileIn(),
    ] = None
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps in all; takes the place of --epochs.")
    ] = None
    epochs: Annotated[int, typer.Option(min=1, help="How often all showers are seen.")] = 100
    batch_size: Annotated[int, typer.Option(min=1, help="Showers per step.")] = 1024
    max_learning_rate: Annotated[
        float, typer.Option(min=0.0, help="Top of the one cycle of the learning rate.")
    ] = 1e-3
    start_division: Annotated[
        float, typer.Option(min=1.0, help="How much smaller the learning rate is at the start.")
    ] = 30.0
    end_division: Annotated[
        float, typer.Option(min=1e-3, help="How much smaller it is at the end than at the start.")
    ] = 1e4
    rising: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the steps in which it rises.")
    ] = 0.3
    weight_decay: Annotated[float, typer.Option(min=0.0, help="Weight decay of AdamW.")] = 0.01
    max_gradient: Annotated[
        float | None, typer.Option(min=0.0, help="Norm to which gradients are clipped.")
    ] = None
    averaging: Annotated[
        float, typer.Option(min=0.0, help="Decay of the average of the weights; 0 for none.")
    ] = 0.0
    reflect: Annotated[bool, typer.Option(help="Reflect half of the showers in phi.")] = True
    buffer_size: Annotated[
        int, typer.Option(min=1, help="Showers in memory; larger data stream from the disk.")
    ] = 262144
    validate_every: Annotated[int, typer.Option(min=1, help="Steps between validations.")] = 1000
    checkpoint_every: Annotated[
        int, typer.Option(min=1, help="Steps between checkpoints, from which runs go on.")
    ] = 1000
    log_every: Annotated[
        int, typer.Option(min=1, help="Steps whose losses make one entry of metrics.csv.")
    ] = 50
    stop_after: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Pause after 20min or 2h; the same command goes on."),
    ] = None
    accelerator: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")
    ] = "auto"
    devices: Annotated[
        int, typer.Option(min=1, help="GPUs, or processes on the CPU; with torchrun, its number.")
    ] = 1
    threads: Annotated[
        int, typer.Option(min=1, help="Threads on the CPU; more than free cores are far slower.")
    ] = 1
    seed: Seed = 1


@dataclass(frozen=True, kw_only=True)
class TrainSettings(LoopSettings):
    """Settings of every `calovox train`."""

    eta: Annotated[
        str,
        typer.Option(metavar="LOW:HIGH", help="Take showers with |eta| from LOW to below HIGH."),
    ] = "0:1.35"
    energy: Annotated[
        str | None,
        typer.Option(
            metavar="LOW:HIGH",
            help="Energies that the model is for, 256MeV:524.288GeV; by default all of the data.",
        ),
    ] = None
    pretrained: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            exists=True,
            file_okay=False,
            help="Run folder whose network is the start, of the same sizes.",
        ),
        FileIn(),
    ] = None


@dataclass(frozen=True, kw_only=True)
class TrainInnSettings(TrainSettings):
    """Settings of `calovox train inn`; the network's are the note's by default."""

    blocks: Annotated[int, typer.Option(min=1, help="Coupling blocks.")] = 14
    width: Annotated[int, typer.Option(min=1, help="Neurons of a hidden layer.")] = 60
    bins: Annotated[int, typer.Option(min=2, help="Bins of a spline.")] = 10
    spread_eta: Annotated[
        bool, typer.Option(help="Spread eta at 0 and 0.8, where the detector changes.")
    ] = True


@dataclass(frozen=True, kw_only=True)
class TrainCfmSettings(TrainSettings):
    """Settings of `calovox train cfm`; the network's are those of the note's small model."""

    width: Annotated[
        int, typer.Option(min=1, help="Neurons of a hidden layer: 1024 (small), 1500 (large).")
    ] = 1024
    layer_weighting: Annotated[
        Literal["note", "equal"], typer.Option(help="Weights of the voxels in the loss.")
    ] = "note"
    voxels: Space = "quantiles"
    preconditioned: Annotated[
        bool, typer.Option(help="Let the network add to the velocity that is known without it.")
    ] = True
    path: SamplePath = "arc"
    solver: Solver = "rk4"
    solver_steps: SolverSteps = 1
    precision: Precision = "32-true"


@dataclass(frozen=True, kw_only=True)
class TrainDitSettings(TrainSettings):
    """Settings of `calovox train dit`; the network's are the note's by default."""

    tokens: Annotated[
        Literal["patches", "rings", "voxels"],
        typer.Option(help="What a token is: patches of the regular grid, or rings of any."),
    ] = "patches"
    width: Annotated[int, typer.Option(min=1, help="Numbers per token.")] = 144
    heads: Annotated[int, typer.Option(min=1, help="Heads of the attention.")] = 8
    blocks: Annotated[int, typer.Option(min=1, help="Blocks of attention and MLP.")] = 4
    conditions: Annotated[
        Literal["maxima", "standardized"],
        typer.Option(help="Energies divided by their maxima (the note), or as CaloCFM sees them."),
    ] = "standardized"
    voxels: Space = "quantiles"
    path: SamplePath = "arc"
    solver: Solver = "rk4"
    solver_steps: SolverSteps = 1
    precision: Precision = "32-true"
    compile: Compile = False


@dataclass(frozen=True, kw_only=True)
class TrainGanSettings(TrainSettings):
    """Settings of `calovox train gan`; by default AtlFast3's, but for the number of steps."""

    batch_size: Annotated[int, typer.Option(min=1, help="Showers per step.")] = 128
    max_learning_rate: Annotated[
        float, typer.Option(min=0.0, help="Learning rate, or the top of its one cycle.")
    ] = 1e-4
    start_division: Annotated[
        float, typer.Option(min=1.0, help="How much smaller the learning rate is at the start.")
    ] = 1.0
    end_division: Annotated[
        float, typer.Option(min=1e-3, help="How much smaller it is at the end than at the start.")
    ] = 1.0
    latent: Annotated[int, typer.Option(min=1, help="Latent numbers of a shower.")] = 50
    critic_width: Annotated[
        int | None,
        typer.Option(min=1, help="Neurons of its hidden layers; as many as voxels by default."),
    ] = None
    critic_turns: Annotated[
        int, typer.Option(min=1, help="Steps of the critic for each one of the generator.")
    ] = 5
    penalty: Annotated[float, typer.Option(min=1e-6, help="Weight of the gradient penalty.")] = (
        10.0
    )
    beta1: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Decay of the mean gradient in Adam.")
    ] = 0.5
    weight_decay: Annotated[float, typer.Option(min=0.0, help="Weight decay of AdamW.")] = 0.0


AnyTrainSettings = TrainInnSettings | TrainCfmSettings | TrainDitSettings | TrainGanSettings
"""Settings of any `calovox train`."""
