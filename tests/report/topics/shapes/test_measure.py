from dataclasses import replace

import numpy as np
import pytest

from calovox.report.layers import LayerFractions
from calovox.report.topics.shapes.measure import (
    RegionResult,
    compare_region,
    match_events,
    measure_shapes,
)
from calovox.samples.files import EvaluationFiles
from calovox.samples.regions import CENTRAL, REGIONS
from calovox.samples.sample import OBSERVABLES
from calovox.samples.samples import read_samples


@pytest.fixture(scope="module")
def samples(datasets):
    simulated = {name: [datasets[name]] for name in ("optimal", "regular")}
    files = EvaluationFiles(reference=[datasets["reference"]], simulated=simulated)
    return read_samples(files).reconstructed


def test_reference_against_itself_has_no_difference(samples):
    result = compare_region(samples[0], [replace(samples[0], label="same")], CENTRAL)
    assert [entry.name for entry in result.observables] == [entry.name for entry in OBSERVABLES]
    for entry in result.observables:
        assert entry.simulated[0].chi2.value == 0.0
        assert entry.simulated[0].paired.mean == 0.0
        assert entry.simulated[0].paired.rms_difference == 0.0


def test_a_shifted_energy_is_seen(samples):
    shapes = replace(samples[0].shapes, e_raw=0.95 * samples[0].shapes.e_raw)
    shifted = replace(samples[0], label="shifted", shapes=shapes)
    result = compare_region(samples[0], [shifted], CENTRAL)
    paired = result.observables[0].simulated[0].paired
    assert paired.mean == pytest.approx(-0.05 * 0.97 * 65e3, rel=0.02)
    assert result.observables[0].simulated[0].chi2.reduced > 3.0


def test_energies_are_rescaled_to_the_region(samples):
    result = compare_region(samples[0], [], CENTRAL)
    edges = result.observables[0].reference.edges
    assert 0.9 * 65e3 < 0.5 * (edges[0] + edges[-1]) < 65e3


def test_regions_without_events_are_left_out(samples):
    results = [compare_region(samples[0], samples[1:], region) for region in REGIONS]
    assert [result is None for result in results] == [False] + [True] * (len(REGIONS) - 1)


def test_events_in_another_order_are_matched(samples):
    reference = samples[0]
    order = np.random.default_rng(2).permutation(len(reference))
    moved = replace(
        reference, energy=reference.energy[order], eta_center=reference.eta_center[order]
    )
    matches = match_events(reference, moved)
    np.testing.assert_array_equal(order[matches], np.arange(len(reference)))
    other = replace(moved, eta_center=moved.eta_center + 1e-9)
    assert np.all(match_events(reference, other) == -1)


def test_regions_without_events_and_samples_without_cells_are_named(datasets):
    simulated = {"bare": [datasets["without_cells"]], "optimal": [datasets["optimal"]]}
    files = EvaluationFiles(reference=[datasets["reference"]], simulated=simulated)
    found = measure_shapes(read_samples(files))
    assert [result.region for result in found.regions] == [CENTRAL]
    assert "bare is left out" in found.missing[0]
    assert f"{REGIONS[1]}: the reference has too few events" in found.missing


def test_nothing_is_shown_without_a_reference():
    assert "no reference" in measure_shapes(read_samples(EvaluationFiles())).missing[0]


def test_scores_of_regions_are_those_of_the_comparison(written):
    part = next(part for part in written[0].parts if part.topic.name == "shapes")
    scores = part.scores
    (first, *_) = scores.select(sample="regular", feature="r_eta")
    (entry,) = (o for o in part.result.regions[0].observables if o.name == "r_eta")
    assert first.value == entry.simulated[1].chi2.reduced
    assert first.floor == entry.simulated[1].tested.floor
    assert first.bin == "65 GeV, 0.20 < |η| < 0.25"


@pytest.mark.parametrize(
    ("numbers", "words"),
    [((0, 1, 2, 3, 12), "width in eta in EMB1"), ((4, 7), "width in eta in the strips")],
)
def test_observables_name_the_layers_of_the_barrel_in_the_barrel_alone(numbers, words):
    nothing = np.zeros(len(numbers))
    fractions = (LayerFractions("toy", numbers, 0, nothing, nothing),)
    region = RegionResult(CENTRAL, 0, (), fractions)
    assert words in [region.describe(variable) for variable in OBSERVABLES]
