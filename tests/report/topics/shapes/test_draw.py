import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from calovox.report.comparison import ObservableResult, SimulatedResult
from calovox.report.histograms import SMALLEST_CHI2
from calovox.report.topics.shapes.draw import (
    SMALLEST_SPREAD,
    plot_chi2,
    plot_shifts,
    plot_spreads,
    shapes_figure,
    summary_figure,
)
from calovox.report.topics.shapes.measure import RegionResult, compare_region
from calovox.samples.files import EvaluationFiles
from calovox.samples.regions import CENTRAL, REGIONS
from calovox.samples.sample import OBSERVABLES
from calovox.samples.samples import read_samples
from calovox.scores.averages import Paired
from calovox.scores.histograms import Chi2, Histogram
from calovox.scores.statistics import Floor
from tests.drawn import bars_of, check_marker, points_of, x_errors_of

HISTOGRAM = Histogram(np.arange(3.0), np.array([40, 60]), 0, 0)
FLOORS = ((0.7, 1.4), (0.6, 1.5))
# Per observable, of two simulations: chi2, then mean difference, its error, RMS of the difference
# and of the observable.
CHI2 = ((Chi2(12.0, 10), Chi2(90.0, 30)), (Chi2(0.1, 10), Chi2(0.0, 0)))
PAIRED = (
    ((0.03, 0.004, 0.2, 0.5), (-0.02, 0.003, 0.1, 0.4)),
    ((-3.0, 0.7, 0.08, 40.0), None),
)


def observable(row):
    simulated = tuple(
        SimulatedResult(f"s{place}", place, HISTOGRAM, chi2, None, paired and Paired(99, *paired))
        for place, (chi2, paired) in enumerate(zip(CHI2[row], PAIRED[row], strict=True))
    )
    return ObservableResult(f"o{row}", HISTOGRAM, Floor(1.0, *FLOORS[row], 100), simulated)


@pytest.fixture
def result():
    return RegionResult(CENTRAL, 100, (observable(0), observable(1)), ())


@pytest.fixture
def ax():
    return Figure().subplots()


def rows(position):
    return np.arange(2) + (-0.125, 0.125)[position]


def named(result):
    """The same result with names of real observables, as a whole figure needs."""
    pairs = zip(OBSERVABLES, result.observables, strict=False)
    return replace(result, observables=tuple(replace(e, name=o.name) for o, e in pairs))


def test_panels_of_shifts_say_how_many_simulations_they_leave_out(result):
    observables = tuple(
        replace(
            entry,
            simulated=(entry.simulated[0], replace(entry.simulated[1], paired=None)),
        )
        for entry in result.observables
    )
    whole, partly = (
        [ax.get_title() for ax in summary_figure(named(found)).axes]
        for found in (result, replace(result, observables=observables))
    )
    said = "1 of 2 simulations share no showers with Geant4"
    assert whole == ["", "", ""]
    assert partly == ["", said, said]


def test_chi2_is_drawn_beside_the_floor_of_each_observable(result, ax):
    floor, *points = plot_chi2(result, ax)
    left, right, bottom, top = bars_of(floor)
    assert_allclose(np.transpose([left, right]), FLOORS)
    assert_allclose(np.transpose([bottom, top]), [[-0.4, 0.4], [0.6, 1.4]])
    assert "halves" in floor.get_label()
    for position, expected in enumerate(([1.2, SMALLEST_CHI2], [3.0, np.nan])):
        x, y = points_of(points[position])
        assert_allclose(x, expected)
        assert_allclose(y, rows(position))
        check_marker(points[position], position)
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] < SMALLEST_CHI2
    assert ax.xaxis.get_major_formatter()(10.0) == "10"
    assert any(np.allclose(line.get_xdata(), 1.0) for line in ax.lines)
    assert "chi^2$/ndf" in ax.get_xlabel()


def test_shifts_are_drawn_in_per_cent_of_the_width_of_each_observable(result, ax):
    containers = plot_shifts(result, ax)
    expected = (([6.0, -7.5], [0.8, 1.75]), ([-5.0, np.nan], [0.75, np.nan]))
    for position, (container, (shift, error)) in enumerate(zip(containers, expected, strict=True)):
        x, y, low, high = x_errors_of(container)
        assert_allclose(x, shift)
        assert_allclose(y, rows(position))
        assert_allclose(low, np.subtract(shift, error))
        assert_allclose(high, np.add(shift, error))
        check_marker(container.lines[0], position)
    assert ax.get_xscale() == "symlog"
    assert ax.xaxis.get_major_formatter()(-10.0) in {"-10", "\N{MINUS SIGN}10"}
    assert np.allclose(ax.lines[0].get_xdata(), 0.0)
    assert "%" in ax.get_xlabel()


def test_spreads_are_drawn_in_per_cent_of_the_width_of_each_observable(result, ax):
    lines = plot_spreads(result, ax)
    expected = ([40.0, SMALLEST_SPREAD], [25.0, np.nan])
    for position, (line, spread) in enumerate(zip(lines, expected, strict=True)):
        x, y = points_of(line)
        assert_allclose(x, spread)
        assert_allclose(y, rows(position))
        check_marker(line, position)
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] < SMALLEST_SPREAD
    assert ax.xaxis.get_major_formatter()(10.0) == "10"
    assert "%" in ax.get_xlabel()


@pytest.fixture(scope="module")
def samples(datasets):
    simulated = {"optimal": [datasets["optimal"]]}
    files = EvaluationFiles(reference=[datasets["reference"]], simulated=simulated)
    return read_samples(files).reconstructed


def test_photons_of_one_energy_in_the_gap_are_drawn_without_rescaling(samples):
    (region,) = (entry for entry in REGIONS if entry.figure == "D.1")
    etas = np.random.default_rng(4).uniform(-0.05, 0.05, len(samples[0]))
    energies = np.full(len(etas), 2.0**16)
    alike = [replace(entry, energy=energies, eta_center=etas) for entry in samples]
    result = compare_region(alike[0], alike[1:], region)
    e_raw = result.observables[0].reference
    assert e_raw.total == len(etas)
    inside = (alike[0].shapes.e_raw >= e_raw.edges[0]) & (alike[0].shapes.e_raw <= e_raw.edges[-1])
    assert e_raw.counts.sum() == np.count_nonzero(inside)
    figure = shapes_figure(result)
    assert len(figure.axes) == 18
    assert "exactly 65.5 GeV, |η| < 0.05" in figure.texts[0].get_text()
    assert "scaled" not in figure.texts[0].get_text()


@pytest.mark.parametrize("name", ["$x_{$", r"a\b^$", "_under", "50 % <b>"])
def test_names_of_samples_are_drawn_as_they_are(samples, name):
    region = compare_region(samples[0], [replace(samples[1], label=name)], CENTRAL)
    figure = shapes_figure(region)
    figure.savefig(io.BytesIO())
    text = figure.legends[0].get_texts()[1]
    assert text.get_text().replace(r"\$", "$") == name
    assert not text._preprocess_math(text.get_text())[1]  # no formula
