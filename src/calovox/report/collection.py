"""Everything in a report, collected from its files before anything is drawn.

Shower shapes need datasets with cells; voxels alone suffice for the slices of energy and for the
classifier, which may be given other files. What the files do not allow is named, with the reason.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from calovox.reconstruction import Calibration
from calovox.report.provenance import Provenance, collect_provenance
from calovox.report.topics.energy_slices.measure import SlicesResult, slice_samples
from calovox.report.topics.inputs.measure import (
    Interpolation,
    Spectrum,
    draw_interpolations,
    draw_spectrum,
)
from calovox.report.topics.phi_modulation.measure import (
    PhiModulationResult,
    evaluate_phi_modulation,
)
from calovox.report.topics.response.measure import Response, measure_response
from calovox.report.topics.response.slices import SlicedResponse, slice_response
from calovox.report.topics.shapes.measure import RegionResult, compare_region
from calovox.samples.regions import REGIONS
from calovox.samples.sample import Sample
from calovox.samples.samples import Samples
from calovox.samples.showers import AverageShower, ShowerImage
from calovox.samples.tracking import Track, silently
from calovox.scores.classifiers.inputs import classify_samples
from calovox.scores.classifiers.network import ClassifierResult
from calovox.scores.gates.gates import GateOutcome
from calovox.scores.scoring import ScoredSample

__all__ = ["SEED", "Report", "collect_report"]

SEED: Final = 1
"""Seed of the spectrum and of the radii that the report draws."""

_N_SPECTRUM: Final = 4_050_000
_N_RADII: Final = 1_000_000


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
    samples: Samples,
    *,
    settings: Mapping[str, object] | None = None,
    track: Track = silently,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Compare all samples.

    Args:
        samples: The samples.
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
    report = _collect_cells(samples)
    report = _add_voxels(report, samples, track, say)
    say("Hashing files")
    return replace(report, provenance=collect_provenance(samples.files.roles(), settings))


def _collect_cells(judged: Samples) -> Report:
    """Collect all but the comparisons of voxels and the provenance."""
    samples = list(judged.reconstructed)
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
    missing = _missing(judged, regions, samples, responses, sliced) if samples else ()
    return Report(
        samples=tuple(samples),
        calibration=judged.calibration,
        calibration_stored=judged.calibration_stored,
        regions=tuple(result for result in regions.values() if result is not None),
        responses=known,
        sliced_response=sliced,
        averages=averages,
        image=judged.image,
        spectrum=draw_spectrum(_N_SPECTRUM, seed=SEED),
        interpolations=draw_interpolations(_N_RADII, seed=SEED),
        phi_modulation=None
        if judged.files.curve is None
        else evaluate_phi_modulation(judged.files.curve, judged.displaced),
        slices=(),
        classifier=None,
        missing=(*judged.left_out, *missing),
        provenance=Provenance((), {}, {}),
    )


def _missing(
    judged: Samples,
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
    if judged.image is None:
        yield "One shower with the grid over it: no hits file was given"
    if not any(sample.averages for sample in samples):
        yield "Average showers: no region has events"
    for sample, response in zip(samples, responses, strict=True):
        if response is None:
            yield f"E_tot / E_kin of {sample.label}: no event has enough energy"
    for low, high in () if sliced is None else sliced.too_few:
        yield f"E_tot / E_kin at {low:g} ≤ |η| < {high:g}: the reference has too few events"


def _add_voxels(
    report: Report, samples: Samples, track: Track, say: Callable[[str], None]
) -> Report:
    """Add the comparisons of voxels to a report."""
    missing = list(report.missing)
    results: tuple[SlicesResult, ...] = ()
    if samples.slices:
        say("Comparing energies in slices")
        drawn = (sample.label for sample in report.samples[1:])
        others = (sample.label for sample in samples.slices[1:])
        order = list(dict.fromkeys([*drawn, *samples.files.simulated, *others]))
        results = slice_samples(samples.slices, order)
        missing += [
            f"E_tot at {result.eta_range}: the reference has too few showers"
            + "".join(f", 2^{exponent} MeV" for exponent in result.too_few)
            for result in results
            if result.too_few or not result.slices
        ]
    tested = None
    if samples.classifier:
        tested = classify_samples(samples.classifier, track=track, progress=say)
    return replace(report, slices=results, classifier=tested, missing=tuple(missing))


def _responses(samples: list[Sample]) -> list[Response | None]:
    if not samples:
        return []
    first = measure_response(samples[0])
    return [first, *(measure_response(sample, first) for sample in samples[1:])]


def _distinct_averages(samples: list[Sample]) -> tuple[AverageShower, ...]:
    chosen: list[AverageShower] = []
    for sample in samples:
        if sample.averages and all(sample.grid != other.grid for other in chosen):
            chosen.append(sample.averages[0])
    return tuple(chosen)
