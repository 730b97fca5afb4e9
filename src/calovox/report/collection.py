"""Everything in a report, collected from its files before anything is drawn.

Shower shapes need datasets with cells; voxels alone suffice for the slices of energy and for the
classifier, which may be given other files. What the files do not allow is named, with the reason.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from calovox.geometry import CellTable
from calovox.hits import HitsReader
from calovox.reconstruction import Calibration
from calovox.report.provenance import Provenance, collect_provenance
from calovox.report.topics.energy_slices.measure import SlicesResult, slice_datasets
from calovox.report.topics.inputs.measure import (
    Interpolation,
    Spectrum,
    draw_interpolations,
    draw_spectrum,
)
from calovox.report.topics.phi_modulation.measure import (
    PhiModulationFiles,
    PhiModulationResult,
    evaluate_phi_modulation,
)
from calovox.report.topics.response.measure import Response, measure_response
from calovox.report.topics.response.slices import SlicedResponse, slice_response
from calovox.report.topics.shapes.measure import RegionResult, compare_region
from calovox.samples.regions import REGIONS
from calovox.samples.sample import (
    REFERENCE_LABEL,
    Sample,
    SampleFiles,
    check_files_once,
    read_samples,
)
from calovox.samples.showers import AverageShower, ShowerImage, choose_event, shower_image
from calovox.samples.source import has_cells
from calovox.samples.tracking import Track, silently
from calovox.scores.classifiers.inputs import classify_samples
from calovox.scores.classifiers.network import ClassifierResult
from calovox.scores.gates.gates import GateOutcome
from calovox.scores.scoring import ScoredSample

__all__ = ["SEED", "Report", "ReportFiles", "collect_report"]

SEED: Final = 1
"""Seed of the spectrum and of the radii that the report draws."""

_N_SPECTRUM: Final = 4_050_000
_N_RADII: Final = 1_000_000
_STRIP_LAYER: Final = 1


@dataclass(frozen=True)
class ReportFiles:
    """The files that a report is made from.

    Attributes:
        reference: Datasets of Geant4; none for a report on voxels alone.
        simulated: Datasets of each simulation by the names the report gives them, in its order;
            those without cell energies are left out of the figures of shower shapes.
        hits: Hits file that one shower is shown from.
        phi_modulation: Curves and displaced showers of Figures 9 and 10.
        slices: Datasets compared in slices of energy (Figures C.1 and C.2).
        classifier: Datasets that a classifier tries to tell apart.
    """

    reference: Sequence[Path] = ()
    simulated: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    hits: Path | None = None
    phi_modulation: PhiModulationFiles | None = None
    slices: SampleFiles | None = None
    classifier: SampleFiles | None = None

    def __post_init__(self) -> None:
        if self.simulated and not self.reference:
            raise ValueError("simulated: expected a reference to compare with, got none")
        for paths in (self.reference, *self.simulated.values()):
            check_files_once(paths)

    def roles(self) -> Iterator[tuple[str, Path]]:
        """Give what each file is used for, and the file."""
        yield from ((REFERENCE_LABEL, path) for path in self.reference)
        for label, paths in self.simulated.items():
            yield from ((label, path) for path in paths)
        if self.hits is not None:
            yield "one shower", self.hits
        for purpose, group in (("slices", self.slices), ("classifier", self.classifier)):
            if group is not None:
                yield f"{REFERENCE_LABEL}, {purpose}", group.reference
                yield from ((f"{name}, {purpose}", path) for name, path in group.simulated.items())
        if self.phi_modulation is not None:
            yield "curves of the phi modulation", self.phi_modulation.curve
            if self.phi_modulation.reference is not None:
                yield f"{REFERENCE_LABEL}, phi modulation", self.phi_modulation.reference
            for name, path in self.phi_modulation.displaced.items():
                yield f"{name}, phi modulation", path


@dataclass(frozen=True)
class Report:
    """Everything in a report.

    Attributes:
        samples: The reference, then simulations; empty without datasets with cells.
        calibration: Calibration of the energy, common to all samples; none without samples.
        calibration_stored: Whether the reference's dataset held it.
        regions: Comparisons in the regions that have events.
        responses: E_tot / E_kin against |eta| of each sample.
        sliced_response: E_tot / E_kin near the electrode gaps; none without responses.
        averages: Average showers, one per grid.
        image: One shower; none without a hits file.
        spectrum: The energy spectrum.
        interpolations: The two radial interpolations.
        phi_modulation: The phi modulation; none without a curve file.
        slices: E_tot / E_kin in slices of energy, one result per range of |eta|.
        classifier: The classifier test; none without its files.
        missing: What could not be drawn, and why.
        provenance: Files, settings and versions.
        scored: Samples that were scored, those without cells among them.
        outcomes: What the gates say of the scores.
    """

    samples: tuple[Sample, ...]
    calibration: Calibration | None
    calibration_stored: bool
    regions: tuple[RegionResult, ...]
    responses: tuple[Response, ...]
    sliced_response: SlicedResponse | None
    averages: tuple[AverageShower, ...]
    image: ShowerImage | None
    spectrum: Spectrum
    interpolations: tuple[Interpolation, Interpolation]
    phi_modulation: PhiModulationResult | None
    slices: tuple[SlicesResult, ...]
    classifier: ClassifierResult | None
    missing: tuple[str, ...]
    provenance: Provenance
    scored: tuple[ScoredSample, ...] = ()
    outcomes: tuple[GateOutcome, ...] = ()


def collect_report(
    files: ReportFiles,
    *,
    table: CellTable | None = None,
    settings: Mapping[str, object] | None = None,
    track: Track = silently,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Read all files and compare what is in them.

    Args:
        files: The files.
        table: The cells of the detector; the built-in barrel if none is given.
        settings: Settings of the command, for the provenance.
        track: Shows the progress over showers.
        progress: Called with one line at each step.

    Returns:
        Everything in the report.

    Raises:
        ModuleNotFoundError: If a classifier is wanted and torch is not installed.
        ValueError: If a dataset cannot be evaluated.
    """
    say = progress or (lambda text: None)
    report = _collect_cells(files, table, track, say)
    report = _add_voxels(report, files, say)
    say("Hashing files")
    return replace(report, provenance=collect_provenance(files.roles(), settings))


