import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from calovox.report.comparison import ObservableResult, SimulatedResult
from calovox.report.histograms import BAND_COLOR, SMALLEST_CHI2
from calovox.report.topics.energy_slices.draw import (
    plot_slice_chi2,
    plot_slice_means,
    plot_slice_widths,
)
from calovox.report.topics.energy_slices.measure import (
    EnergySlice,
    EtaRange,
    Moments,
    SlicesResult,
)
from calovox.scores.histograms import Chi2, Histogram
from calovox.scores.statistics import Floor
from tests.drawn import bars_of, check_marker, points_of, y_errors_of

EXPONENTS = np.array([8, 10, 13])
PLACES = (2, 8)
OFFSETS = (-0.125, 0.125)  # two simulations share the middle half of a slice
HISTOGRAM = Histogram(np.arange(3.0), np.array([40, 60]), 0, 0)

# One row per slice: mean, its error, RMS, its error of the reference and of two simulations.
REFERENCE = np.array(
    [[0.91, 0.011, 0.20, 0.013], [0.93, 0.007, 0.10, 0.005], [0.97, 0.002, 0.04, 0.003]]
)
FIRST = np.array(
    [[0.95, 0.017, 0.22, 0.019], [0.90, 0.008, 0.09, 0.006], [0.98, 0.004, 0.05, 0.001]]
)
SECOND = np.array(
    [[0.88, 0.015, 0.17, 0.012], [0.94, 0.009, 0.12, 0.004], [0.96, 0.003, 0.06, 0.002]]
)
CHI2 = np.array([[12.0, 28.0, 0.05], [45.0, 9.0, 33.0]])
NDF = np.array([[10, 20, 10], [15, 0, 11]])
FLOORS = np.array([[0.7, 1.4], [0.6, 1.3], [0.8, 1.7]])


def slice_of(row):
    simulated = tuple(
        SimulatedResult(
            f"s{place}", place, HISTOGRAM, Chi2(CHI2[i, row], int(NDF[i, row])), None, None
        )
        for i, place in enumerate(PLACES)
    )
    floor = Floor(1.0, *(float(end) for end in FLOORS[row]), 100)
    moments = tuple(
        Moments(name, 100, *(float(value) for value in values[row]))
        for name, values in (("Geant4", REFERENCE), ("s2", FIRST), ("s8", SECOND))
    )
    observable = ObservableResult("e_tot_over_e_kin", HISTOGRAM, floor, simulated)
    return EnergySlice(int(EXPONENTS[row]), True, observable, moments)


@pytest.fixture
def result():
    eta_range = EtaRange("central", 0.2, 0.25, figure="C.1", note_chi2=1.6)
    return SlicesResult(eta_range, tuple(slice_of(row) for row in range(3)), (), 1.0, ())


@pytest.fixture
def ax():
    return Figure().subplots()


def check_band(band, low, high):
    left, right, bottom, top = bars_of(band)
    assert_allclose(left, 2.0 ** (EXPONENTS - 0.5) / 1e3)
    assert_allclose(right, 2.0 ** (EXPONENTS + 0.5) / 1e3)
    assert_allclose(bottom, low)
    assert_allclose(top, high)
    assert to_rgba(band[0].get_facecolor()) == to_rgba(BAND_COLOR)


def check_energies(x, position):
    assert_allclose(x, 2.0 ** (EXPONENTS + OFFSETS[position]) / 1e3)


def check_axis(ax):
    assert ax.get_xscale() == "log"
    assert_allclose(ax.get_xlim(), [2.0**7.5 / 1e3, 2.0**13.5 / 1e3])
    assert ax.xaxis.get_major_formatter()(0.5) == "0.5"


def test_chi2_of_slices_are_drawn_beside_the_floor_and_that_of_the_note(result, ax):
    band, one, note, *points = plot_slice_chi2(result, ax)
    check_band(band, FLOORS[:, 0], FLOORS[:, 1])
    assert_allclose(one.get_ydata(), 1.0)
    assert_allclose(note.get_ydata(), 1.6)
    assert note.get_linestyle() == ":"
    expected = ([1.2, 1.4, SMALLEST_CHI2], [3.0, np.nan, 3.0])
    for position, (line, values) in enumerate(zip(points, expected, strict=True)):
        x, y = points_of(line)
        check_energies(x, position)
        assert_allclose(y, values)
        check_marker(line, PLACES[position])
    check_axis(ax)
    assert ax.get_yscale() == "log"
    assert ax.yaxis.get_major_formatter()(2.0) == "2"
    assert ax.yaxis.get_minor_formatter()(3.0) == ""
    assert "chi^2$/ndf" in ax.get_ylabel()


def test_mean_shifts_of_slices_are_drawn_in_per_cent_of_the_width_of_the_reference(result, ax):
    band, zero, *points = plot_slice_means(result, ax)
    mean, mean_error, rms, _ = REFERENCE.T
    check_band(band, -100 * mean_error / rms, 100 * mean_error / rms)
    assert_allclose(zero.get_ydata(), 0.0)
    for position, (container, values) in enumerate(zip(points, (FIRST, SECOND), strict=True)):
        x, y, low, high = y_errors_of(container)
        check_energies(x, position)
        assert_allclose(y, 100 * (values[:, 0] - mean) / rms)
        assert_allclose(high - y, 100 * values[:, 1] / rms)
        assert_allclose(y - low, 100 * values[:, 1] / rms)
        check_marker(container.lines[0], PLACES[position])
    check_axis(ax)
    assert "%" in ax.get_ylabel()


def test_widths_of_slices_are_drawn_over_that_of_the_reference(result, ax):
    band, one, *points = plot_slice_widths(result, ax)
    _, _, rms, rms_error = REFERENCE.T
    check_band(band, 1 - rms_error / rms, 1 + rms_error / rms)
    assert_allclose(one.get_ydata(), 1.0)
    for position, (container, values) in enumerate(zip(points, (FIRST, SECOND), strict=True)):
        x, y, low, high = y_errors_of(container)
        check_energies(x, position)
        assert_allclose(y, values[:, 2] / rms)
        assert_allclose(high - y, values[:, 3] / rms)
        assert_allclose(y - low, values[:, 3] / rms)
        check_marker(container.lines[0], PLACES[position])
    check_axis(ax)
    assert "over" in ax.get_ylabel()
    assert "[GeV]" in ax.get_xlabel()
