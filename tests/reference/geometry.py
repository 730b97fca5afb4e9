"""Slow, plain twins of the geometry's formulas and kernels."""

import math

import numpy as np

from calovox.geometry.barrel import BARREL_GRIDS, layer_boundaries


def polar_of_note(eta, phi, eta_center, phi_center, r_center):
    """Section 2.2 of the note, symbol by symbol, for one hit."""
    z_center = r_center * math.sinh(eta_center)
    d_phi = (phi - phi_center + math.pi) % (2 * math.pi) - math.pi
    d_eta = -(eta - eta_center) if eta_center < 0 else eta - eta_center
    A = math.sqrt(r_center**2 + z_center**2)
    J = abs(2 * math.exp(-eta_center) / (1 + math.exp(-2 * eta_center)))
    r = math.sqrt((d_eta * J * A) ** 2 + (d_phi * r_center) ** 2)
    alpha = math.atan2(d_phi * r_center, d_eta * J * A)
    return r, alpha if alpha >= 0 else alpha + 2 * math.pi


def eta_edges(grid):
    return np.arange(-grid.last, grid.last + 1) / grid.cells_per_eta


def phi_edges(grid):
    return np.arange(grid.n_phi) * (2 * math.pi / grid.n_phi) - math.pi


def find_by_edges(table, layer, eta, phi):
    """Cells of the ideal barrel by binary search between the edges; phi in [-pi, pi)."""
    rows = np.full(len(eta), -1)
    for number, grid in BARREL_GRIDS.items():
        i = np.searchsorted(eta_edges(grid), eta, side="right") - 1
        j = np.searchsorted(phi_edges(grid), phi, side="right") - 1
        below = i < grid.last - grid.first
        above = i >= grid.last + grid.first
        inside = (layer == number) & (i >= 0) & (i < 2 * grid.last) & (below | above)
        i = np.where(above, i - 2 * grid.first, i)
        rows[inside] = table.index_grid(number)[i[inside], j[inside]]
    return rows


def distances(table, layer, eta, phi):
    """Distances of one point from all cells of a layer, in units of the cells' half-widths."""
    rows = np.flatnonzero(table.layer == layer)
    d_phi = np.abs(phi - table.phi[rows]) % (2 * math.pi)
    d_phi = np.minimum(d_phi, 2 * math.pi - d_phi)
    d_eta = np.abs(eta - table.eta[rows])
    return rows, np.maximum(d_eta / (table.d_eta[rows] / 2), d_phi / (table.d_phi[rows] / 2))


def find_by_distance(table, layer, eta, phi, reach):
    """Nearest cell of every point out of all cells of its layer."""
    found = np.full(len(eta), -1)
    for point in range(len(eta)):
        rows, distance = distances(table, layer[point], eta[point], phi[point])
        if len(rows) and distance.min() <= reach:
            found[point] = rows[np.argmin(distance)]
    return found


def layer_by_boundaries(r, eta):
    """Layer of one deposit from the boundaries at its eta."""
    if 1400 <= r < 1500:
        return 0
    if 2300 <= r < 2600:
        return 12
    boundaries = layer_boundaries(np.array([eta]))[0]
    for layer in (1, 2, 3):
        if boundaries[layer - 1] <= r < boundaries[layer]:
            return layer
    return 255
