"""The report: one folder with an HTML page, its figures, and every number drawn as JSON.

The reference is Geant4; simulations come after it in the order given. Shower shapes need datasets
with cells; voxels alone suffice for the slices of energy and for the classifier, which may be
given other files. Figures follow those of the note; what cannot be drawn from the given files is
named on the page.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import jinja2
from matplotlib.figure import Figure

from calovox import __version__
from calovox.evaluation import page, page_voxels
from calovox.evaluation.classifier import ClassifierResult
from calovox.evaluation.classifier_inputs import classify_samples, score_classifier
from calovox.evaluation.comparison import (
    RegionResult,
    Response,
    compare_region,
    measure_response,
)
from calovox.evaluation.energy_slices import SlicesResult, slice_datasets
from calovox.evaluation.figures import (
    average_figure,
    image_figure,
    interpolation_figure,
    shapes_figure,
    spectrum_figure,
    summary_figure,
)
from calovox.evaluation.figures_energy_slices import slices_figure, slices_summary_figure
from calovox.evaluation.figures_phi_modulation import (
    curves_figure,
    energies_figure,
    loss_figure,
)
from calovox.evaluation.figures_response import (
    fractions_figure,
    response_figure,
    response_profiles_figure,
)
from calovox.evaluation.illustrations import (
    Interpolation,
    Spectrum,
    draw_interpolations,
    draw_spectrum,
)
from calovox.evaluation.phi_modulation import (
    PhiModulationFiles,
    PhiModulationResult,
    evaluate_phi_modulation,
)
from calovox.evaluation.plain import to_plain
from calovox.evaluation.regions import REGIONS
from calovox.evaluation.samples import Sample, SampleFiles, read_samples
from calovox.evaluation.scores import Scores
from calovox.evaluation.showers import AverageShower, ShowerImage, choose_event, shower_image
from calovox.evaluation.style import style
from calovox.files import check_writable
from calovox.geometry import CellTable
from calovox.hits import HitsReader
from calovox.reconstruction import Calibration
from calovox.voxelization import VoxelGrid

__all__ = ["Report", "write_report"]

_FORMAT: Final = "calovox report"
_VERSION: Final = 1
_N_SPECTRUM: Final = 4_050_000
_N_RADII: Final = 1_000_000
_SEED: Final = 1
_STRIP_LAYER: Final = 1


@dataclass(frozen=True)
class Report:
    """Everything in a report.

    Attributes:
        samples: The reference, then simulations; empty without datasets with cells.
        calibration: Calibration of the energy, common to all samples; none without samples.
        calibration_stored: Whether the reference's dataset held it.
        regions: Comparisons in the regions that have events.
        responses: E_tot / E_kin against |eta| of each sample.
        averages: Average showers, one per grid.
        image: One shower; none without a hits file.
        spectrum: The energy spectrum.
        interpolations: The two radial interpolations.
        phi_modulation: The phi modulation; none without a curve file.
        slices: E_tot / E_kin in slices of energy, one result per range of |eta|.
        classifier: The classifier test; none without its files.
        missing: What could not be drawn, and why.
    """

    samples: tuple[Sample, ...]
    calibration: Calibration | None
    calibration_stored: bool
    regions: tuple[RegionResult, ...]
    responses: tuple[Response, ...]
    averages: tuple[AverageShower, ...]
    image: ShowerImage | None
    spectrum: Spectrum
    interpolations: tuple[Interpolation, Interpolation]
    phi_modulation: PhiModulationResult | None
    slices: tuple[SlicesResult, ...]
    classifier: ClassifierResult | None
    missing: tuple[str, ...]


def write_report(
    reference: Path | None,
    simulated: Mapping[str, Path],
    output: Path,
    *,
    hits: Path | None = None,
    phi_modulation: PhiModulationFiles | None = None,
    slices: SampleFiles | None = None,
    classifier: SampleFiles | None = None,
    scores: Scores | None = None,
    notes: Sequence[str] = (),
    table: CellTable | None = None,
    overwrite: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Compare simulations with Geant4 and write the report.

    Args:
        reference: Dataset of Geant4, with cell energies; None for a report on voxels alone.
        simulated: Datasets of simulations by the names the report gives them, in its order.
        output: Folder of the report; its page is ``index.html``.
        hits: Hits file that one shower is shown from.
        phi_modulation: Curves and displaced showers of Figures 9 and 10.
        slices: Datasets compared in slices of energy (Figures C.1 and C.2).
        classifier: Datasets that a classifier tries to tell apart.
        scores: Scores of the simulations; those of the classifiers are added.
        notes: What else the page says is missing.
        table: The cells of the detector; the built-in barrel if none is given.
        overwrite: Whether an existing report may be replaced.
        progress: Called with one line at each step.

    Returns:
        The numbers of the report.

    Raises:
        FileExistsError: If the folder exists and may not be replaced, or is no report.
        ModuleNotFoundError: If a classifier is wanted and torch is not installed.
        ValueError: If a dataset cannot be evaluated.
    """
    say = progress or (lambda text: None)
    _check_output(output, overwrite=overwrite)
    if reference is None and simulated:
        raise ValueError("simulated: expected a reference to compare with, got none")
    collected = _collect(reference, simulated, hits, phi_modulation, table, say)
    report = _add_voxels(collected, list(simulated), slices, classifier, say)
    report = replace(report, missing=(*report.missing, *notes))
    scores = (scores or Scores()) + score_classifier(report.classifier)
    with _whole_folder(output) as folder, style():
        for name, figure in _draw(report):
            say(f"Drawing {name}")
            _save(figure, folder / name)
        say("Writing page and numbers")
        numbers = json.dumps(to_plain(_numbers(report)), allow_nan=False)
        (folder / "report.json").write_text(numbers + "\n", encoding="utf-8")
        scores.to_json(folder / "scores.json")
        scores.to_parquet(folder / "scores.parquet")
        (folder / "index.html").write_text(_render(report), encoding="utf-8")
    return report


