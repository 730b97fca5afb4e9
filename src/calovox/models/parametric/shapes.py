r"""Lateral shapes of FastCaloSimV2: hits drawn independently from the average shower of a layer.

The average shape of a layer is the share of its energy in the voxels of `fine_grid`, in (r, alpha)
round the shower centre, the same for alpha and -alpha. A layer of energy E has

$$n \sim \max(1, \mathrm{Poisson}(1 / \sigma^2)), \qquad
\sigma^2 = \frac{s^2}{E / \mathrm{GeV}} + c^2$$

hits of energy E / n, so that the number of hits in a region fluctuates as the energy there would
with the resolution of the layer: s = 10.1 % and c = 0.2 % for liquid argon, 56.4 % and 5.5 % for
the tile calorimeter, as in FastCaloSim. Each hit chooses its voxel with the probability of the
average shape and its place in it uniformly in r and alpha, whatever the others do: showers have
the right mean shape, but the clusters of energy inside a shower are missing.

References:
    ATLAS Collaboration, *AtlFast3: The Next Generation of Fast Simulation in ATLAS*,
    Comput. Softw. Big Sci. 6 (2022) 7, https://arxiv.org/abs/2109.02551
    FastCaloSim, class ``TFCSLateralShapeParametrizationHitNumberFromE``, Apache-2.0,
    https://github.com/fcs-proj/FastCaloSim
"""

import math
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
from scipy.special import pdtr, pdtrik

from calovox.arrays import Array, Float, Float32, Float64, Int64, UInt64
from calovox.geometry.barrel import BARREL_LAYERS, BARREL_NUMBERS, atlas_barrel
from calovox.geometry.single_precision import fill_eta_phi
from calovox.hits import Hits
from calovox.kernels import kernel
from calovox.photons import Photons
from calovox.random_streams import next_uniform
from calovox.voxelization import Ring, VoxelGrid

__all__ = ["cumulative_shapes", "draw_hit_counts", "fine_grid", "fold", "half_edges", "place_hits"]

_STRIPS: Final = ((10.0, 1.0), (30.0, 2.0), (70.0, 5.0), (100.0, 10.0), (200.0, 20.0))
_MIDDLE: Final = ((30.0, 2.0), (70.0, 5.0), (100.0, 10.0), (200.0, 20.0))
_HALO: Final = ((400.0, 50.0), (1000.0, 200.0))
_OTHERS: Final = ((30.0, 5.0), (100.0, 10.0), (200.0, 25.0), (400.0, 100.0), (1000.0, 300.0))

_IS_TILE: Final = np.array([layer.role == "tile" for layer in BARREL_LAYERS])
_STOCHASTIC: Final = np.where(_IS_TILE, 0.564, 0.101)
_CONSTANT: Final = np.where(_IS_TILE, 0.055, 0.002)
"""s (for energies in GeV) and c of each layer of the barrel."""


@cache
def fine_grid() -> VoxelGrid:
    """Build the grid of the average shapes: at least 16 bins in alpha where the energy is.

    Example:
        >>> fine_grid()
        VoxelGrid(FastCaloSimV2: 1800 voxels)
    """
    fine = {"strips": (*_STRIPS, *_HALO), "middle": (*_MIDDLE, *_HALO)}
    rings = {
        layer.number: _rings(fine[layer.role], 16) if layer.role in fine else _rings(_OTHERS, 8)
        for layer in BARREL_LAYERS
    }
    return VoxelGrid(rings, "FastCaloSimV2")


def _rings(steps: tuple[tuple[float, float], ...], n_alpha: int) -> tuple[Ring, ...]:
    """Build rings from their outer radii and radial widths."""
    starts = (0.0, *(r_max for r_max, _ in steps))
    return tuple(
        Ring(start, r_max, d_r, n_alpha)
        for start, (r_max, d_r) in zip(starts, steps, strict=False)
    )


@cache
def _halves() -> tuple[Int64[Array, " half"], Int64[Array, " half"]]:
    """List the voxels with alpha below pi, and for each that of the reflected alpha."""
    grid = fine_grid()
    upper = np.flatnonzero(grid.alpha_max <= math.pi * (1.0 + 1e-9))
    middle = grid.alpha_middle[upper]
    return upper, grid.find(grid.layer[upper], grid.r_middle[upper], 2.0 * math.pi - middle)


def fold(voxels: Float[Array, "event voxel"]) -> Float64[Array, "event half"]:
    """Add the voxels of `fine_grid` at alpha and -alpha.

    Args:
        voxels: Any quantity that adds up.

    Returns:
        Sums in the voxels with alpha below pi.
    """
    upper, lower = _halves()
    return np.asarray(voxels[:, upper].astype(np.float64) + voxels[:, lower])


@cache
def half_edges() -> tuple[Float64[Array, "half 4"], Int64[Array, " boundary"]]:
    """Give the edges of the voxels with alpha below pi, and where each layer begins and ends.

    Returns:
        Columns as `VoxelGrid.edges`, and boundaries as `VoxelGrid.layer_boundaries`.
    """
    grid = fine_grid()
    upper, _ = _halves()
    return grid.edges[upper], np.searchsorted(upper, grid.layer_boundaries).astype(np.int64)


