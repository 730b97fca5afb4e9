import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

from calovox.report.comparison import ObservableResult, SimulatedResult
from calovox.report.histograms import (
    BAND_COLOR,
    RATIO_RANGE,
    plot_distribution,
    plot_ratio,
)
from calovox.report.style import simulated_line, simulated_marker
from calovox.scores.histograms import Chi2, Histogram, poisson_interval
from calovox.scores.statistics import Floor
from tests.drawn import check_line, check_marker, legend_of, points_of, stairs_of, y_errors_of

EDGES = np.array([2.0, 3.0, 5.0, 6.0, 9.0])
COUNTS = np.array([20, 50, 40, 30])
EMPTY = Histogram(EDGES, np.zeros(4, dtype=np.int64), 0, 0)


def histogram(*counts, underflow=0, overflow=0):
    return Histogram(EDGES, np.array(counts), underflow, overflow)


def observable(*simulated, reference=None):
    """Compare with 200 events of the reference, 15 below and 45 above the axis."""
    if reference is None:
        reference = Histogram(EDGES, COUNTS, 15, 45)
    results = (
        SimulatedResult(f"s{place}", place, *rest, None, None) for place, *rest in simulated
    )
    return ObservableResult("e_tot", reference, Floor(1.04, 0.7, 1.3, 100), tuple(results))


@pytest.fixture
def ax():
    return Figure().subplots()


def test_distribution_draws_reference_with_its_poisson_band_in_the_unit_of_the_axis(ax):
    band, line = plot_distribution(observable(), ax, scale=1e-3)
    low, high = poisson_interval(COUNTS)
    for values, edges, baseline in [stairs_of(band)]:
        assert_allclose(values, high)
        assert_allclose(baseline, low)
        assert_allclose(edges, EDGES / 1e3)
    assert band.get_fill()
    assert to_rgba(band.get_facecolor()) == to_rgba(BAND_COLOR)
    assert_array_equal(stairs_of(line)[0], COUNTS)
    assert_allclose(stairs_of(line)[1], EDGES / 1e3)
    assert to_rgba(line.get_edgecolor()) == to_rgba("black")
    assert_allclose(ax.get_xlim(), [2e-3, 9e-3])


def test_distribution_scales_all_events_of_a_simulation_to_those_of_the_reference(ax):
    half = histogram(11, 25, 18, 16, underflow=10, overflow=20)  # 100 events
    more = histogram(60, 150, 120, 70)  # 400 events
    chi2 = Chi2(12.0, 8), Chi2(250.0, 10), Chi2(0.0, 0)
    entries = (1, half, chi2[0]), (2, EMPTY, chi2[2]), (9, more, chi2[1])
    first, second = plot_distribution(observable(*entries), ax, scale=2.0)[2:]
    assert_allclose(stairs_of(first)[0], [22, 50, 36, 32])
    assert_allclose(stairs_of(second)[0], [30, 75, 60, 35])
    for line, place in ((first, 1), (second, 9)):
        assert_allclose(stairs_of(line)[1], 2 * EDGES)
        check_line(line, place)


def test_distribution_names_chi2_of_each_simulation_beside_its_line(ax):
    filled = histogram(20, 50, 40, 30)
    chi2 = Chi2(12.0, 8), Chi2(250.0, 10), Chi2(100.0, 10), Chi2(0.0, 0)
    entries = [(place, filled, entry) for place, entry in enumerate(chi2)]
    entries.insert(1, (4, EMPTY, Chi2(99.0, 9)))
    plot_distribution(observable(*entries), ax)
    assert legend_of(ax) == ["1.50", "25", "10", "–"]
    handles = ax.get_legend().legend_handles
    assert [handle.get_color() for handle in handles] == [
        to_rgba(simulated_line(place)["color"]) for place in range(4)
    ]
    title = ax.get_legend().get_title().get_text()
    assert "ndf (Geant4 halves: 1.04)" in title


def test_distribution_writes_events_of_the_reference_beyond_the_axis_at_its_sides(ax):
    plot_distribution(observable(), ax)
    texts = {text.get_text(): text for text in ax.texts}
    assert set(texts) == {"◂ 15", "45 ▸"}
    assert texts["◂ 15"].get_position()[0] < 0.1
    assert texts["45 ▸"].get_position()[0] > 0.9
    assert [text.get_horizontalalignment() for text in texts.values()] == ["left", "right"]
    assert all(text.get_transform() == ax.transAxes for text in texts.values())
    inside = Figure().subplots()
    plot_distribution(observable(reference=Histogram(EDGES, COUNTS, 0, 0)), inside)
    assert not inside.texts


