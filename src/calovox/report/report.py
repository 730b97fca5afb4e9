"""The report: a page that needs no other file, its figures as files, scores, and all numbers.

The reference is Geant4; simulations come after it in the order given. Figures follow those of the
note; what cannot be drawn from the given files is named on the page. Figures are drawn one by one,
so that a report of many takes no more memory than one of few.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import jinja2

from calovox import __version__
from calovox.files.whole import check_folder, whole_folder
from calovox.geometry import CellTable
from calovox.report import page
from calovox.report.collection import Report, collect_report
from calovox.report.figure_list import report_figures
from calovox.report.pictures import Picture, save_figure
from calovox.report.plain import to_plain
from calovox.report.scores import score_regions, score_slices
from calovox.report.style import style
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import read_samples
from calovox.samples.tracking import Track, silently
from calovox.scores.classifiers.inputs import score_classifier
from calovox.scores.gates.files import read_gates, write_outcomes
from calovox.scores.gates.gates import check_gates
from calovox.scores.gates.summary import summarise_gates
from calovox.scores.scoring import score_samples
from calovox.scores.table import Scores

__all__ = ["render_page", "write_report"]

_FORMAT: Final = "calovox report"
_VERSION: Final = 3


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
        progress: Called with one line at each step.

    Returns:
        The numbers of the report.

    Raises:
        FileExistsError: If the folder exists and may not be replaced, or is no report.
        ModuleNotFoundError: If a classifier is wanted and torch is not installed.
        ValueError: If a file cannot be used.
    """
    say = progress or (lambda text: None)
    check_folder(output, marker="report.json", kind="report", overwrite=overwrite)
    gates = () if files.gates is None else read_gates(files.gates)
    samples = read_samples(files, table=table, track=track)
    scoring = score_samples(samples, track=track, progress=say)
    report = collect_report(samples, settings=settings, track=track, progress=say)
    missing = (*report.missing, *scoring.missing)
    report = replace(report, missing=missing, scored=scoring.samples)
    all_scores = scoring.scores + score_regions(report.regions)
    all_scores += score_slices(report.slices) + score_classifier(report.classifier)
    report = replace(report, outcomes=check_gates(gates, all_scores))
    with whole_folder(output) as folder, style():
        pictures = _draw(report, folder / "figures", say)
        say("Writing page and numbers")
        numbers = json.dumps(to_plain(_numbers(report)), allow_nan=False)
        (folder / "report.json").write_text(numbers + "\n", encoding="utf-8")
        all_scores.to_json(folder / "scores.json")
        all_scores.to_parquet(folder / "scores.parquet")
        if gates:
            write_outcomes(report.outcomes, folder / "gates.json")
        text = render_page(report, all_scores, pictures)
        (folder / "index.html").write_text(text, encoding="utf-8")
    return report


def render_page(report: Report, scores: Scores, pictures: Mapping[str, Picture]) -> str:
    """Write the page.

    Args:
        report: All results.
        scores: The scores of the overview.
        pictures: The figures by their names.

    Returns:
        HTML that needs no other file.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("calovox.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html.j2")
    return template.render(page.context(report, scores, pictures))


def _draw(report: Report, folder: Path, say: Callable[[str], None]) -> dict[str, Picture]:
    folder.mkdir()
    pictures = {}
    for name, draw in report_figures(report):
        say(f"Drawing {name}")
        pictures[name] = save_figure(draw(), folder, name)
    return pictures


def _numbers(report: Report) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "calovox": __version__,
        "samples": [page.sample_row(sample) for sample in report.samples] or report.scored,
        "calibration": {
            "stored": report.calibration_stored,
            **({} if report.calibration is None else report.calibration.to_arrays()),
        },
        "regions": report.regions,
        "responses": report.responses,
        "sliced_response": report.sliced_response,
        "average_showers": [
            {
                "name": page.average_name(shower, report.averages),
                "region": shower.region,
                "n_events": shower.n_events,
                "layer": shower.grid.layer,
                "r_min": shower.grid.r_min,
                "r_max": shower.grid.r_max,
                "alpha_min": shower.grid.alpha_min,
                "alpha_max": shower.grid.alpha_max,
                "density": shower.density,
            }
            for shower in report.averages
        ],
        "one_shower": report.image,
        "spectrum": report.spectrum,
        "interpolations": report.interpolations,
        "phi_modulation": report.phi_modulation,
        "energy_slices": report.slices,
        "classifier": report.classifier,
        "gates": summarise_gates(report.outcomes),
        "missing": report.missing,
        "provenance": report.provenance,
    }
