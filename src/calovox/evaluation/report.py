"""The report: one folder with an HTML page, its figures, and every number drawn as JSON.

The reference is Geant4; simulations come after it in the order given. Figures follow those of the
note; what cannot be drawn from the given files is named on the page.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import jinja2
import numpy as np
from matplotlib.figure import Figure

from calovox import __version__
from calovox.evaluation import page
from calovox.evaluation.comparison import (
    RegionResult,
    Response,
    compare_region,
    measure_response,
)
from calovox.evaluation.figures import (
    average_figure,
    fractions_figure,
    image_figure,
    interpolation_figure,
    response_figure,
    shapes_figure,
    spectrum_figure,
    summary_figure,
)
from calovox.evaluation.figures_phi_modulation import (
    curves_figure,
    energies_figure,
    loss_figure,
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
from calovox.evaluation.regions import REGIONS
from calovox.evaluation.samples import Sample, read_samples
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
_DIGITS: Final = 7
_N_SPECTRUM: Final = 4_050_000
_N_RADII: Final = 1_000_000
_SEED: Final = 1
_STRIP_LAYER: Final = 1


@dataclass(frozen=True)
class Report:
    """Everything in a report.

    Attributes:
        samples: The reference, then simulations.
        calibration: Calibration of the energy, common to all samples.
        calibration_stored: Whether the reference's dataset held it.
        regions: Comparisons in the regions that have events.
        responses: E_tot / E_kin against |eta| of each sample.
        averages: Average showers, one per grid.
        image: One shower; none without a hits file.
        spectrum: The energy spectrum.
        interpolations: The two radial interpolations.
        phi_modulation: The phi modulation; none without a curve file.
        missing: What could not be drawn, and why.
    """

    samples: tuple[Sample, ...]
    calibration: Calibration
    calibration_stored: bool
    regions: tuple[RegionResult, ...]
    responses: tuple[Response, ...]
    averages: tuple[AverageShower, ...]
    image: ShowerImage | None
    spectrum: Spectrum
    interpolations: tuple[Interpolation, Interpolation]
    phi_modulation: PhiModulationResult | None
    missing: tuple[str, ...]


def write_report(
    reference: Path,
    simulated: Mapping[str, Path],
    output: Path,
    *,
    hits: Path | None = None,
    phi_modulation: PhiModulationFiles | None = None,
    table: CellTable | None = None,
    overwrite: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Compare simulations with Geant4 and write the report.

    Args:
        reference: Dataset of Geant4, with cell energies.
        simulated: Datasets of simulations by the names the report gives them, in its order.
        output: Folder of the report; its page is ``index.html``.
        hits: Hits file that one shower is shown from.
        phi_modulation: Curves and displaced showers of Figures 9 and 10.
        table: The cells of the detector; the built-in barrel if none is given.
        overwrite: Whether an existing report may be replaced.
        progress: Called with one line at each step.

    Returns:
        The numbers of the report.

    Raises:
        FileExistsError: If the folder exists and may not be replaced, or is no report.
        ValueError: If a dataset cannot be evaluated.
    """
    say = progress or (lambda text: None)
    _check_output(output, overwrite=overwrite)
    say("Reconstructing showers")
    report = _collect(reference, simulated, hits, phi_modulation, table)
    with _whole_folder(output) as folder, style():
        for name, figure in _draw(report):
            say(f"Drawing {name}")
            _save(figure, folder / name)
        say("Writing page and numbers")
        numbers = json.dumps(to_plain(_numbers(report)), allow_nan=False)
        (folder / "report.json").write_text(numbers + "\n", encoding="utf-8")
        (folder / "index.html").write_text(_render(report), encoding="utf-8")
    return report


def to_plain(value: Any) -> Any:
    """Convert results into what JSON can hold: NaN becomes null, arrays become lists.

    Args:
        value: Dataclasses, arrays, mappings, sequences, numbers or text.

    Returns:
        The same in dicts, lists, numbers of seven digits, text and None.

    Example:
        >>> to_plain({"mean": np.array([1.0, np.nan])})
        {'mean': [1.0, None]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        properties = [
            name for name, kind in vars(type(value)).items() if isinstance(kind, property)
        ]
        return {name: to_plain(getattr(value, name)) for name in (*names, *properties)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist())
    if isinstance(value, list | tuple):
        return [to_plain(entry) for entry in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value


def _collect(
    reference: Path,
    simulated: Mapping[str, Path],
    hits: Path | None,
    phi_modulation: PhiModulationFiles | None,
    table: CellTable | None,
) -> Report:
    samples, calibration, stored = read_samples(reference, simulated, table=table)
    results = [compare_region(samples[0], samples[1:], region) for region in REGIONS]
    missing = [
        f"{region}: the reference has too few events"
        for region, result in zip(REGIONS, results, strict=True)
        if result is None
    ]
    image = None
    if hits is None:
        missing.append("One shower with the grid over it: no hits file was given")
    else:
        image = _read_image(hits)
    averages = _distinct_averages(samples)
    if not averages:
        missing.append("Average showers: no region has events")
    responses = [measure_response(sample) for sample in samples]
    if responses[0] is None:
        missing.append("E_tot / E_kin: no event has enough energy")
    return Report(
        samples=tuple(samples),
        calibration=calibration,
        calibration_stored=stored,
        regions=tuple(result for result in results if result is not None),
        responses=tuple(response for response in responses if response is not None),
        averages=averages,
        image=image,
        spectrum=draw_spectrum(_N_SPECTRUM, seed=_SEED),
        interpolations=draw_interpolations(_N_RADII, seed=_SEED),
        phi_modulation=None
        if phi_modulation is None
        else evaluate_phi_modulation(phi_modulation, table=table),
        missing=tuple(missing),
    )


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
    for result in report.regions:
        if result.observables[0].simulated:
            yield page.summary_name(result), summary_figure(result)
        yield page.shapes_name(result), shapes_figure(result)
    if report.responses:
        yield "response", response_figure(report.responses)
        yield "layer-fractions", fractions_figure(report.responses[0])
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
            **report.calibration.to_arrays(),
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
