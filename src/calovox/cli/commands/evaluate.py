"""`calovox evaluate`: simulations against Geant4, as a report."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from calovox.cli.command import Job, make_command
from calovox.cli.errors import ChecksFailedError, warn
from calovox.cli.progress import track
from calovox.cli.sample_files import name_samples, name_simulations
from calovox.cli.settings import (
    DetectorIn,
    FileIn,
    FileInText,
    FileOut,
    Scheduler,
    given_detector,
    split_named_file,
)
from calovox.text import check_name
from calovox.units import parse_quantity

if TYPE_CHECKING:
    from calovox.geometry import CellTable
    from calovox.photons.photon_range import PhotonRange
    from calovox.samples.files import EvaluationFiles, SampleFiles
    from calovox.scores.gates.gates import GateOutcome

__all__ = ["EVALUATE", "EvaluateSettings", "evaluate"]

_SHOWERS = (".h5", ".hdf5")
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
            "of one NAME form one sample. Or models: MODEL or NAME=MODEL simulate the photons of "
            "REFERENCE, into the file OUTPUT.NAME.h5.",
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
    detector: DetectorIn = None
    min_energy: Annotated[
        str | None,
        typer.Option(
            help="Energy below which a voxel counts as empty in all samples, such as 15.15keV."
        ),
    ] = None
    energy: Annotated[
        str | None,
        typer.Option(
            metavar="ENERGY",
            help="Compare photons of these energies alone, as in calovox geant4: 49GeV:98GeV.",
        ),
    ] = None
    eta: Annotated[
        str | None,
        typer.Option(metavar="ETA", help="And of these pseudorapidities alone, as abs:0.2:0.25."),
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
    referee: Annotated[
        Literal["quick", "full", "none"],
        typer.Option(
            help="Boosted trees that tell simulations from Geant4: one training of 100 trees with "
            "at most 2000 showers, five of 200 with 10000 and all inputs, or none.",
        ),
    ] = "quick"
    scheduler: Scheduler = None
    noise: Annotated[
        bool,
        typer.Option(
            "--noise",
            help="Compare observables of cells and positions with electronic noise as well.",
        ),
    ] = False


def evaluate(settings: EvaluateSettings, job: Job) -> str:
    """Compare simulated showers with Geant4: scores, figures, an HTML page, and numbers."""
    from calovox.dataset.modulation import say_other_modulation
    from calovox.report.report import write_report

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    settings = replace(settings, simulated=_simulate_models(settings, job))
    files = _files(settings)
    with _machines(settings.scheduler):
        report = write_report(
            files,
            settings.output,
            settings=job.provenance["settings"],
            table=_table(settings),
            overwrite=job.overwrite,
            track=track,
            progress=console.print,
        )
    warn(settings.output, say_other_modulation(files.reference, files.simulated))
    simulations = (settings.simulated, settings.slices, settings.classifier)
    names = {name for texts in simulations for name in name_samples(texts or [])}
    page = settings.output / "index.html"
    return f"{page}: report on {len(names)} simulations" + _sum_up(report.outcomes, page)


def _machines(address: str | None) -> AbstractContextManager[None]:
    if address is None:
        return nullcontext()
    from calovox.jobs.scheduler import dask_side_by_side

    return dask_side_by_side(address)


def _simulate_models(settings: EvaluateSettings, job: Job) -> list[str]:
    """Simulate with each model that is given in place of a file, and give the files."""
    texts = []
    for text in settings.simulated or []:
        given, model = split_named_file(text)
        if Path(model).is_file() or Path(model).suffix in _SHOWERS or settings.reference is None:
            texts.append(text)
            continue
        name = given or Path(model).stem
        check_name("simulation", name)
        output = settings.output.with_name(f"{settings.output.name}.{name}.h5")
        from calovox.simulation.alike import simulate_alike

        own = given_detector(settings.detector)
        simulate_alike(model, settings.reference, output, detector=own, **job.writing())
        texts.append(f"{name}={output}")
    return texts


def _table(settings: EvaluateSettings) -> "CellTable | None":
    own = given_detector(settings.detector)
    if own is not None and settings.reference is not None:
        from calovox.dataset.detectors import detector_of

        detector_of(settings.reference, own)  # refuses another one
    return None if own is None else own.cells


def _files(settings: EvaluateSettings) -> "EvaluationFiles":
    from calovox.samples.files import EvaluationFiles

    slices = _sample_files("slices", settings.slices_reference, settings.slices)
    classifier = _sample_files("classifier", settings.classifier_reference, settings.classifier)
    displaced = _sample_files("displaced", settings.displaced_reference, settings.displaced)
    if settings.reference is None and slices is None and classifier is None:
        raise ValueError(
            "REFERENCE: expected a dataset of Geant4, got none: give it, --slices-reference or "
            "--classifier-reference"
        )
    if settings.also_reference and settings.reference is None:
        raise ValueError("--also-reference: expected a first REFERENCE as well, got none")
    if displaced is not None and settings.curve is None:
        raise ValueError("--displaced needs the curves of --curve")
    reference = [] if settings.reference is None else [settings.reference]
    return EvaluationFiles(
        reference=[*reference, *(settings.also_reference or [])],
        simulated=name_samples(settings.simulated or []),
        binning=settings.binning,
        min_energy=_min_energy(settings.min_energy),
        photons=_photons(settings),
        training=settings.training or [],
        gates=settings.gates,
        hits=settings.hits,
        curve=settings.curve,
        displaced=displaced,
        slices=slices,
        classifier=classifier,
        referee=settings.referee,
        noise=settings.noise,
    )


def _photons(settings: EvaluateSettings) -> "PhotonRange | None":
    from calovox.photons.photon_range import PhotonRange

    if settings.energy is None and settings.eta is None:
        return None
    return PhotonRange(settings.energy, settings.eta)


def _min_energy(text: str | None) -> float:
    if text is None:
        return 0.0
    energy = parse_quantity(text, "energy")
    if energy <= 0.0:
        raise ValueError(f"--min-energy: expected more than 0, got {text}")
    return energy


def _sample_files(
    name: str, reference: Path | None, simulated: list[str] | None
) -> "SampleFiles | None":
    from calovox.samples.files import SampleFiles

    if (reference is None) != (not simulated):
        raise ValueError(f"--{name} and --{name}-reference: give both or neither")
    if reference is None:
        return None
    return SampleFiles(reference, name_simulations(simulated or []))


def _sum_up(outcomes: "Sequence[GateOutcome]", page: Path) -> str:
    """Say whether all gates are kept, as the end of the summary; name each that is not."""
    lost = [outcome for outcome in outcomes if not outcome.keeps]
    if lost:
        lines = (f"gate not kept: {outcome}" for outcome in lost)
        raise ChecksFailedError("\n".join([*lines, f"{page}: the report"]))
    verdicts = [outcome.verdict for outcome in outcomes]
    if not verdicts:
        return ""
    n_gates = len({outcome.gate for outcome in outcomes})
    without = verdicts.count("not judged")
    more = f", {without} bins not judged for want of showers (gates.json)" if without else ""
    known = verdicts.count("known failure")
    fails = f", {known} scores fail their aim, as is known" if known else ""
    return f", {n_gates} gates kept by {verdicts.count('passed')} scores{fails}{more}"


EVALUATE = make_command("evaluate", EvaluateSettings, evaluate, example=_EXAMPLE)
