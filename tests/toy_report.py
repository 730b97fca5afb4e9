"""A report with every section and six simulations, made of few toy showers and invented scores."""

import base64
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from calovox.report.comparison import compare_values
from calovox.report.contents import appendices, summaries, topics
from calovox.report.pictures import Picture
from calovox.report.topic import Measured, Topic
from calovox.report.topics.classifier import ClassifierTopic
from calovox.report.topics.referee import RefereeTopic
from calovox.report.topics.referee.measure import JudgedGroup, RefereeTopicResult, SeenHistogram
from calovox.report.topics.response import ResponseTopic
from calovox.report.topics.response.slices import slice_response
from calovox.samples.bins import event_bins
from calovox.samples.observables.table import Observable
from calovox.samples.samples import Samples
from calovox.samples.totals import TotalEnergies
from calovox.scores.classifiers.network import N_SEEDS, Classification, ClassifierResult
from calovox.scores.gates.gates import Gate, check_gates
from calovox.scores.referee.judge import TreeTest
from calovox.scores.referee.learning_curve import Extrapolation, LearningCurve, LearningPoint
from calovox.scores.referee.seen import SeenObservable
from calovox.scores.referee.trees import TreeAreas
from calovox.scores.referee.verdict import RefereeResult, SampleVerdict, Seen
from calovox.scores.table import Score, Scores
from calovox.tracking import silently

NAMES = ("BinnedShower", "FastCaloSimV2", "CaloCFM", "CaloDiT-2", "CaloDiT-2 in one step", "F")

_METRICS = {"separation": ("e_tot", "e_layer_2", "sparsity_12"), "precision": ("high-level",)}
_METRICS |= {"ks": ("e_tot", "w_eta1"), "auc": ("voxels", "high-level")}
_METRICS |= {"tree_auc": ("all cells, noise",), "largest_auc": ("trees: voxels",)}
_METRICS |= {"divergence": ("voxels", "high-level"), "copying": ("voxels",)}


def toy_samples(samples: Samples, curves: Samples) -> Samples:
    """Make six simulations of two, and add what all sections need."""
    reference, *others = samples.reconstructed
    copies = [others[place % 2] for place in range(len(NAMES))]
    judged = {reference.label: reference}
    judged |= {name: replace(copy, label=name) for copy, name in zip(copies, NAMES, strict=True)}
    files = replace(samples.files, simulated=dict.fromkeys(NAMES, ()), curve=curves.files.curve)
    observed = {
        name: samples.observed[sample.label]
        for name, sample in zip((reference.label, *NAMES), (reference, *copies), strict=True)
    }
    totals = (_totals(name, place) for place, name in enumerate(("Geant4", *NAMES)))
    return replace(
        samples,
        files=files,
        judged=judged,
        observed=observed,
        displaced=curves.displaced,
        slices=tuple(totals),
    )


def all_topics() -> list[Topic[Any]]:
    """List the topics of a report on nothing."""
    front = summaries(Scores(), (), (), ())
    return [*front, *topics(silently, print), *appendices({})]


def toy_parts(samples: Samples) -> list[Measured[Any]]:
    """Measure all topics; scores, the classifier and narrow slices of eta are invented."""
    found = [_measure(topic, samples) for topic in topics(silently, print)]
    scores = toy_scores()
    gates = (Gate(metric="ks", above_floor=0.01), Gate(metric="frechet", p_value=0.01))
    front = summaries(scores, check_gates(gates, scores), (), ("Something: it is not there",))
    rest = appendices({"reference": "reference.h5"})
    both = ([_measure(topic, samples) for topic in part] for part in (front, rest))
    first, last = both
    return [*first, *found, *last]


def _measure(topic: Topic[Any], samples: Samples) -> Measured[Any]:
    if isinstance(topic, ClassifierTopic):
        return Measured(topic, replace(_classifier(0.6), high_level=_classifier(0.7)))
    if isinstance(topic, RefereeTopic):
        return Measured(topic, toy_referee())
    result = topic.measure(samples)
    if isinstance(topic, ResponseTopic):
        slices = ((0.2, 0.25), (0.2, 0.22), (0.22, 0.25))
        energies = result.responses[0].energies
        sliced = slice_response(
            samples.reconstructed, energies, gap_range=(0.2, 0.25), eta_slices=slices
        )
        result = replace(result, sliced=sliced)
    return Measured(topic, result)


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


def blank_picture(figure: Figure, folder: Path, name: str) -> Picture:
    """Write empty files in place of a figure."""
    for kind in ("png", "svg"):
        (folder / f"{name}.{kind}").touch()
    return Picture("data:,", 1094, 700)


def toy_pictures(parts: Sequence[Measured[Any]]) -> dict[str, Picture]:
    """Give each figure of a report a blank picture."""
    content = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(content, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode("ascii")
    names = (name for part in parts for name, _ in part.figures())
    return {name: Picture(uri, 1094, 700) for name in names}


def _totals(label: str, place: int) -> TotalEnergies:
    rng = np.random.default_rng(place)
    energy = np.repeat(2.0 ** np.arange(8, 23), 120)
    etas = np.tile([0.22, 0.8], len(energy) // 2)
    return TotalEnergies(label, energy, etas, rng.normal(0.98, 0.02, len(energy)))


def toy_referee() -> RefereeTopicResult:
    """Invent verdicts of boosted trees on all samples."""

    def areas(auc: float, n_showers: int = 1500) -> TreeAreas:
        return TreeAreas(np.array([auc]), np.array([0.01]), n_showers, n_showers)

    points = tuple(LearningPoint(n, 0.65 - n**-0.5, 0.02) for n in (375, 750, 1500))
    curve = LearningCurve(points, Extrapolation(0.65, 0.03))
    names = (Observable("center_eta_2", "energy centre", "mm"), Observable("width_r_1", "width"))
    seen = Seen(
        "voxel observables",
        (
            SeenObservable(names[0], 0.1, 0.01, 0.2, 0.02, 1.1, 0.02, 0.7),
            SeenObservable(names[1], 0.05, 0.01, -0.1, 0.02, 1.0, 0.02, float("nan")),
        ),
    )
    tests = (
        TreeTest("all cells, noise", areas(0.62), curve),
        TreeTest("voxel observables", areas(0.8)),
    )
    verdicts = tuple(SampleVerdict(name, 1500, True, tests, (seen,)) for name in NAMES)
    floors = {test.inputs: areas(0.5) for test in tests}
    places = {name: place for place, name in enumerate(NAMES)}
    rng = np.random.default_rng(1)
    values = [rng.normal(size=300) for _ in range(len(NAMES) + 1)]
    histograms = tuple(
        SeenHistogram(
            "voxel observables", name, compare_values(name.name, values, list(places.items()))
        )
        for name in names
    )
    result = RefereeResult(1.0, 1, floors, verdicts)
    group = JudgedGroup("samples", "Samples of the report", result, places, histograms)
    return RefereeTopicResult((group,), ())


def _classifier(auc: float) -> ClassifierResult:
    def entry(label: str, mean: float) -> Classification:
        areas = mean + 0.01 * np.arange(N_SEEDS)
        errors = np.full(N_SEEDS, 0.02)
        return Classification(label, 800, areas, errors, 0.1 * areas, errors)

    return ClassifierResult(entry("Geant4 halves", 0.5), tuple(entry(name, auc) for name in NAMES))
