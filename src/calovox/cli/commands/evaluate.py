"""`calovox evaluate`: simulations against Geant4, as a report."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from calovox.cli.command import Job, make_command
from calovox.cli.commands.scoring import ScoringFiles, score_files, sum_up_gates
from calovox.cli.progress import track
from calovox.cli.sample_files import name_samples, name_simulations
from calovox.cli.settings import FileIn, FileInText, FileOut
from calovox.units import parse_quantity

if TYPE_CHECKING:
    from calovox.report.topics.phi_modulation.measure import PhiModulationFiles
    from calovox.samples.sample import SampleFiles

__all__ = ["EVALUATE", "EvaluateSettings", "evaluate"]

_EXAMPLE = "calovox evaluate photons.h5 optimal=simulated.h5 --hits hits.h5 -o report"


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """Settings of `calovox evaluate`."""

    reference: Annotated[
        Path | None,
        typer.Argument(
            metavar="REFERENCE",
            exists=True,
            dir_okay=False,
            help="Dataset of Geant4, or a file of the CaloChallenge; not needed for slices and "
            "classifier alone.",
        ),
        FileIn(),
    ] = None
    simulated: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SIMULATED",
            help="Datasets of simulations: FILE or NAME=FILE, with cells for shower shapes; files "
            "of one NAME form one sample.",
        ),
        FileInText(),
    ] = None
    also_reference: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Further datasets of Geant4, with photons of other energies or pseudorapidities.",
        ),
        FileIn(),
    ] = None
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the report."), FileOut()
    ]
    gates: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Gate file: bounds on the scores; the exit code is 1 if one is not kept.",
        ),
        FileIn(),
    ] = None
    training: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Datasets that the simulations were trained with, to look for copies of them.",
        ),
        FileIn(),
    ] = None
    binning: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="XML file that says where the voxels of files of the CaloChallenge lie.",
        ),
        FileIn(),
    ] = None
    min_energy: Annotated[
        str | None,
        typer.Option(
            help="Energy below which a voxel counts as empty in all samples, such as 15.15keV."
        ),
    ] = None
    hits: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Hits file: one shower of it is drawn."),
        FileIn(),
    ] = None
    curve: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Curves of calovox phi-modulation fit, to be drawn."
        ),
        FileIn(),
    ] = None
    displaced_reference: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Dataset of Geant4 showers of one energy, to compare displaced showers with.",
        ),
        FileIn(),
    ] = None
    displaced: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE", help="Datasets of the same showers at new azimuths, with cells."
        ),
        FileInText(),
    ] = None
    slices_reference: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Dataset of Geant4 showers of several energies, for E_tot in slices of energy.",
        ),
        FileIn(),
    ] = None
    slices: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Datasets of simulations of the same photons; no cells needed.",
        ),
        FileInText(),
    ] = None
    classifier_reference: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Dataset of Geant4 showers that a classifier tells from simulated ones.",
        ),
        FileIn(),
    ] = None
    classifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Datasets of simulations of the same photons; no cells needed.",
        ),
        FileInText(),
    ] = None


def evaluate(settings: EvaluateSettings, job: Job) -> str:
    """Compare simulated showers with Geant4: scores, figures, an HTML page, and numbers."""
    from calovox.report.report import write_report
    from calovox.scores.gates.files import read_gates

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    files = _scoring_files(settings)
    slices = _sample_files("slices", settings.slices_reference, settings.slices)
    classifier = _sample_files("classifier", settings.classifier_reference, settings.classifier)
    if classifier is not None:
        classifier = replace(classifier, binning=files.binning, min_energy=files.min_energy)
    if settings.reference is None and slices is None and classifier is None:
        raise ValueError(
            "REFERENCE: expected a dataset of Geant4, got none: give it, --slices-reference or "
            "--classifier-reference"
        )
    if settings.also_reference and settings.reference is None:
        raise ValueError("--also-reference: expected a first REFERENCE as well, got none")
    gates = () if settings.gates is None else read_gates(settings.gates)
    samples = score_files(files, progress=console.print)
    report = write_report(
        samples.reference,
        samples.simulated,
        settings.output,
        hits=settings.hits,
        phi_modulation=_phi_modulation_files(settings),
        slices=slices,
        classifier=classifier,
        scores=samples.scores,
        gates=gates,
        scored=samples.samples,
        also_read=tuple(files.roles()),
        notes=samples.notes,
        settings=job.provenance["settings"],
        overwrite=job.overwrite,
        track=track,
        progress=console.print,
    )
    simulations = (settings.simulated, settings.slices, settings.classifier)
    names = {name for texts in simulations for name in name_samples(texts or [])}
    summary = f"{settings.output / 'index.html'}: report on {len(names)} simulations"
    return summary + sum_up_gates(report.outcomes, settings.output / "index.html")


def _scoring_files(settings: EvaluateSettings) -> ScoringFiles:
    reference = [] if settings.reference is None else [settings.reference]
    min_energy = 0.0
    if settings.min_energy is not None:
        min_energy = parse_quantity(settings.min_energy, "energy")
        if min_energy <= 0.0:
            raise ValueError(f"--min-energy: expected more than 0, got {settings.min_energy}")
    return ScoringFiles(
        reference=[*reference, *(settings.also_reference or [])],
        simulated=name_samples(settings.simulated or []),
        binning=settings.binning,
        training=settings.training or [],
        gates=settings.gates,
        min_energy=min_energy,
    )


def _sample_files(
    name: str, reference: Path | None, simulated: list[str] | None
) -> "SampleFiles | None":
    from calovox.samples.sample import SampleFiles

    if (reference is None) != (not simulated):
        raise ValueError(f"--{name} and --{name}-reference: give both or neither")
    if reference is None:
        return None
    return SampleFiles(reference, name_simulations(simulated or []))


def _phi_modulation_files(settings: EvaluateSettings) -> "PhiModulationFiles | None":
    from calovox.report.topics.phi_modulation.measure import PhiModulationFiles

    displaced = settings.displaced or []
    if (settings.displaced_reference is None) != (not displaced):
        raise ValueError("--displaced and --displaced-reference: give both or neither")
    if settings.curve is None:
        if displaced:
            raise ValueError("--displaced needs the curves of --curve")
        return None
    return PhiModulationFiles(
        settings.curve, settings.displaced_reference, name_simulations(displaced)
    )


EVALUATE = make_command("evaluate", EvaluateSettings, evaluate, example=_EXAMPLE)
