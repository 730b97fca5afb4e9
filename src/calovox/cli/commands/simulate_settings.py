"""Settings of `calovox simulate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from calovox.cli.settings import FileIn, FileInText, FileOut, ModelIn, Output, Seed

__all__ = ["SimulateSettings"]


@dataclass(frozen=True, kw_only=True)
class SimulateSettings:
    """What to simulate, with which model, and how far."""

    output: Output
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|PATH",
            help="A shipped model, a folder of calovox export, an ONNX file of it, a file of "
            "calovox train parametric, or a dataset: a library of showers.",
        ),
        ModelIn(),
    ]
    matching: Annotated[
        Literal["perfect", "displaced", "nearest", "random"] | None,
        typer.Option(
            help="Repeat the library's showers, at their place or at new azimuths, or choose "
            "one for each new photon. [default: perfect]",
        ),
    ] = None
    sub_voxels: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|none",
            help="ROOT file: where hits lie in voxels. [default: the model's]",
        ),
        FileInText(words=("none",)),
    ] = None
    phi_modulation: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|none", help="Curves to be put into the hits. [default: the model's]"
        ),
        FileInText(words=("none",)),
    ] = None
    energy: Annotated[
        str | None,
        typer.Option(metavar="ENERGY", help="Energies of new photons, as in calovox geant4."),
    ] = None
    eta: Annotated[
        str | None,
        typer.Option(metavar="ETA", help="Pseudorapidities of new photons, as there."),
    ] = None
    photons: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="New photons: those of a dataset or a hits file, or the columns energy (MeV), "
            "eta and phi of a Parquet or CSV file.",
        ),
        FileIn(),
    ] = None
    number: Annotated[
        int | None,
        typer.Option("--number", "-n", min=1, help="How many; all of the library or the file."),
    ] = None
    seed: Seed = 1
    allow_extrapolation: Annotated[
        bool,
        typer.Option(
            "--allow-extrapolation",
            help="Simulate photons outside the model's trained range too, and flag them.",
        ),
    ] = False
    cells: Annotated[bool, typer.Option(help="Store cell energies too.")] = False
    hits: Annotated[
        Path | None, typer.Option(help="Also write the hits, into this file."), FileOut()
    ] = None
    e_hit: Annotated[
        str | None,
        typer.Option(
            metavar="ENERGY",
            help="Mean energy of a hit [default: 4MeV, 6MeV at 0.75 <= |eta| <= 0.8].",
        ),
    ] = None
