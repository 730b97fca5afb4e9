"""`calovox evaluate`: simulations against Geant4, as a report."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from calovox.cli.command import ChecksFailedError, Job
from calovox.cli.progress import track
from calovox.cli.settings import FileIn, FileInText, FileOut, split_named_file

if TYPE_CHECKING:
    from calovox.evaluation.gates import Gate
    from calovox.evaluation.phi_modulation import PhiModulationFiles
    from calovox.evaluation.samples import SampleFiles
    from calovox.evaluation.scores import Scores

__all__ = ["EVALUATE_EXAMPLE", "EvaluateSettings", "evaluate"]

EVALUATE_EXAMPLE = "calovox evaluate photons.h5 optimal=simulated.h5 --hits hits.h5 -o report"


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
            help="Datasets of simulations: FILE or NAME=FILE; with cells for shower shapes.",
        ),
        FileInText(),
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
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Dataset that the simulations were trained with, to look for copies of it.",
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
    from calovox.evaluation.gates import read_gates
    from calovox.evaluation.report import write_report

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    slices = _sample_files("slices", settings.slices_reference, settings.slices, None)
    classifier = _sample_files(
        "classifier", settings.classifier_reference, settings.classifier, settings.binning
    )
    if settings.reference is None and slices is None and classifier is None:
        raise ValueError(
            "REFERENCE: expected a dataset of Geant4, got none: give it, --slices-reference or "
            "--classifier-reference"
        )
    gates = () if settings.gates is None else read_gates(settings.gates)
    compared = _compare(settings, console)
    write_report(
        compared.reference,
        compared.simulated,
        settings.output,
        hits=settings.hits,
        phi_modulation=_phi_modulation_files(settings),
        slices=slices,
        classifier=classifier,
        scores=compared.scores,
        notes=compared.notes,
        overwrite=job.overwrite,
        progress=console.print,
    )
    simulations = (settings.simulated, settings.slices, settings.classifier)
    names = {name for texts in simulations for name in name_simulations(texts or [])}
    summary = f"{settings.output / 'index.html'}: report on {len(names)} simulations"
    return summary + _judge(gates, settings.output)


@dataclass(frozen=True)
class _Compared:
    """Scores, and the files whose shower shapes can be compared."""

    reference: Path | None
    simulated: dict[str, Path]
    scores: "Scores"
    notes: tuple[str, ...]


def _compare(settings: EvaluateSettings, console: Console) -> _Compared:
    """Score the simulations, and leave shower shapes out where there are no cells."""
    from calovox.evaluation.scores import Scores
    from calovox.evaluation.scoring import score_samples
    from calovox.evaluation.sources import has_cells

    reference, simulated = settings.reference, name_simulations(settings.simulated or [])
    if reference is None or not simulated:
        return _Compared(reference, simulated, Scores(), ())
    scoring = score_samples(
        [reference],
        {label: [path] for label, path in simulated.items()},
        binning=settings.binning,
        training=settings.training,
        track=track,
        progress=console.print,
    )
    empty = [path for path in (reference, *simulated.values()) if not has_cells(path)]
    notes = tuple(f"Shower shapes: {path.name} has no cell energies" for path in empty)
    if notes:
        reference, simulated = None, {}
    return _Compared(reference, simulated, scoring.scores, (*scoring.missing, *notes))


def _judge(gates: "tuple[Gate, ...]", output: Path) -> str:
    """Check the gates, and end the summary of the command."""
    from calovox.evaluation.gates import check_gates
    from calovox.evaluation.scores import Scores

    if not gates:
        return ""
    failures = check_gates(gates, Scores.from_json(output / "scores.json"))
    if failures:
        lines = (f"gate not kept: {failure}" for failure in failures)
        raise ChecksFailedError("\n".join([*lines, f"{output / 'index.html'}: the report"]))
    return f", {len(gates)} gates kept"


def _sample_files(
    name: str, reference: Path | None, simulated: list[str] | None, binning: Path | None
) -> "SampleFiles | None":
    from calovox.evaluation.samples import SampleFiles

    if (reference is None) != (not simulated):
        raise ValueError(f"--{name} and --{name}-reference: give both or neither")
    if reference is None:
        return None
    return SampleFiles(reference, name_simulations(simulated or []), binning)


def _phi_modulation_files(settings: EvaluateSettings) -> "PhiModulationFiles | None":
    from calovox.evaluation.phi_modulation import PhiModulationFiles

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


def name_simulations(texts: list[str]) -> dict[str, Path]:
    """Give each simulation the name in ``NAME=FILE``, or that of its file.

    Args:
        texts: Files, with or without names.

    Returns:
        Files by name, in order.

    Raises:
        ValueError: If two have the same name.
        FileNotFoundError: If a file does not exist.
    """
    files: dict[str, Path] = {}
    for text in texts:
        name, path = split_named_file(text)
        name = name or Path(path).stem
        if name in files:
            raise ValueError(f"two simulations are called '{name}': name them with NAME=FILE")
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: no such file")
        files[name] = Path(path)
    return files
