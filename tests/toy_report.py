"""A report with every section and six simulations, made of few toy showers and invented scores."""

import base64
import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from calovox.report.collection import Report
from calovox.report.figure_list import report_figures
from calovox.report.pictures import Picture
from calovox.report.topics.energy_slices.measure import SLICE_RANGES, compare_slices
from calovox.report.topics.energy_slices.total_energies import TotalEnergies
from calovox.report.topics.phi_modulation.measure import PhiModulationResult
from calovox.report.topics.response.measure import measure_response
from calovox.report.topics.response.slices import slice_response
from calovox.report.topics.shapes.measure import compare_region
from calovox.samples.bins import event_bins
from calovox.samples.regions import CENTRAL
from calovox.scores.classifiers.network import N_SEEDS, Classification, ClassifierResult
from calovox.scores.table import Score, Scores

NAMES = ("BinnedShower", "FastCaloSimV2", "CaloCFM", "CaloDiT-2", "CaloDiT-2 in one step", "F")

_METRICS = {"separation": ("e_tot", "e_layer_2", "sparsity_12"), "precision": ("high-level",)}
_METRICS |= {"ks": ("e_tot", "w_eta1"), "auc": ("voxels", "high-level")}
_METRICS |= {"divergence": ("voxels", "high-level"), "copying": ("voxels",)}


def toy_report(report: Report, phi_modulation: PhiModulationResult) -> Report:
    """Fill all sections of a report that has one reference and two simulations or more."""
    reference = report.samples[0]
    copies = [report.samples[1 + place % 2] for place in range(len(NAMES))]
    samples = [reference, *(replace(s, label=n) for s, n in zip(copies, NAMES, strict=True))]
    region = compare_region(reference, samples[1:], CENTRAL)
    first = measure_response(reference)
    assert region is not None
    assert first is not None
    others = [measure_response(sample, first) for sample in samples[1:]]
    eta_slices = ((0.2, 0.22), (0.22, 0.25))
    return replace(
        report,
        samples=tuple(samples),
        regions=(region,),
        responses=(first, *(other for other in others if other is not None)),
        sliced_response=slice_response(
            samples, first.energies, gap_range=(0.2, 0.25), eta_slices=((0.2, 0.25), *eta_slices)
        ),
        slices=tuple(
            compare_slices(_totals("Geant4", 0), [_totals(*sim) for sim in _places()], eta_range)
            for eta_range in SLICE_RANGES
        ),
        classifier=replace(_classifier(0.6), high_level=_classifier(0.7)),
        phi_modulation=phi_modulation,
    )


def toy_scores(samples: Sequence[str] = NAMES) -> Scores:
    """Invent scores of several metrics in all bins; later samples are farther from the floor."""
    rows = []
    for place, sample in enumerate(samples):
        for metric, features in _METRICS.items():
            bins = event_bins(with_eta=True)
            for feature in features:
                rows += [
                    Score(
                        *(sample, metric, feature, entry.energy_name, entry.eta_name),
                        *(0.01 + 0.004 * place, 0.001, 0.01, 0.001, 400, 400, 0.5),
                    )
                    for entry in bins
                ]
    return Scores(tuple(rows))


def toy_pictures(report: Report) -> dict[str, Picture]:
    """Give each figure of a report a blank picture."""
    content = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(content, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode("ascii")
    return {name: Picture(uri, 1094, 700) for name, _ in report_figures(report)}


def _places() -> list[tuple[str, int]]:
    return [(name, place) for place, name in enumerate(NAMES)]


def _totals(label: str, place: int) -> TotalEnergies:
    rng = np.random.default_rng(place)
    energy = np.repeat(2.0 ** np.arange(8, 23), 120)
    etas = np.tile([0.22, 0.8], len(energy) // 2)
    return TotalEnergies(label, energy, etas, rng.normal(0.98, 0.02, len(energy)), place)


def _classifier(auc: float) -> ClassifierResult:
    def entry(label: str, mean: float) -> Classification:
        areas = mean + 0.01 * np.arange(N_SEEDS)
        errors = np.full(N_SEEDS, 0.02)
        return Classification(label, 800, areas, errors, 0.1 * areas, errors)

    return ClassifierResult(entry("Geant4 halves", 0.5), tuple(entry(name, auc) for name in NAMES))
