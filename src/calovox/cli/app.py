"""The program `calovox`: one command per stage, in the order of the stages.

A command is imported when it is called. The program knows its name and the first line of its
help, so that ``calovox --help`` is there at once.
"""

import logging
from typing import Annotated

import typer

from calovox import __version__
from calovox.cli.program import CommandGroup, LazyCommand, make_app
from calovox.text import printable

__all__ = ["app", "main"]


def _command(name: str, place: str, help_line: str) -> LazyCommand:
    return LazyCommand(name, f"calovox.cli.commands.{place}", help_line)


_phi_modulation = CommandGroup(
    name="phi-modulation",
    help="Learn the phi modulation from hits, remove it, put it back.",
    commands=[
        _command(
            "fit",
            "phi_modulation:FIT",
            "Learn the phi modulation of each layer from showers, by making E_tot(T) flat.",
        ),
        _command(
            "remove",
            "phi_modulation:REMOVE",
            "Divide hit energies by the phi modulation at their place.",
        ),
        _command(
            "apply",
            "phi_modulation:APPLY",
            "Multiply hit energies by the phi modulation at their place.",
        ),
    ],
)
_train = CommandGroup(
    name="train",
    help="Train a model with showers.",
    commands=[
        _command("inn", "train.networks:INN", "Train CaloINN, the energies of the layers."),
        _command("cfm", "train.networks:CFM", "Train CaloCFM, the shares of the voxels."),
        _command("dit", "train.networks:DIT", "Train CaloDiT-2, the shares of the voxels."),
        _command(
            "parametric",
            "train.parametric:TRAIN_PARAMETRIC",
            "Fit FastCaloSimV2, the parametric simulation of AtlFast3, to hits.",
        ),
        _command(
            "centers",
            "train.centers:TRAIN_CENTERS",
            "Fit where the centre of a shower lies about the impact of its photon.",
        ),
        _command(
            "gan",
            "train.networks:GAN",
            "Train FastCaloGAN, energies of layers and voxels together, for one slice of |eta|.",
        ),
        _command(
            "fast",
            "train.fast:FAST",
            "Train CaloFast with showers that another model simulated.",
        ),
    ],
)

app = make_app(
    [
        _command(
            "geant4",
            "geant4:GEANT4",
            "Simulate photons, electrons or positrons in the built-in ATLAS-like barrel with "
            "Geant4.",
        ),
        _command(
            "import",
            "import_hits:IMPORT",
            "Turn hits of other programs into a hits file, and showers into a dataset or hits.",
        ),
        _command(
            "voxelize",
            "voxelize:VOXELIZE",
            "Turn hits into voxels and cells: a dataset to train with, and to compare with.",
        ),
        _command(
            "grid",
            "grid:GRID",
            "Search for the smallest grid whose cells do not show it, from hits of tuning "
            "showers.",
        ),
        _phi_modulation,
        _train,
        _command(
            "distill",
            "train.distill:DISTILL",
            "Make a model of one or a few evaluations from a CaloDiT-2 or CaloCFM.",
        ),
        _command(
            "export",
            "export:EXPORT",
            "Write trained models as ONNX files, with side files and a model card, into a folder.",
        ),
        _command(
            "correct",
            "train.correct:CORRECT",
            "Train an exported model further, with showers of Geant4 and a critic that compares.",
        ),
        _command(
            "simulate",
            "simulate:SIMULATE",
            "Simulate photons: voxels of a trained model or of a library become hits and cells.",
        ),
        _command(
            "reconstruct",
            "reconstruct:RECONSTRUCT",
            "Compute the shower shapes of reference or simulated showers, one row per shower.",
        ),
        _command(
            "export-showers",
            "export_showers:EXPORT_SHOWERS",
            "Write showers in the layout of another program: of the voxels of a dataset, or of "
            "hits.",
        ),
        _command(
            "evaluate",
            "evaluate:EVALUATE",
            "Compare simulated showers with Geant4: scores, figures, an HTML page, and numbers.",
        ),
        _command(
            "show",
            "show:SHOW",
            "Draw one shower: its voxels, its cells, or its longitudinal profile.",
        ),
        _command(
            "merge",
            "merge:MERGE",
            "Merge hits, datasets or shower shapes of several jobs.",
        ),
        _command(
            "benchmark",
            "benchmark:BENCHMARK",
            "Measure time and memory of models on one thread: parameters, showers, showers with "
            "cells.",
        ),
        _command(
            "info",
            "info:INFO",
            "Show what is in any file of calovox: hits, dataset, shapes, grid, model, report, "
            "ROOT.",
        ),
    ],
    name="calovox",
    help="Fast photon showers in the ATLAS barrel calorimeter, from Geant4 to shower shapes.",
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


class _Speaker(logging.Handler):
    """Shows what the library has to say, on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        typer.echo(printable(record.getMessage()), err=True)


def main() -> None:
    """Run the program."""
    log = logging.getLogger("calovox.kernels")
    log.setLevel(logging.INFO)
    log.addHandler(_Speaker())
    app()
