import numpy as np
import pytest
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from calovox.report.topics.showers.draw import (
    plot_average_shower,
    plot_eta_phi,
    plot_grid,
    plot_local,
    voxel_polygons,
)
from calovox.samples.regions import CENTRAL
from calovox.samples.showers import AverageShower, ShowerImage
from calovox.voxelization import VoxelGrid
from tests.drawn import image_of

NORM = LogNorm(1e-3, 1e3)
EDGES = np.array([-20.0, 0.0, 20.0])
PIXELS = np.array([[400.0, 80.0], [0.0, 4.0]])  # first axis along eta
DENSITY = np.array([[1.0, 0.2], [np.nan, 0.01]])


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture
def shower():
    grid = VoxelGrid.optimal()
    energy = np.random.default_rng(1).exponential(size=grid.n_voxels)
    energy[::3] = 0.0
    energy[1::3] *= 1e-4
    return AverageShower(CENTRAL, grid, energy, 100)


def image(eta_center):
    return ShowerImage(1, 65e3, eta_center, 0.5, 1600.0, EDGES, PIXELS)


def check_view(ax, radius):
    assert_allclose([*ax.get_xlim(), *ax.get_ylim()], [-radius, radius] * 2)
    assert ax.get_aspect() == 1.0
    assert "cos" in ax.get_xlabel()
    assert "sin" in ax.get_ylabel()
    assert "[mm]" in ax.get_xlabel()
    assert "[mm]" in ax.get_ylabel()


def corners_of(path):
    return {tuple(corner) for corner in path.vertices.round(6).tolist()}


@pytest.mark.parametrize(("layer", "radius"), [(2, 40.0), (1, 100.0)])
def test_average_shower_draws_the_density_of_each_voxel_in_view(shower, ax, layer, radius):
    (voxels,) = plot_average_shower(shower, ax, layer=layer, radius=radius, norm=NORM)
    grid = shower.grid
    rows = np.flatnonzero((grid.layer == layer) & (grid.r_min < 1.5 * radius))
    drawn = [corners_of(path) for path in voxels.get_paths()]
    expected = [set(map(tuple, p.round(6).tolist())) for p in voxel_polygons(grid, rows)]
    assert drawn == expected
    density = shower.density[rows]
    values = voxels.get_array()
    assert np.array_equal(np.ma.getmaskarray(values), density == 0)
    assert_allclose(values.compressed(), np.maximum(density[density > 0], 1e-3))
    assert voxels.norm is NORM
    assert voxels in ax.collections
    check_view(ax, radius)


def test_voxels_have_red_borders_and_are_grey_where_they_are_empty(shower, ax):
    (voxels,) = plot_average_shower(shower, ax, layer=2, radius=40.0, norm=NORM)
    assert tuple(voxels.get_edgecolor()[0][:3]) == (1.0, 0.0, 0.0)
    assert voxels.get_cmap().name == "viridis"
    assert tuple(voxels.get_cmap().get_bad()) == to_rgba("0.86")


@pytest.mark.parametrize("layer", [1, 12])
def test_grid_draws_the_closed_outline_of_each_voxel_of_a_layer(ax, layer):
    grid = VoxelGrid.optimal()
    (lines,) = plot_grid(grid, ax, layer=layer)
    rows = np.flatnonzero(grid.layer == layer)
    polygons = voxel_polygons(grid, rows)
    assert len(lines.get_segments()) == len(polygons)
    for outline, corners in zip(lines.get_segments(), polygons, strict=True):
        assert_allclose(outline[:-1], corners)
        assert_allclose(outline[-1], corners[0])
    assert tuple(lines.get_edgecolor()[0][:3]) == to_rgba("red")[:3]
    assert lines in ax.collections


def test_local_image_has_eta_along_x_and_phi_along_y(ax):
    (mesh,) = plot_local(image(0.22), ax, norm=NORM)
    x, y, values = image_of(mesh)
    assert_allclose(x, EDGES)
    assert_allclose(y, EDGES)
    assert_allclose(values, DENSITY)
    assert mesh.norm is NORM
    assert mesh.get_rasterized()
    check_view(ax, 20.0)


@pytest.mark.parametrize("eta_center", [0.22, -0.22])
def test_image_in_eta_and_phi_has_the_shower_at_its_place(ax, eta_center):
    (mesh,) = plot_eta_phi(image(eta_center), ax, norm=NORM)
    x, y, values = image_of(mesh)
    assert_allclose(x, eta_center + np.sign(eta_center) * EDGES / 1600.0)
    assert_allclose(y, 0.5 + EDGES / 1600.0)
    assert_allclose(values, DENSITY)
    assert mesh.norm is NORM
    assert mesh.get_rasterized()
    assert_allclose(ax.get_xlim(), [eta_center - 0.0125, eta_center + 0.0125])
    assert_allclose(ax.get_ylim(), [0.4875, 0.5125])
    assert ax.get_box_aspect() == 1
    assert "eta" in ax.get_xlabel()
    assert "[rad]" in ax.get_ylabel()


def test_polygons_lie_on_the_arcs_of_their_voxels():
    grid = VoxelGrid.optimal()
    rows = np.flatnonzero((grid.layer == 2) | (grid.r_min == 0))
    for row, corners in zip(rows, voxel_polygons(grid, rows), strict=True):
        r, alpha = np.hypot(*corners.T), np.arctan2(corners[:, 1], corners[:, 0])
        outer = np.isclose(r, grid.r_max[row])
        assert np.all(outer | np.isclose(r, grid.r_min[row]))
        assert np.count_nonzero(~outer) == (1 if grid.r_min[row] == 0 else outer.sum())
        middle = 0.5 * (grid.alpha_min[row] + grid.alpha_max[row])
        inside = np.abs(np.remainder(alpha - middle + np.pi, 2 * np.pi) - np.pi)
        half = 0.5 * (grid.alpha_max[row] - grid.alpha_min[row])
        assert inside[r > 0].max() == pytest.approx(half, abs=1e-9)


def test_polygons_have_the_area_of_their_voxels():
    grid = VoxelGrid.optimal()
    rows = np.arange(grid.n_voxels)
    area = 0.5 * (grid.r_max**2 - grid.r_min**2) * (grid.alpha_max - grid.alpha_min)
    for row, corners in zip(rows, voxel_polygons(grid, rows), strict=True):
        x, y = corners.T
        drawn = 0.5 * abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
        assert drawn == pytest.approx(area[row], rel=1e-3)
