import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from calovox.geometry import BARREL_NAMES
from calovox.phi_modulation import MODULATED_LAYERS, PERIOD, PhiModulation
from calovox.phi_modulation.average_shower import AverageProfile
from calovox.phi_modulation.fit import FitResult
from calovox.report.comparison import ObservableResult
from calovox.report.histograms import BAND_COLOR
from calovox.report.topics.phi_modulation.draw import (
    plot_average_profile,
    plot_curves,
    plot_loss,
    plot_phase_response,
    plot_widths,
)
from calovox.report.topics.phi_modulation.measure import EnergyTest, EnergyWidth
from calovox.scores.histograms import Histogram
from calovox.scores.statistics import Floor
from tests.drawn import band_of, check_marker, legend_of, points_of, stairs_of, y_errors_of

N_BINS = 6
MILLIRADIAN = 1e-3
SHAPE = (2, len(MODULATED_LAYERS), N_BINS)
RNG = np.random.default_rng(3)
VALUES = RNG.uniform(0.9, 1.1, SHAPE)
UNCERTAINTIES = RNG.uniform(0.01, 0.02, SHAPE)
TRUTH = PhiModulation(RNG.uniform(0.9, 1.1, (1, 4, 3)), np.array([0.0, 1.4]))
LEARNED = PhiModulation(VALUES, np.array([0.0, 0.8, 1.4]), UNCERTAINTIES)
PHASES = (np.arange(4) + 0.5) * PERIOD / 4


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture
def fit():
    response = [
        np.array([[0.9, 0.92, 0.95, 0.91], [0.8, 0.84, 0.88, 0.82]]) + k for k in (0, 0.03)
    ]
    error = np.array([[0.001, 0.002, 0.003, 0.004], [0.005, 0.006, 0.007, 0.008]])
    loss = np.array([[0.5, 0.4, 0.3], [0.6, 0.2, 0.1]])
    return FitResult(LEARNED, loss, PHASES, response[0], response[1] ** 2, error, (10, 10), ())


def check_period(ax):
    assert_allclose(ax.get_xlim(), [0.0, PERIOD / MILLIRADIAN])
    assert "[mrad]" in ax.get_xlabel()


def check_headroom(ax, artists):
    """Check that what is drawn leaves room for the legend above, and a little below."""
    values = np.concatenate([np.ravel(v) for v in artists])
    place = ax.transAxes.inverted().transform(
        ax.transData.transform([[0.0, values.min()], [0.0, values.max()]])
    )[:, 1]
    assert 0.0 <= place[0] < 0.1
    assert 0.65 < place[1] < 0.85


def test_average_shower_is_drawn_in_per_cent_per_milliradian_for_each_phase(ax):
    edges = np.linspace(-2.5, 2.5, 5) * PERIOD
    phase_edges = np.array([-0.003, -0.001, 0.003])
    density = np.array([[1.0, 3.0, 2.0, 0.5], [0.4, 2.5, 3.5, 1.5]])
    average = AverageProfile(edges, phase_edges, density, np.array([5, 5]))
    artists = plot_average_profile(average, ax)
    borders, lines = artists[:5], artists[5:]
    places = [points_of(border)[0][0] for border in borders]
    assert_allclose(places, np.arange(-2, 3) * PERIOD / MILLIRADIAN)
    for line, row in zip(lines, density, strict=True):
        assert_allclose(stairs_of(line)[0], row * MILLIRADIAN * 100)
        assert_allclose(stairs_of(line)[1], edges / MILLIRADIAN)
    assert len({to_rgba(line.get_edgecolor()) for line in lines}) == 2
    assert legend_of(ax) == ["−3.0 to −1.0", "−1.0 to 3.0"]
    assert "[mrad]" in ax.get_legend().get_title().get_text()
    assert_allclose(ax.get_xlim(), edges[[0, -1]] / MILLIRADIAN)
    assert ax.get_ylim()[0] == 0.0
    assert "[mrad]" in ax.get_xlabel()
    assert "[%/mrad]" in ax.get_ylabel()


@pytest.mark.parametrize("eta_range", [0, 1])
def test_response_to_the_phase_is_drawn_in_per_cent_around_its_mean(ax, fit, eta_range):
    zero, *artists = plot_phase_response(fit, eta_range, ax)
    assert_allclose(zero.get_ydata(), 0.0)
    error = 100 * fit.response_error[eta_range]
    drawn = []
    for band, line, values in (
        (*artists[:2], fit.response_before[eta_range]),
        (*artists[2:], fit.response_after[eta_range]),
    ):
        relative = 100 * (values - values.mean()) / values.mean()
        assert_allclose(points_of(line), [PHASES / MILLIRADIAN, relative])
        x, low, high = band_of(band)
        assert_allclose(x, PHASES / MILLIRADIAN)
        assert_allclose(low, relative - error)
        assert_allclose(high, relative + error)
        assert to_rgba(band.get_facecolor()[0], 1) == to_rgba(line.get_color())
        drawn += [low, high]
    assert to_rgba(artists[1].get_color()) != to_rgba(artists[3].get_color())
    assert legend_of(ax) == ["as measured", "modulation removed"]
    check_period(ax)
    check_headroom(ax, drawn)
    assert "[%]" in ax.get_ylabel()