def _collect_cells(
    files: ReportFiles, table: CellTable | None, track: Track, say: Callable[[str], None]
) -> Report:
    """Collect all but the comparisons of voxels and the provenance."""
    samples: list[Sample] = []
    calibration, stored = None, False
    simulated, notes = _with_cells(files)
    if simulated is not None:
        samples, calibration, stored = read_samples(
            files.reference, simulated, table=table, track=track
        )
        say("Comparing showers")
    regions = {
        str(region): compare_region(samples[0], samples[1:], region)
        for region in REGIONS
        if samples
    }
    averages = _distinct_averages(samples)
    responses = _responses(samples)
    known = tuple(response for response in responses if response is not None)
    sliced = None
    if responses and responses[0] is not None:
        sliced = slice_response(samples, responses[0].energies)
    missing = _missing(files, regions, samples, responses, sliced) if samples else ()
    curves = files.phi_modulation
    return Report(
        samples=tuple(samples),
        calibration=calibration,
        calibration_stored=stored,
        regions=tuple(result for result in regions.values() if result is not None),
        responses=known,
        sliced_response=sliced,
        averages=averages,
        image=None if files.hits is None else _read_image(files.hits),
        spectrum=draw_spectrum(_N_SPECTRUM, seed=SEED),
        interpolations=draw_interpolations(_N_RADII, seed=SEED),
        phi_modulation=None if curves is None else evaluate_phi_modulation(curves, table=table),
        slices=(),
        classifier=None,
        missing=(*notes, *missing),
        provenance=Provenance((), {}, {}),
    )


def _with_cells(files: ReportFiles) -> tuple[Mapping[str, Sequence[Path]] | None, list[str]]:
    """Find the simulations with cells; none at all where the reference has none to compare."""
    if not files.simulated:
        return ({} if files.reference else None), []
    of_reference = _without_cells(REFERENCE_LABEL, files.reference)
    found = {label: _without_cells(label, paths) for label, paths in files.simulated.items()}
    notes = [*of_reference, *(note for lines in found.values() for note in lines)]
    kept = {label: paths for label, paths in files.simulated.items() if not found[label]}
    return (None if of_reference else kept), notes


def _without_cells(label: str, paths: Sequence[Path]) -> list[str]:
    return [
        f"Shower shapes: {path.name} has no cell energies: {label} is left out"
        for path in paths
        if not has_cells(path)
    ]


def _missing(
    files: ReportFiles,
    regions: Mapping[str, RegionResult | None],
    samples: Sequence[Sample],
    responses: Sequence[Response | None],
    sliced: SlicedResponse | None,
) -> Iterator[str]:
    """Name what the files do not allow, and why."""
    for name, result in regions.items():
        if result is None:
            yield f"{name}: the reference has too few events"
            continue
        for entry in result.observables[0].simulated:
            if entry.histogram.total == 0:
                yield f"{entry.label} at {name}: it has no events there"
    if files.hits is None:
        yield "One shower with the grid over it: no hits file was given"
    if not any(sample.averages for sample in samples):
        yield "Average showers: no region has events"
    for sample, response in zip(samples, responses, strict=True):
        if response is None:
            yield f"E_tot / E_kin of {sample.label}: no event has enough energy"
    for low, high in () if sliced is None else sliced.too_few:
        yield f"E_tot / E_kin at {low:g} ≤ |η| < {high:g}: the reference has too few events"


def _add_voxels(report: Report, files: ReportFiles, say: Callable[[str], None]) -> Report:
    """Add the comparisons of voxels to a report."""
    missing = list(report.missing)
    results: tuple[SlicesResult, ...] = ()
    if files.slices is not None:
        say("Comparing energies in slices")
        drawn = (sample.label for sample in report.samples[1:])
        order = list(dict.fromkeys([*drawn, *files.simulated, *files.slices.simulated]))
        results = slice_datasets(files.slices.reference, files.slices.simulated, order)
        missing += [
            f"E_tot at {result.eta_range}: the reference has too few showers"
            + "".join(f", 2^{exponent} MeV" for exponent in result.too_few)
            for result in results
            if result.too_few or not result.slices
        ]
    tested = None
    if files.classifier is not None:
        tested = classify_samples(files.classifier, progress=say)
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
