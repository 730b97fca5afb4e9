"""What artists of matplotlib show, as numbers and texts, to compare with the result drawn."""

import numpy as np
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose

from calovox.report.style import simulated_line, simulated_marker


def stairs_of(artist):
    """Give values, borders and baseline of a histogram."""
    values, edges, baseline = artist.get_data()
    return values, edges, baseline


def points_of(line):
    """Give x and y of a line or of markers."""
    return np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)


def y_errors_of(container):
    """Give x, y and both ends of the error bars of points."""
    segments = _ends_of(container.lines[2][-1])
    x, y = points_of(container.lines[0])
    assert_allclose(segments[:, :, 0].T, [np.where(np.isnan(y), np.nan, x)] * 2)
    return x, y, segments[:, 0, 1], segments[:, 1, 1]


def x_errors_of(container):
    """Give x, y and both ends of horizontal error bars of points."""
    segments = _ends_of(container.lines[2][0])
    x, y = points_of(container.lines[0])
    assert_allclose(segments[:, :, 1].T, [np.where(np.isnan(x), np.nan, y)] * 2)
    return x, y, segments[:, 0, 0], segments[:, 1, 0]


def bars_of(container):
    """Give left, right, lower and upper ends of bars."""
    boxes = np.array([patch.get_bbox().extents for patch in container])
    return boxes[:, 0], boxes[:, 2], boxes[:, 1], boxes[:, 3]


def band_of(fill):
    """Give x, lower and upper ends of a band between two lines."""
    vertices = fill.get_paths()[0].vertices
    x = np.unique(vertices[:, 0])
    columns = [vertices[vertices[:, 0] == place, 1] for place in x]
    return x, np.array([y.min() for y in columns]), np.array([y.max() for y in columns])


def image_of(mesh):
    """Give the borders in x and in y, and the values of the cells by x and y."""
    corners = mesh.get_coordinates()
    return corners[0, :, 0], corners[:, 0, 1], np.ma.filled(mesh.get_array(), np.nan).T


def legend_of(ax):
    """Give the texts of a legend."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


def check_marker(line, place):
    """Check that points look like those of the simulation at a place in the report."""
    look = simulated_marker(place)
    assert to_rgba(line.get_color()) == to_rgba(look["color"])
    assert to_rgba(line.get_markerfacecolor()) == to_rgba(look["markerfacecolor"])
    assert line.get_marker() == look["marker"]
    assert line.get_linestyle() == "None"


def check_line(stairs, place):
    """Check that a histogram looks like that of the simulation at a place in the report."""
    look = simulated_line(place)
    assert to_rgba(stairs.get_edgecolor()) == to_rgba(look["color"])
    assert stairs.get_linestyle() == look["linestyle"]


def _ends_of(lines):
    """Give both ends of each line, NaN where it is not drawn."""
    return np.array([path.vertices for path in lines.get_paths()]).reshape(-1, 2, 2)
