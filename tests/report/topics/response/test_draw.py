import numpy as np
import pytest
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from calovox.geometry.barrel import BARREL_NAMES, BARREL_NUMBERS
from calovox.report.topics.response.draw import (
    add_outside,
    plot_layer_fractions,
    plot_profile_differences,
    plot_profiles,
    plot_response,
    plot_response_map,
)
from calovox.report.topics.response.figures import fractions_figure
from calovox.report.topics.response.profiles import Response
from calovox.report.topics.response.slices import ResponseMap
from calovox.scores.averages import Profile
from tests.drawn import check_marker, image_of, stairs_of, y_errors_of

ETA_EDGES = np.array([0.0, 0.1, 0.3, 0.4])
CENTERS = np.array([0.05, 0.2, 0.35])
RATIO_EDGES = np.array([0.8, 0.9, 1.05])
COUNTS = np.array([[3, 0], [70, 40], [0, 9]])
SHOWN = np.where(COUNTS > 0, COUNTS, np.nan)


def profile_of(*, mean, mean_error=(0.01, 0.02, 0.03), rms=(0.3, 0.2, 0.4), rms_error=(0.04,) * 3):
    arrays = (np.asarray(column, dtype=float) for column in (mean, mean_error, rms, rms_error))
    return Profile(ETA_EDGES, np.array([9, 9, 9]), *arrays)


REFERENCE = profile_of(mean=[0.9, 1.1, 0.8], rms_error=[0.04, 0.05, 0.06])
FIRST = profile_of(mean=[0.99, 1.0, 0.6], mean_error=[0.02, 0.05, 0.01], rms=[0.2, 0.5, 0.1])
SECOND = profile_of(mean=[0.8, 1.3, np.nan], mean_error=[0.03, 0.01, np.nan])
GAP = profile_of(mean=[0.9, np.nan, 0.8], mean_error=[0.01, np.nan, 0.03])

LAYERS = tuple(f"{name} ({number})" for number, name in BARREL_NAMES.items())


def response_of(counts=COUNTS, layers=LAYERS):
    shares = [
        profile_of(mean=[0.1 * (k + 1), 0.0, 0.05], mean_error=[0.01 * (k + 1), 0.0, 0.002])
        for k in range(len(layers))
    ]
    numbers = ((5e4, 9e4), RATIO_EDGES, counts, 130, 0, 2, 3, REFERENCE, tuple(shares))
    return Response("Geant4", "photon", *numbers, layers=layers)


@pytest.fixture
def ax():
    return Figure().subplots()


def check_map(mesh, most):
    eta_edges, ratio_edges, values = image_of(mesh)
    assert_allclose(eta_edges, ETA_EDGES)
    assert_allclose(ratio_edges, RATIO_EDGES)
    assert_allclose(values, SHOWN)
    assert isinstance(mesh.norm, LogNorm)
    assert (mesh.norm.vmin, mesh.norm.vmax) == (1, most)
    assert mesh.get_rasterized()


def test_response_draws_events_of_each_bin_and_the_means(ax):
    image, points = plot_response(response_of(), ax)
    check_map(image, 70)
    check_points(points, CENTERS, REFERENCE.mean, REFERENCE.mean_error)
    assert points.lines[0].get_linestyle() == "None"
    assert points.get_label() == "mean"
    assert_allclose(ax.get_xlim(), [0.0, 0.4])


