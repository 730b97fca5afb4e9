import io
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.colors import LogNorm
from matplotlib.container import Container
from matplotlib.figure import Figure

from calovox.report import histograms as plots
from calovox.report import summaries as plots_summaries
from calovox.report.style import simulated_line, simulated_marker, style
from calovox.report.topics.inputs.draw import (
    plot_interpolation,
    plot_spectrum,
    plot_spectrum_ratio,
)
from calovox.report.topics.inputs.measure import draw_interpolations, draw_spectrum
from calovox.report.topics.response import draw as plots_response
from calovox.report.topics.response.measure import measure_response
from calovox.report.topics.shapes.figures import shapes_figure
from calovox.report.topics.shapes.measure import compare_region
from calovox.report.topics.showers.draw import (
    plot_average_shower,
    plot_eta_phi,
    plot_grid,
    plot_local,
    voxel_polygons,
)
from calovox.samples.regions import CENTRAL, REGIONS
from calovox.samples.sample import read_samples
from calovox.samples.showers import shower_image
from calovox.voxelization import VoxelGrid


@pytest.fixture(scope="module")
def samples(datasets):
    return read_samples([datasets["reference"]], {"optimal": [datasets["optimal"]]})[0]


@pytest.fixture(scope="module")
def result(samples):
    return compare_region(samples[0], samples[1:], CENTRAL)


@pytest.fixture
def ax():
    return Figure().subplots()


def _check(artists, number):
    assert len(artists) >= number
    assert all(isinstance(artist, Artist | Container) for artist in artists)


@pytest.mark.parametrize("name", ["plot_distribution", "plot_ratio"])
def test_every_observable_is_drawn_with_band_and_lines(result, ax, name):
    for observable in result.observables:
        _check(getattr(plots, name)(observable, ax), 3)


def test_distribution_draws_the_counts_of_the_reference(result, ax):
    artists = plots.plot_distribution(result.observables[0], ax, scale=1e-3)
    values, edges, _ = artists[1].get_data()
    np.testing.assert_array_equal(values, result.observables[0].reference.counts)
    np.testing.assert_allclose(edges, result.observables[0].reference.edges / 1e3)


@pytest.mark.parametrize("name", ["plot_chi2", "plot_shifts", "plot_spreads"])
def test_summaries_draw_every_simulation(result, ax, name):
    _check(getattr(plots_summaries, name)(result, ax), 1)


def test_response_and_fractions_are_drawn(samples, ax):
    response = measure_response(samples[0])
    _check(plots_response.plot_response(response, ax), 2)
    _check(plots_response.plot_profiles([response.profile] * 2, ax, statistic="rms"), 2)
    _check(plots_response.plot_layer_fractions(response, ax), 5)


def test_spectrum_is_drawn_as_expected(ax):
    spectrum = draw_spectrum(20_000, seed=1)
    assert spectrum.counts.sum() == 20_000
    assert spectrum.expected.sum() == pytest.approx(20_000, rel=1e-3)
    chi2 = np.sum((spectrum.counts - spectrum.expected) ** 2 / spectrum.expected)
    assert chi2 < len(spectrum.counts) + 4 * np.sqrt(2 * len(spectrum.counts))
    _check(plot_spectrum(spectrum, ax), 3)
    _check(plot_spectrum_ratio(spectrum, ax), 3)


def test_drawn_radii_follow_their_densities(ax):
    for result in draw_interpolations(200_000, seed=1):
        centers = 0.5 * (result.edges[1:] + result.edges[:-1])
        expected = np.interp(centers, result.r, result.density)
        np.testing.assert_allclose(result.drawn, expected, atol=0.03)
        _check(plot_interpolation(result, ax), 4)


def test_showers_are_drawn(samples, region_hits, ax):
    norm = LogNorm(1e-3, 1e3)
    shower = samples[0].averages[0]
    (voxels,) = plot_average_shower(shower, ax, layer=2, radius=100.0, norm=norm)
    assert len(voxels.get_paths()) >= 90
    image = shower_image(region_hits, 0, 1)
    _check(plot_eta_phi(image, ax, norm=norm), 1)
    _check(plot_local(image, ax, norm=norm), 1)
    (lines,) = plot_grid(VoxelGrid.optimal(), ax, layer=1)
    assert len(lines.get_paths()) == 164


def test_polygons_have_the_area_of_their_voxels():
    grid = VoxelGrid.optimal()
    rows = np.arange(grid.n_voxels)
    area = 0.5 * (grid.r_max**2 - grid.r_min**2) * (grid.alpha_max - grid.alpha_min)
    for row, corners in zip(rows, voxel_polygons(grid, rows), strict=True):
        x, y = corners.T
        drawn = 0.5 * abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
        assert drawn == pytest.approx(area[row], rel=1e-3)


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


@pytest.mark.parametrize("look", [simulated_line, simulated_marker])
def test_many_simulations_look_different_each(look):
    looks = {str(look(place)) for place in range(14)}
    assert len(looks) == 14
    in_grey = {str({**look(place), "color": "", "markerfacecolor": ""}) for place in range(7)}
    assert len(in_grey) == 7


def test_events_outside_a_map_are_written_at_its_borders(ax):
    texts = plots_response.add_outside(ax, below=3, above=0, beyond=12)
    assert [text.get_text() for text in texts] == ["▾ 3", "12 ▸"]


def test_style_leaves_no_trace():
    before = dict(matplotlib.rcParams)
    with style():
        assert matplotlib.rcParams["savefig.dpi"] >= 150
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", ["$x_{$", r"a\b^$", "_under", "50 % <b>"])
def test_names_of_samples_are_drawn_as_they_are(samples, name):
    region = compare_region(samples[0], [replace(samples[1], label=name)], CENTRAL)
    figure = shapes_figure(region)
    figure.savefig(io.BytesIO())
    text = figure.legends[0].get_texts()[1]
    assert text.get_text().replace(r"\$", "$") == name
    assert not text._preprocess_math(text.get_text())[1]  # no formula