def _collect(
    reference: Path | None,
    simulated: Mapping[str, Path],
    hits: Path | None,
    phi_modulation: PhiModulationFiles | None,
    table: CellTable | None,
    say: Callable[[str], None],
) -> Report:
    """Collect all but the comparisons of voxels."""
    samples: list[Sample] = []
    calibration, stored = None, False
    if reference is not None:
        say("Reconstructing showers")
        samples, calibration, stored = read_samples(reference, simulated, table=table)
    regions = {
        str(region): compare_region(samples[0], samples[1:], region)
        for region in REGIONS
        if samples
    }
    averages = _distinct_averages(samples)
    responses = _responses(samples)
    missing = [
        *(f"{name}: the reference has too few events" for name, r in regions.items() if r is None),
        *["One shower with the grid over it: no hits file was given"] * (hits is None),
        *["Average showers: no region has events"] * (not averages),
        *(
            f"E_tot / E_kin of {sample.label}: no event has enough energy"
            for sample, response in zip(samples, responses, strict=True)
            if response is None
        ),
    ]
    return Report(
        samples=tuple(samples),
        calibration=calibration,
        calibration_stored=stored,
        regions=tuple(result for result in regions.values() if result is not None),
        responses=tuple(response for response in responses if response is not None),
        averages=averages,
        image=None if hits is None else _read_image(hits),
        spectrum=draw_spectrum(_N_SPECTRUM, seed=_SEED),
        interpolations=draw_interpolations(_N_RADII, seed=_SEED),
        phi_modulation=None
        if phi_modulation is None
        else evaluate_phi_modulation(phi_modulation, table=table),
        slices=(),
        classifier=None,
        missing=tuple(missing) if samples else (),
    )


