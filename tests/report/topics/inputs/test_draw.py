import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

from calovox.photons import NoteSpectrum
from calovox.report.topics.inputs.draw import (
    plot_interpolation,
    plot_spectrum,
    plot_spectrum_ratio,
)
from calovox.report.topics.inputs.measure import Interpolation, Spectrum
from calovox.scores.histograms import poisson_interval
from tests.drawn import legend_of, points_of, stairs_of

EDGES = np.geomspace(1e3, 8e3, 4)
COUNTS = np.array([1200, 2500, 900])
EXPECTED = np.array([1250.0, 2400.0, 961.0])
DENSITY = 1 / (4600 * np.log(2.0))


@pytest.fixture
def spectrum():
    return Spectrum(NoteSpectrum(), EDGES, COUNTS, EXPECTED)


@pytest.fixture
def ax():
    return Figure().subplots()


def test_spectrum_is_drawn_as_density_in_log_energy_over_its_formula(spectrum, ax):
    band, drawn, curve = plot_spectrum(spectrum, ax)
    low, high = poisson_interval(COUNTS)
    for values, edges, baseline in [stairs_of(band)]:
        assert_allclose(values, high * DENSITY)
        assert_allclose(baseline, low * DENSITY)
        assert_allclose(edges, EDGES)
    assert band.get_fill()
    assert_allclose(stairs_of(drawn)[0], COUNTS * DENSITY)
    assert_allclose(stairs_of(drawn)[1], EDGES)
    energies, density = points_of(curve)
    assert_allclose(energies[[0, -1]], EDGES[[0, -1]])
    assert len(energies) > 100
    assert_allclose(density, NoteSpectrum().density(energies))
    assert legend_of(ax)[0] == "4 600 photons drawn"
    assert [curve.get_color(), "--"] == [
        ax.get_legend().legend_handles[1].get_color(),
        curve.get_linestyle(),
    ]
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] < EDGES[0] < EDGES[-1] < ax.get_xlim()[1]
    assert ax.get_ylim()[0] == 0.0
    assert "log" in ax.get_ylabel()


def test_ratio_of_a_spectrum_has_the_band_of_its_expectation(spectrum, ax):
    band, line, points = plot_spectrum_ratio(spectrum, ax)
    values, edges, baseline = stairs_of(band)
    assert_allclose(values, 1 + EXPECTED**-0.5)
    assert_allclose(baseline, 1 - EXPECTED**-0.5)
    assert_allclose(edges, EDGES)
    assert band.get_fill()
    assert_allclose(line.get_ydata(), 1.0)
    values, edges, baseline = stairs_of(points)
    assert_allclose(values, COUNTS / EXPECTED)
    assert_allclose(edges, EDGES)
    assert baseline is None
    low, high = ax.get_ylim()
    assert low < 1 - 3 / 31 < 1 + 3 / 31 < high  # three sigma of the smallest bin
    assert high - 1 == pytest.approx(1 - low)
    assert ax.get_ylabel()
    assert "[MeV]" in ax.get_xlabel()


def test_interpolation_draws_its_density_and_the_radii_drawn(ax):
    result = Interpolation(
        name="toy",
        probability=0.6,
        r=np.array([0.0, 0.7, 2.0]),
        density=np.array([0.8, 0.5, 0.2]),
        edges=np.array([0.0, 0.5, 1.5, 2.0]),
        drawn=np.array([0.7, 0.4, 0.3]),
        n_draws=12_345,
    )
    drawn, density, points, border = plot_interpolation(result, ax)
    assert_array_equal(stairs_of(drawn)[0], result.drawn)
    assert_array_equal(stairs_of(drawn)[1], result.edges)
    assert drawn.get_fill()
    assert_allclose(points_of(density), [result.r, result.density])
    assert_allclose(points_of(points), [[0.5, 1.5], [0.6, 0.4]])
    assert points.get_linestyle() == "None"
    assert points.get_marker() == "o"
    assert_allclose(border.get_xdata(), 1.0)
    assert legend_of(ax) == ["12 345 radii drawn", "density", "$p_r$ and $1 - p_r$"]
    handles = ax.get_legend().legend_handles
    assert handles[1].get_color() == density.get_color()
    assert handles[2].get_marker() == "o"
    assert_allclose(ax.get_xlim(), [0.0, 2.0])
    assert [float(text.get_text()) for text in ax.get_xticklabels()] == ax.get_xticks().tolist()
    assert ax.get_ylim()[0] == 0.0
    assert ax.get_ylim()[1] > 0.8
    assert "half voxel widths" in ax.get_xlabel()