@pytest.mark.parametrize("counts", [COUNTS // 70, COUNTS * 0])
def test_response_of_few_events_has_a_scale_of_colours(ax, counts):
    image, _ = plot_response(response_of(counts), ax)
    assert (image.norm.vmin, image.norm.vmax) == (1, 2)


@pytest.mark.parametrize(("most", "brightest"), [(500, 500), (0, 2)])
def test_map_of_one_sample_has_the_colours_of_all(ax, most, brightest):
    result = ResponseMap("toy", ETA_EDGES, RATIO_EDGES, COUNTS, 1, 2)
    (image,) = plot_response_map(result, ax, most=most)
    check_map(image, brightest)


def test_events_outside_a_map_are_written_at_its_borders(ax):
    below, above, beyond = add_outside(ax, below=3, above=1, beyond=12)
    assert [text.get_text() for text in (below, above, beyond)] == ["▾ 3", "▴ 1", "12 ▸"]
    heights = [text.get_position()[1] for text in (below, above, beyond)]
    assert heights[0] < 0.1 < heights[2] == 0.5 < 0.9 < heights[1]
    sides = [text.get_verticalalignment() for text in (below, above, beyond)]
    assert sides == ["bottom", "top", "center"]
    for text in (below, above, beyond):
        assert text.get_position()[0] > 0.9
        assert text.get_horizontalalignment() == "right"
        assert text.get_transform() == ax.transAxes
    assert add_outside(ax, below=0, above=0) == []


def check_points(container, x, values, errors):
    drawn_x, y, low, high = y_errors_of(container)
    assert_allclose(drawn_x, x)
    assert_allclose(y, values)
    assert_allclose(low, np.subtract(values, errors))
    assert_allclose(high, np.add(values, errors))


def side_by_side(place):
    """Give x of the samples of three: the reference left, the simulations middle and right."""
    return ETA_EDGES[:-1] + (0.2, 0.5, 0.8)[place] * np.diff(ETA_EDGES)


@pytest.mark.parametrize("statistic", ["mean", "rms"])
def test_profiles_draw_means_or_relative_widths_of_each_sample(ax, statistic):
    profiles = [REFERENCE, FIRST, SECOND]
    containers = plot_profiles(profiles, ax, statistic=statistic)
    for place, (container, profile) in enumerate(zip(containers, profiles, strict=True)):
        values, errors = profile.mean, profile.mean_error
        if statistic == "rms":
            values, errors = profile.rms / profile.mean, profile.rms_error / profile.mean
        check_points(container, side_by_side(place), values, errors)
        if place:
            check_marker(container.lines[0], place - 1)
        else:
            assert to_rgba(container.lines[0].get_color()) == to_rgba("black")
            assert container.lines[0].get_marker() == "o"
            assert container.lines[0].get_linestyle() == "None"
    assert_allclose(ax.get_xlim(), [0.0, 0.4])


def test_profiles_show_means_unless_told_otherwise_and_one_sample_in_the_bins(ax):
    (container,) = plot_profiles([REFERENCE], ax)
    check_points(container, side_by_side(0), REFERENCE.mean, REFERENCE.mean_error)


def test_differences_of_profiles_are_in_per_cent_of_the_reference(ax):
    band, line, *containers = plot_profile_differences([REFERENCE, FIRST, SECOND], ax)
    values, edges, baseline = stairs_of(band)
    assert_allclose(edges, ETA_EDGES)
    assert_allclose(values, 100 * REFERENCE.mean_error / REFERENCE.mean)
    assert_allclose(baseline, -values)
    assert band.get_fill()
    assert_allclose(line.get_ydata(), 0.0)
    for place, (container, profile) in enumerate(zip(containers, (FIRST, SECOND), strict=True)):
        shift = 100 * (profile.mean - REFERENCE.mean) / REFERENCE.mean
        error = 100 * profile.mean_error / REFERENCE.mean
        check_points(container, side_by_side(place + 1), shift, error)
        check_marker(container.lines[0], place)


def test_differences_have_no_band_where_the_reference_has_no_mean(ax):
    band = plot_profile_differences([GAP, FIRST], ax)[0]
    assert_allclose(stairs_of(band)[0], [1 / 0.9, 0.0, 3 / 0.8])


def test_shares_of_layers_are_drawn_where_there_are_any(ax):
    response = response_of()
    containers = plot_layer_fractions(response, ax)
    looks = set()
    for layer, container, profile in zip(
        BARREL_NUMBERS, containers, response.fractions, strict=True
    ):
        shown = np.where(profile.mean > 0, profile.mean, np.nan)
        check_points(container, CENTERS, shown, profile.mean_error)
        assert container.get_label() == f"{BARREL_NAMES[layer]} ({layer})"
        assert container.lines[0].get_linestyle() == "None"
        looks |= {container.lines[0].get_color(), container.lines[0].get_marker()}
    assert len(looks) == 10
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[0] < 1e-4 < 1 < ax.get_ylim()[1]
    assert_allclose(ax.get_xlim(), [0.0, 0.4])
    assert "E_\\mathrm{layer}" in ax.get_ylabel()


@pytest.mark.parametrize("n_layers", [3, 5, 12, 13, 45])
def test_layers_have_colours_of_their_own(ax, n_layers):
    layers = tuple(f"L{number}" for number in range(n_layers))
    drawn = plot_layer_fractions(response_of(layers=layers), ax)
    colors = {to_rgba(container.lines[0].get_color()) for container in drawn}
    assert len(colors) == n_layers
    if n_layers <= 12:
        assert len({container.lines[0].get_marker() for container in drawn}) == n_layers


@pytest.mark.parametrize(("n_layers", "names"), [(12, 12), (45, 0)])
def test_few_layers_are_named_and_many_have_a_scale(n_layers, names):
    figure = fractions_figure(response_of(layers=tuple(f"L{k}" for k in range(n_layers))))
    legend = figure.axes[0].get_legend()
    assert (0 if legend is None else len(legend.get_texts())) == names
    assert len(figure.axes) == (1 if names else 2)
