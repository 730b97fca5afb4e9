from dataclasses import replace

import numpy as np
import pytest

from calovox.report.topics.shapes.measure import compare_region, match_events
from calovox.samples.regions import CENTRAL, REGIONS
from calovox.samples.sample import OBSERVABLES, read_sample, read_samples


@pytest.fixture(scope="module")
def samples(datasets):
    simulated = {name: [datasets[name]] for name in ("optimal", "regular")}
    return read_samples([datasets["reference"]], simulated)[0]


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


def test_layer_fractions_sum_to_one(samples):
    result = compare_region(samples[0], samples[1:], CENTRAL)
    assert [entry.label for entry in result.fractions] == ["Geant4", "optimal", "regular"]
    for entry in result.fractions:
        assert entry.mean.sum() == pytest.approx(1.0)
        assert entry.as_expected[1]


def test_samples_share_one_calibration(samples, datasets):
    simulated, calibration, stored = read_samples([datasets["reference"]], {})
    assert not stored
    np.testing.assert_array_equal(simulated[0].shapes.e_cal, samples[0].shapes.e_cal)
    shapes = samples[1].shapes
    np.testing.assert_array_equal(shapes.calibrated(calibration).e_cal, shapes.e_cal)


def test_dataset_without_cells_is_refused(datasets):
    with pytest.raises(ValueError, match="has no cell energies"):
        read_sample([datasets["without_cells"]], "x")


def test_cells_of_another_table_are_refused(datasets):
    from calovox.geometry import barrel_cells

    with pytest.raises(ValueError, match="table 'other', got those of 'barrel'"):
        read_sample([datasets["reference"]], "x", table=replace(barrel_cells(), name="other"))


def test_name_of_the_reference_is_refused(datasets):
    with pytest.raises(ValueError, match="'Geant4' is the reference"):
        read_samples([datasets["reference"]], {"Geant4": [datasets["optimal"]]})


def test_files_of_one_sample_are_read_one_after_the_other(samples, datasets):
    joined = read_sample([datasets["reference"], datasets["optimal"]], "both")
    n_events = len(samples[0])
    np.testing.assert_array_equal(joined.shapes.e_raw[:n_events], samples[0].shapes.e_raw)
    np.testing.assert_array_equal(joined.shapes.e_raw[n_events:], samples[1].shapes.e_raw)
    assert joined.averages[0].n_events == 2 * samples[0].averages[0].n_events


def test_files_of_one_sample_have_one_grid_and_differ(datasets):
    with pytest.raises(ValueError, match="with which it forms one sample, got 'regular'"):
        read_sample([datasets["reference"], datasets["regular"]], "x")
    with pytest.raises(ValueError, match="each file once"):
        read_sample([datasets["reference"], datasets["reference"]], "x")