def filled_share(ax, *, n_simulated, counts=(20, 50, 40, 30), log=False):
    """Draw with simulations all of the same counts; give where the highest line ends."""
    entries = [(place, histogram(*counts), Chi2(1.0, 1)) for place in range(n_simulated)]
    artists = plot_distribution(observable(*entries), ax, log=log)
    top = max(float(np.max(stairs_of(artist)[0])) for artist in artists)
    return ax.transAxes.inverted().transform(ax.transData.transform((0.0, top)))[1]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("counts", [(20, 50, 40, 30), (1, 97, 1, 1)])
def test_distribution_leaves_room_for_the_legend(log, counts):
    few, many = (
        filled_share(Figure().subplots(), n_simulated=number, counts=counts, log=log)
        for number in (4, 5)
    )
    assert 0.55 < many < few < 0.72
    ax = Figure().subplots()
    filled_share(ax, n_simulated=1, log=log)
    assert ax.get_yscale() == ("log" if log else "linear")
    assert ax.get_ylim()[0] == (0.5 if log else 0.0)


def check_ratio_points(container, x, ratio, interval):
    drawn_x, y, low, high = y_errors_of(container)
    assert_allclose(drawn_x, x)
    assert_allclose(y, ratio)
    assert_allclose(low, interval[0])
    assert_allclose(high, interval[1])


def test_ratio_draws_shares_of_all_events_with_the_interval_of_the_simulation(ax):
    half = histogram(11, 28, 18, 13, underflow=10, overflow=20)  # 100 of 200 events
    entries = (1, half, Chi2(1.0, 1)), (2, EMPTY, Chi2(0.0, 0)), (9, half, Chi2(1.0, 1))
    band, one, *points = plot_ratio(observable(*entries), ax, scale=2.0)
    low, high = poisson_interval(COUNTS)
    values, edges, baseline = stairs_of(band)
    assert_allclose(values, high / COUNTS)
    assert_allclose(baseline, low / COUNTS)
    assert_allclose(edges, 2 * EDGES)
    assert band.get_fill()
    assert_allclose(one.get_ydata(), 1.0)
    ends = poisson_interval(half.counts)
    for container, place, share in ((points[0], 1, 0.32), (points[3], 9, 0.68)):
        x = 2 * (EDGES[:-1] + share * np.diff(EDGES))  # side by side in the middle 72 % of a bin
        interval = [2 * end / COUNTS for end in ends]
        check_ratio_points(container, x, 2 * half.counts / COUNTS, interval)
        check_marker(container.lines[0], place)
    assert len(points) == 6
    assert all(points_of(triangle)[0].size == 0 for triangle in (*points[1:3], *points[4:]))
    assert_allclose(ax.get_xlim(), [4.0, 18.0])
    assert_allclose(ax.get_yticks(), [0.5, 1.0, 1.5])
    assert ax.get_ylim()[0] < 0.5 < 1.5 < ax.get_ylim()[1]


def test_ratio_points_with_triangles_to_values_beyond_the_panel(ax):
    wild = histogram(31, 24, 60, 15, overflow=70)  # 1.55, 0.48, 1.5, 0.5
    _, _, inside, above, below = plot_ratio(observable((8, wild, Chi2(1.0, 1))), ax)
    centers = 0.5 * (EDGES[1:] + EDGES[:-1])
    ends = [end[2:] / COUNTS[2:] for end in poisson_interval(wild.counts)]
    check_ratio_points(inside, centers[2:], RATIO_RANGE[::-1], ends)
    for line, row, y, marker in ((above, 0, 1.5, "^"), (below, 1, 0.5, "v")):
        assert_allclose(points_of(line), [[centers[row]], [y]])
        assert line.get_marker() == marker
        assert to_rgba(line.get_color()) == to_rgba(simulated_marker(8)["color"])
        assert to_rgba(line.get_markerfacecolor()) == to_rgba("white")


def test_band_of_a_bin_without_events_of_the_reference_fills_the_panel(ax):
    reference = Histogram(EDGES, np.zeros(4, dtype=np.int64), 60, 0)
    band = plot_ratio(observable(reference=reference), ax)[0]
    assert_allclose(stairs_of(band)[0], 1.5)
    assert_allclose(stairs_of(band)[2], 0.5)


@pytest.mark.parametrize(
    ("n_simulated", "most"), [(0, 10), (1, 20), (2, 20), (3, 14), (4, 14), (5, 10)]
)
def test_ratio_has_fewer_bins_for_more_simulations(ax, n_simulated, most):
    edges = np.arange(281.0)
    many = Histogram(edges, np.full(280, 40), 0, 0)
    entries = [(place, many, Chi2(1.0, 1)) for place in range(n_simulated)]
    entries.append((9, Histogram(edges, np.zeros(280, dtype=np.int64), 0, 0), Chi2(0.0, 0)))
    band = plot_ratio(observable(*entries, reference=many), ax)[0]
    assert len(stairs_of(band)[0]) == most