def _add_voxels(
    report: Report,
    order: list[str],
    slices: SampleFiles | None,
    classifier: SampleFiles | None,
    say: Callable[[str], None],
) -> Report:
    """Add the comparisons of voxels to a report."""
    missing = list(report.missing)
    results: tuple[SlicesResult, ...] = ()
    if slices is not None:
        say("Comparing energies in slices")
        order = list(dict.fromkeys([*order, *slices.simulated]))
        results = slice_datasets(slices.reference, slices.simulated, order)
        missing += [
            f"E_tot at {result.eta_range}: the reference has too few showers"
            + "".join(f", 2^{exponent} MeV" for exponent in result.too_few)
            for result in results
            if result.too_few or not result.slices
        ]
    tested = None
    if classifier is not None:
        tested = classify_samples(classifier, progress=say)
    return replace(report, slices=results, classifier=tested, missing=tuple(missing))


def _responses(samples: list[Sample]) -> list[Response | None]:
    if not samples:
        return []
    first = measure_response(samples[0])
    return [first, *(measure_response(sample, first) for sample in samples[1:])]


def _read_image(path: Path) -> ShowerImage:
    batch = next(HitsReader(path).batches(), None)
    if batch is None:
        raise ValueError(f"{path}: expected at least one shower to show, got none")
    return shower_image(batch, choose_event(batch), _STRIP_LAYER)


def _distinct_averages(samples: list[Sample]) -> tuple[AverageShower, ...]:
    chosen: list[AverageShower] = []
    for sample in samples:
        if sample.averages and all(sample.grid != other.grid for other in chosen):
            chosen.append(sample.averages[0])
    return tuple(chosen)


def _draw(report: Report) -> Iterator[tuple[str, Figure]]:
    for compared in report.regions:
        if compared.observables[0].simulated:
            yield page.summary_name(compared), summary_figure(compared)
        yield page.shapes_name(compared), shapes_figure(compared)
    if report.responses:
        yield "response", response_figure(report.responses)
        yield "response-profiles", response_profiles_figure(report.responses)
        yield "layer-fractions", fractions_figure(report.responses[0])
    shown = [result for result in report.slices if result.slices]
    for result in shown:
        yield page_voxels.slices_name(result), slices_figure(result)
    if any(result.averages for result in shown):
        yield "slices-summary", slices_summary_figure(shown)
    for shower in report.averages:
        yield page.average_name(shower, report.averages), average_figure(shower)
    if report.image is not None:
        yield "one-shower", image_figure(report.image, VoxelGrid.optimal())
    if report.phi_modulation is not None:
        yield "phi-modulation", curves_figure(report.phi_modulation)
        yield "phi-modulation-loss", loss_figure(report.phi_modulation)
        if report.phi_modulation.test is not None:
            yield "phi-modulation-energies", energies_figure(report.phi_modulation.test)
    yield "spectrum", spectrum_figure(report.spectrum)
    yield "interpolation", interpolation_figure(report.interpolations)


def _numbers(report: Report) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "calovox": __version__,
        "samples": [page.sample_row(sample) for sample in report.samples],
        "calibration": {
            "stored": report.calibration_stored,
            **({} if report.calibration is None else report.calibration.to_arrays()),
        },
        "regions": report.regions,
        "responses": report.responses,
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
        "missing": report.missing,
    }


def _render(report: Report) -> str:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = files("calovox.evaluation").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source).render(page.context(report))


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path.with_suffix(".png"))
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})


def _check_output(output: Path, *, overwrite: bool) -> None:
    check_writable(output, overwrite=overwrite)
    if output.exists() and not (output / "report.json").is_file():
        raise FileExistsError(f"{output} exists and is no report: choose another output")


@contextmanager
def _whole_folder(output: Path) -> Iterator[Path]:
    """Give a temporary folder beside the output, which takes its place at the end."""
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
    partial.mkdir()
    try:
        yield partial
        if output.exists():
            shutil.rmtree(output)
        partial.rename(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
