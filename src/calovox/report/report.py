"""The report: a page that needs no other file, its figures as files, scores, and all numbers.

The reference is Geant4; simulations come after it in the order given. Figures follow those of the
note. Each topic is measured, drawn and put on the page, or named there with the reason why it
cannot be shown. Figures are drawn one by one, so that memory does not grow with their number.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from calovox import __version__
from calovox.files.whole import check_folder, whole_folder
from calovox.geometry import CellTable
from calovox.report.contents import appendices, summaries, topics
from calovox.report.page import render_page
from calovox.report.pictures import Picture, save_figure
from calovox.report.plain import to_plain
from calovox.report.style import style
from calovox.report.topic import Measured, Topic
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import Samples, read_samples
from calovox.scores.classifiers.inputs import check_classifiable
from calovox.scores.gates.files import read_gates, write_outcomes
from calovox.scores.gates.gates import GateOutcome, check_gates
from calovox.scores.referee.scores import score_largest
from calovox.scores.scoring import score_samples
from calovox.scores.table import Scores
from calovox.side_by_side import side_by_side
from calovox.tracking import Track, silently

__all__ = ["Report", "draw_figures", "write_report"]

_FORMAT: Final = "calovox report"
_VERSION: Final = 3


@dataclass(frozen=True)
class Report:
    """What a report says.

    Attributes:
        samples: What was compared.
        parts: All topics and what they measured, in the order of the page.
        scores: All scores.
        outcomes: What the gates say of them.
    """

    samples: Samples
    parts: tuple[Measured[Any], ...]
    scores: Scores
    outcomes: tuple[GateOutcome, ...]

    @property
    def simulations(self) -> list[str]:
        """Names of the simulations that are reconstructed."""
        return [sample.label for sample in self.samples.reconstructed[1:]]

    @property
    def numbers(self) -> dict[str, Any]:
        """Everything in `report.json`."""
        head = {"format": _FORMAT, "version": _VERSION, "calovox": __version__}
        return {
            **head,
            **{key: value for part in self.parts for key, value in part.numbers.items()},
        }


def write_report(
    files: EvaluationFiles,
    output: Path,
    *,
    settings: Mapping[str, object] | None = None,
    table: CellTable | None = None,
    overwrite: bool = False,
    track: Track = silently,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Compare simulations with Geant4, score them and write the report.

    Args:
        files: What is compared.
        output: Folder of the report; its page is ``index.html``.
        settings: Settings of the command, for the provenance.
        table: The cells of the detector; the built-in barrel if none is given.
        overwrite: Whether an existing report may be replaced.
        track: Shows the progress over showers.
        progress: Called with one line at each step, and for each part that cannot be shown.

    Returns:
        The report.

    Raises:
        FileExistsError: If the folder exists and may not be replaced, or is no report.
        ModuleNotFoundError: If a classifier is wanted and torch is not installed.
        ValueError: If a file cannot be used.
    """
    say = progress or (lambda text: None)
    check_folder(output, marker="report.json", kind="report", overwrite=overwrite)
    gates = () if files.gates is None else read_gates(files.gates)
    samples = read_samples(files, table=table, track=track)
    check_classifiable(samples.classifier)
    scoring = score_samples(samples, track=track, progress=say)
    found = _measure(topics(track, say), samples, say)
    scores = sum((part.scores for part in found), scoring.scores)
    scores = score_largest(scores) + scores
    outcomes = check_gates(gates, scores)
    missing = [line for part in found for line in part.missing]
    front = summaries(scores, outcomes, scoring.samples, (*missing, *scoring.missing))
    parts = (
        *_measure(front, samples, say),
        *found,
        *_measure(appendices(settings or {}), samples, say),
    )
    report = Report(samples, parts, scores, outcomes)
    with whole_folder(output) as folder:
        _write(report, folder, say)
    for line in (*missing, *scoring.missing):
        say(f"Not shown: {line}")
    return report


def draw_figures(
    parts: Sequence[Measured[Any]], folder: Path, say: Callable[[str], None]
) -> dict[str, Picture]:
    """Draw all figures, and save them side by side.

    Args:
        parts: All topics.
        folder: Where the files go.
        say: Called with the name of each.

    Returns:
        The figures for a page, by name.
    """
    named = [figure for part in parts for figure in part.figures()]

    def drawn() -> Iterator[tuple[Figure, Path, str]]:
        for name, draw in named:
            say(f"Drawing {name}")
            with style():
                figure = draw()
            yield figure, folder, name

    pictures = side_by_side(save_figure, drawn(), len(named))
    return dict(zip((name for name, _ in named), pictures, strict=True))


def _measure(
    wanted: Iterable[Topic[Any]], samples: Samples, say: Callable[[str], None]
) -> list[Measured[Any]]:
    found = []
    for topic in wanted:
        say(f"Measuring {topic.name.replace('_', ' ')}")
        found.append(Measured(topic, topic.measure(samples)))
    return found


def _write(report: Report, folder: Path, say: Callable[[str], None]) -> None:
    figures = folder / "figures"
    figures.mkdir()
    pictures = draw_figures(report.parts, figures, say)
    say("Writing page and numbers")
    numbers = json.dumps(to_plain(report.numbers), allow_nan=False)
    (folder / "report.json").write_text(numbers + "\n", encoding="utf-8")
    report.scores.to_json(folder / "scores.json")
    report.scores.to_parquet(folder / "scores.parquet")
    if report.outcomes:
        write_outcomes(report.outcomes, folder / "gates.json")
    text = render_page(
        report.parts,
        report.simulations,
        pictures,
        particle=report.samples.particle,
        with_cells=bool(report.samples.reconstructed),
    )
    (folder / "index.html").write_text(text, encoding="utf-8")