def cumulative_shapes(shapes: Float[Array, "bin half"]) -> Float32[Array, "bin half"]:
    """Add shapes up, layer by layer.

    Args:
        shapes: Shares of the voxels with alpha below pi in the energy of their layer, up to a
            factor.

    Returns:
        Cumulative probabilities, which end at 1 in each layer; 0 in a layer without energy.
    """
    cumulative = np.zeros(shapes.shape, dtype=np.float32)
    _, boundaries = half_edges()
    for start, stop in pairwise(boundaries):
        sums = np.cumsum(shapes[:, start:stop], axis=1, dtype=np.float64)
        total = sums[:, -1:]
        np.divide(sums, total, out=sums, where=total > 0.0)
        cumulative[:, start:stop] = sums
    return cumulative


def draw_hit_counts(
    layer_energy: Float64[Array, "event layer"], uniforms: Float64[Array, "event layer"]
) -> Int64[Array, "event layer"]:
    """Draw how many hits each layer has, by inversion of Poisson's distribution.

    Args:
        layer_energy: Energy of each layer in MeV.
        uniforms: Numbers in [0, 1).

    Returns:
        1 or more where there is energy, 0 elsewhere.
    """
    has_energy = layer_energy > 0.0
    energy = np.where(has_energy, layer_energy, 1.0) / 1e3
    mean = 1.0 / (_STOCHASTIC**2 / energy + _CONSTANT**2)
    above = np.ceil(pdtrik(uniforms, mean))
    below = np.maximum(above - 1.0, 0.0)
    counts = np.where(pdtr(below, mean) >= uniforms, below, above)
    return np.where(has_energy, np.maximum(counts, 1.0), 0.0).astype(np.int64)


def place_hits(
    photons: Photons,
    layer_energy: Float64[Array, "event layer"],
    counts: Int64[Array, "event layer"],
    bins: Int64[Array, " event"],
    cumulative: Float32[Array, "bin half"],
    keys: UInt64[Array, " event"],
) -> Hits:
    """Draw hits round the photons' directions.

    Args:
        photons: Photons, which point at the shower centres.
        layer_energy: Energy of each layer in MeV.
        counts: Number of hits of each layer.
        bins: Which row of the shapes each shower has.
        cumulative: Shapes from `cumulative_shapes`.
        keys: Keys of the events' random numbers.

    Returns:
        Hits at the mean radii of their layers; those of a layer have the same energy.
    """
    offsets = np.concatenate([[0], np.cumsum(counts.sum(axis=1))]).astype(np.int64)
    n_hits = int(offsets[-1])
    eta, phi, r, energy = np.empty((4, n_hits), dtype=np.float32)
    layer = np.empty(n_hits, dtype=np.uint8)
    centers = np.ascontiguousarray(photons.eta), np.ascontiguousarray(photons.phi)
    _place_kernel(
        (*centers, atlas_barrel().radii(centers[0])),
        layer_energy,
        counts,
        (bins, cumulative, *half_edges(), np.array(BARREL_NUMBERS, dtype=np.uint8)),
        keys,
        (layer, eta, phi, r, energy),
    )
    return Hits(layer, eta, phi, r, energy, event_offsets=offsets, photons=photons)


@kernel()
def _draw(
    state: np.uint64, cumulative: Array, edges: Array, distances: Array, alphas: Array
) -> np.uint64:
    """Draw r and alpha of the hits of one layer; give the state of the stream."""
    for hit in range(distances.size):
        state, u_voxel = next_uniform(state)
        state, u_r = next_uniform(state)
        state, u_alpha = next_uniform(state)
        voxel = np.searchsorted(cumulative, u_voxel, side="right")
        r_min, r_max, alpha_min, alpha_max = edges[voxel]
        distances[hit] = r_min + (r_max - r_min) * u_r
        # only alpha below pi is stored; the same number chooses the side and the place in it
        is_reflected = u_alpha >= 0.5
        alpha = alpha_min + (alpha_max - alpha_min) * (2.0 * u_alpha - is_reflected)
        alphas[hit] = 2.0 * math.pi - alpha if is_reflected else alpha
    return state


@kernel()
def _place_kernel(
    centers: tuple[Array, Array, Array],
    layer_energy: Array,
    counts: Array,
    shapes: tuple[Array, Array, Array, Array, Array],
    keys: Array,
    columns: tuple[Array, Array, Array, Array, Array],
) -> None:
    eta_center, phi_center, radii = centers
    bins, cumulative, edges, boundaries, numbers = shapes
    layer, eta, phi, r, energy = columns
    most = counts.max() if counts.size else 0
    distances, alphas = np.empty(most), np.empty(most)
    start = 0
    for event in range(keys.size):
        state = keys[event]
        for position in range(numbers.size):
            n_hits = counts[event, position]
            if n_hits == 0:
                continue
            voxels = slice(boundaries[position], boundaries[position + 1])
            drawn = slice(start, start + n_hits)
            near, far = distances[:n_hits], alphas[:n_hits]
            state = _draw(state, cumulative[bins[event], voxels], edges[voxels], near, far)
            radius = radii[event, position]
            around = (eta_center[event], phi_center[event], radius)
            fill_eta_phi(near, far, *around, eta[drawn], phi[drawn])
            layer[drawn] = numbers[position]
            r[drawn] = radius
            energy[drawn] = layer_energy[event, position] / n_hits
            start += n_hits