@pytest.mark.parametrize("eta_range", [0, 1])
def test_curves_are_drawn_with_uncertainties_and_the_generators(ax, eta_range):
    artists = plot_curves(LEARNED, TRUTH, eta_range, ax)
    drawn, colors = [], set()
    for row in range(len(MODULATED_LAYERS)):
        band, line, dashed = artists[3 * row : 3 * row + 3]
        curve, error = VALUES[eta_range, row], UNCERTAINTIES[eta_range, row]
        assert_allclose(points_of(line), [LEARNED.phases / MILLIRADIAN, curve])
        x, low, high = band_of(band)
        assert_allclose(x, LEARNED.phases / MILLIRADIAN)
        assert_allclose(low, curve - error)
        assert_allclose(high, curve + error)
        true_phases = TRUTH.phases / MILLIRADIAN
        assert_allclose(points_of(dashed), [true_phases, TRUTH.values[0, row]])
        assert [line.get_linestyle(), dashed.get_linestyle()] == ["-", "--"]
        assert line.get_color() == dashed.get_color()
        assert to_rgba(band.get_facecolor()[0], 1) == to_rgba(line.get_color())
        colors.add(line.get_color())
        drawn += [low, high, TRUTH.values[0, row]]
    assert len(colors) == len(MODULATED_LAYERS)
    names = [BARREL_NAMES[layer] for layer in MODULATED_LAYERS]
    assert legend_of(ax) == [*names, "generator"]
    assert ax.get_legend().legend_handles[-1].get_linestyle() == "--"
    assert len(artists) == 13
    check_period(ax)
    check_headroom(ax, drawn)
    assert "g(" in ax.get_ylabel()


def test_curves_alone_are_drawn_without_uncertainties_and_generator(ax):
    bare = PhiModulation(VALUES, LEARNED.eta_edges)
    lines = plot_curves(bare, None, 1, ax)
    for row, line in enumerate(lines):
        assert_allclose(points_of(line)[1], VALUES[1, row])
    assert len(legend_of(ax)) == len(lines) == len(MODULATED_LAYERS)


def test_loss_is_drawn_from_the_first_step_for_each_range(ax, fit):
    lines = plot_loss(fit, ax)
    for line, loss in zip(lines, fit.loss, strict=True):
        assert_allclose(points_of(line), [[1, 2, 3], loss])
    assert lines[0].get_color() != lines[1].get_color()
    assert legend_of(ax) == ["0 ≤ |η| < 0.8", "0.8 ≤ |η| < 1.4"]
    assert [ax.get_xscale(), ax.get_yscale()] == ["log", "log"]
    assert [ax.get_xlabel(), ax.get_ylabel()] == ["Step", "Loss"]


def test_loss_of_more_ranges_than_colours_is_drawn(ax, fit):
    many = FitResult(
        PhiModulation(np.ones((9, 4, N_BINS)), np.arange(10.0)),
        np.ones((9, 3)),
        *(fit.phases, *(np.ones((9, 4)) for _ in range(3)), (), ()),
    )
    assert len(plot_loss(many, ax)) == 9


def test_widths_are_drawn_in_per_cent_with_the_errors_of_each_sample(ax):
    histogram = Histogram(np.arange(3.0), np.array([40, 60]), 0, 0)
    energies = ObservableResult("e", histogram, Floor(1.0, 0.9, 1.1, 100), ())
    widths = (
        EnergyWidth("Geant4", 100, 0.010, 0.0006, 0.008, 0.0004),
        EnergyWidth("a", 100, 0.012, 0.0007, 0.009, 0.0003),
        EnergyWidth("b", 100, 0.013, 0.0005, 0.007, 0.0002),
    )
    artists = plot_widths(EnergyTest(65e3, energies, energies, widths), ax)
    raw, calibrated = artists[:4], artists[4:]
    for place, ((band, line, *points), columns) in enumerate(
        ((raw, ("raw", "raw_error")), (calibrated, ("calibrated", "calibrated_error")))
    ):
        values, errors = (
            100 * np.array([getattr(width, column) for width in widths]) for column in columns
        )
        x, low, high = band_of(band)
        assert_allclose(x, [place - 0.4, place + 0.4])
        assert_allclose(low, values[0] - errors[0])
        assert_allclose(high, values[0] + errors[0])
        assert to_rgba(band.get_facecolor()[0]) == to_rgba(BAND_COLOR)
        assert_allclose(points_of(line), [x, [values[0]] * 2])
        assert to_rgba(line.get_color()) == to_rgba("black")
        for position, container in enumerate(points):
            x, y, low, high = y_errors_of(container)
            assert_allclose(x, place + (-1, 1)[position] / 12)
            assert_allclose(y, values[position + 1])
            assert_allclose(high - y, errors[position + 1])
            assert_allclose(y - low, errors[position + 1])
            check_marker(container.lines[0], position)
    assert ax.get_xlim()[0] < -0.4 < 1.4 < ax.get_xlim()[1]
    assert ax.get_ylim()[0] == 0.0
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert_allclose(ax.get_xticks(), [0, 1])
    assert [("raw" in label, "cal" in label) for label in labels] == [(1, 0), (0, 1)]
    assert "[%]" in ax.get_ylabel()
