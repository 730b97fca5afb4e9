from dataclasses import replace

import numpy as np
import pytest

from calovox.report.comparison import FEWEST_EVENTS
from calovox.report.topics.energy_slices.draw import slices_figure, slices_summary_figure
from calovox.report.topics.energy_slices.measure import (
    SLICE_RANGES,
    compare_slices,
    slice_samples,
)
from calovox.report.topics.energy_slices.page import page_slices
from calovox.samples.files import EvaluationFiles, SampleFiles
from calovox.samples.samples import Samples, read_samples
from calovox.samples.totals import TotalEnergies

CENTRAL, TRANSITION = SLICE_RANGES


def sample(energies, seed, *, shift=0.0, width=0.02, eta=0.22, place=0):
    rng = np.random.default_rng(seed)
    energies = np.asarray(energies, dtype=np.float64)
    signs = rng.choice([-1.0, 1.0], len(energies))
    ratio = rng.normal(0.98 + shift, width, len(energies))
    return TotalEnergies("toy", energies, signs * eta, ratio, place)


def scan(exponents, n_showers):
    return np.repeat(2.0 ** np.asarray(exponents), n_showers)


def test_perfect_simulations_give_one_on_average():
    energies = scan(range(8, 13), 200)
    means = []
    for seed in range(12):
        pair = sample(energies, 2 * seed), sample(energies, 2 * seed + 1)
        (average,) = compare_slices(pair[0], pair[1:], CENTRAL).averages
        assert average.n_slices == 5
        means.append(average.mean)
    assert np.mean(means) == pytest.approx(1.0, abs=4 * average.error / np.sqrt(len(means)))
    assert np.std(means) == pytest.approx(average.error, rel=0.5)


def test_biases_are_seen_in_chi2_and_moments():
    energies = scan([10, 16], 200)
    result = compare_slices(sample(energies, 1), [sample(energies, 2, shift=0.02)], CENTRAL)
    assert result.averages[0].mean > 3.0
    for entry in result.slices:
        reference, simulated = entry.moments
        assert reference.n_events == simulated.n_events == 200
        error = np.hypot(reference.mean_error, simulated.mean_error)
        assert simulated.mean - reference.mean == pytest.approx(0.02, abs=4 * error)
        assert simulated.rms == pytest.approx(reference.rms, rel=0.25)


def test_slices_of_one_energy_hold_no_other_energies():
    energies = np.concatenate([scan([12], FEWEST_EVENTS), np.full(500, 1.1 * 2.0**12)])
    (entry,) = compare_slices(sample(energies, 3), [], CENTRAL).slices
    assert entry.single_energy
    assert entry.observable.reference.total == FEWEST_EVENTS


def test_slices_of_a_spectrum_reach_half_an_octave():
    energies = 2.0 ** np.linspace(9.5, 11.5, 2000, endpoint=False)
    result = compare_slices(sample(energies, 4), [], CENTRAL)
    assert [entry.exponent for entry in result.slices] == [10, 11]
    assert [entry.observable.reference.total for entry in result.slices] == [1000, 1000]
    assert not any(entry.single_energy for entry in result.slices)


def test_slices_with_few_showers_are_named():
    energies = np.concatenate([scan([9], 200), scan([14], FEWEST_EVENTS - 1)])
    result = compare_slices(sample(energies, 5), [sample(energies, 6)], CENTRAL)
    assert [entry.exponent for entry in result.slices] == [9]
    assert result.too_few == (14,)


def test_slices_without_simulated_showers_do_not_enter_the_mean():
    reference = sample(scan([9, 10], 200), 7)
    result = compare_slices(reference, [sample(scan([9], 200), 8)], CENTRAL)
    assert len(result.slices) == 2
    assert result.averages[0].n_slices == 1
    (context,) = page_slices([result])["slices"]
    assert context["rows"][0]["cells"][1] is None


def test_events_outside_the_range_do_not_count():
    result = compare_slices(sample(scan([9], 200), 9, eta=0.3), [], CENTRAL)
    assert result.slices == ()
    assert page_slices([result])["slices"] == []


def test_datasets_without_cells_suffice(datasets):
    slices = SampleFiles(datasets["without_cells"], {"b": datasets["regular"]})
    simulated = {"a": [datasets["optimal"]]}
    files = EvaluationFiles(reference=[datasets["reference"]], simulated=simulated, slices=slices)
    results = slice_samples(read_samples(files))
    (entry,) = results.ranges[0].slices
    assert entry.exponent == 16
    assert entry.observable.simulated[0].place == 1
    assert results.ranges[1].slices == ()
    assert results.missing[-1] == "E_tot at 0.75 < |η| < 0.85: the reference has too few showers"


def test_slices_are_not_shown_without_files():
    assert "--slices" in slice_samples(read_samples(EvaluationFiles())).missing[0]


def test_figures_have_a_panel_with_ratio_per_slice():
    energies = scan(range(8, 12), 60)
    simulated = [sample(energies, 11), sample(scan([8], 60), 12, place=1)]
    result = compare_slices(sample(energies, 10), simulated, TRANSITION)
    assert result.slices == ()
    result = compare_slices(sample(energies, 10), simulated, CENTRAL)
    assert len(slices_figure(result).axes) == 2 * len(result.slices) == 8
    figure = slices_summary_figure([result])
    assert len(figure.axes) == 3
    assert all(ax.get_ylabel() for ax in figure.axes)


def test_another_detector_has_ranges_of_its_own_and_no_note():
    energies = scan([12, 13], 200)
    pair = [
        replace(sample(energies, seed, eta=np.linspace(1.6, 1.7, 400)), label=name, layers=(0, 1))
        for seed, name in ((1, "Geant4"), (2, "toy"))
    ]
    result = slice_samples(Samples(files=EvaluationFiles(), slices=tuple(pair)))
    (entry,) = result.ranges
    assert str(entry.eta_range) == "1.60 < |η| < 1.71"
    assert [one.exponent for one in entry.slices] == [12, 13]
    page = page_slices(result.ranges)
    assert (page["with_note"], page["slices"][0]["note_chi2"]) == (False, None)
    texts = slices_summary_figure(result.ranges).legends[0].get_texts()
    assert not any("note" in text.get_text() for text in texts)
