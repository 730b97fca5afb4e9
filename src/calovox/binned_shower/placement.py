r"""Voxels become hits: where they lie inside their voxel.

`calovox.binned_shower.hit_energy` says how many hits a voxel has; all have the same energy.
A hit chooses the half of the voxel in alpha, then the half in r given that of alpha: together the
quarter with the probabilities of `SubVoxelProbabilities`. As in FastCaloSim's
``TFCSBinnedShower``,

- positions are uniform in r and in alpha (not in area) inside the chosen quarter;
- in the middle layer (EMB2) the radial halves are replaced by a linear density
  (`linear_quantile`), given the half in alpha, which stays binomial;
- without probabilities, positions are uniform in r and alpha inside the voxel.

The density of EMB2 (note, Figure 7) is, with r from 0 to 2 across the voxel and p the probability
of its inner half,

$$f(r) = 2 p - \tfrac12 + (1 - 2 p) r, \qquad f(\tfrac12) = p, \quad f(\tfrac32) = 1 - p,$$

whose inner half also integrates to p. It is non-negative for p in [0.25, 0.75], to which p is
clipped.

Hits hold eta and phi in single precision, which moves a point by up to 2e-7 of the layer's radius.
Hits are therefore kept away from the edges of their voxel by 2^-22 of that radius (less than
0.6 micrometres), so that voxelising them around the same centre gives the same voxels. A voxel
narrower than twice this cannot be kept to.

References:
    ATL-SOFT-PUB-2025-003, section 2.4, Figures 6 and 7.
    FastCaloSim, class ``TFCSBinnedShower``, Apache-2.0,
    https://gitlab.cern.ch/atlas-simulation-team/fastcalosim
"""

import math
from typing import Final

import numpy as np

from calovox.arrays import Array, Float, Float64
from calovox.binned_shower.hit_energy import HitEnergy, hit_count
from calovox.binned_shower.sub_voxels import SubVoxelProbabilities
from calovox.geometry import Detector, atlas_barrel
from calovox.geometry.single_precision import fill_eta_phi
from calovox.hits import Hits
from calovox.kernels import kernel
from calovox.photons import Photons
from calovox.random_streams import Stream, event_keys, next_uniform
from calovox.voxelization import Voxels

__all__ = ["centers_of", "describe_energy", "linear_quantile", "photons_of", "voxels_to_hits"]

_EDGE: Final = 2.0**-22


def linear_quantile(
    u: Float[Array, "*shape"], inner: Float[Array, "*shape"] | float
) -> Float64[Array, "*shape"]:
    r"""Invert the cumulative distribution of EMB2's linear radial density.

    $$r(u) = \frac{2 u}{c + \sqrt{c^2 + 2 (1 - 2 p) u}}, \qquad c = 2 p - \tfrac12$$

    Args:
        u: Numbers in [0, 1].
        inner: Probability p of the inner half; clipped to [0.25, 0.75].

    Returns:
        Positions r in [0, 2] across the voxel.

    Example:
        >>> linear_quantile(np.array([0.0, 0.6, 1.0]), 0.6)
        array([0., 1., 2.])
    """
    u = np.asarray(u, dtype=np.float64)
    inner = np.broadcast_to(np.asarray(inner, dtype=np.float64), u.shape)
    positions = np.empty(u.shape)
    _linear_kernel(u.ravel(), np.ravel(inner), positions.reshape(-1))
    return positions


def voxels_to_hits(
    voxels: Voxels,
    probabilities: SubVoxelProbabilities | None,
    *,
    seed: int,
    hit_energy: HitEnergy | None = None,
    detector: Detector | None = None,
) -> Hits:
    """Place hits in the voxels of showers.

    An event's hits depend on the seed, its voxels and its index, not on its batch.

    Args:
        voxels: Showers with centre and index.
        probabilities: Where hits lie inside their voxel; None for anywhere.
        seed: Seed of the run.
        hit_energy: Mean energy of a hit; None for the note's 4 and 6 MeV.
        detector: Where the layers lie, and which is the middle one; the built-in barrel by
            default.

    Returns:
        Hits around the shower centres, at the mean radii of their layers; their photons are those
        of the voxels, or point to the shower centre if the voxels have none.

    Raises:
        ValueError: If the voxels have no phi of the centre, no index, energies that are negative
            or not finite, or another grid than the probabilities; or the detector lacks a layer
            of the grid.
    """
    photons = photons_of(voxels)
    grid = voxels.grid
    if probabilities is None:
        probabilities = SubVoxelProbabilities.uniform(grid)
    elif probabilities.grid != grid:
        raise ValueError(
            f"sub-voxel probabilities: expected those of the voxels' grid ({grid.n_voxels} "
            f"voxels), got those of another one ({probabilities.grid.n_voxels} voxels)"
        )
    rule = HitEnergy() if hit_energy is None else hit_energy
    energy = np.ascontiguousarray(voxels.energy)
    counting = (energy, photons.energy, rule.of_events(voxels.eta_center), rule.max_hits)
    offsets = np.zeros(len(photons) + 1, dtype=np.int64)
    if not _count_kernel(*counting, offsets):
        raise ValueError(describe_energy(voxels))
    columns = _empty_columns(int(offsets[-1]))
    lower, weight = probabilities.bracket(photons.energy)
    quarters = (np.ascontiguousarray(probabilities.probabilities), lower, weight)
    keys = event_keys(seed, Stream.SUB_VOXELS, photons.index)
    detector = detector or atlas_barrel()
    centers = centers_of(voxels, detector)
    numbers = np.array(grid.numbers, dtype=np.uint8)
    is_linear = np.array(detector.has_role(grid.numbers, "middle"))
    where = (grid.layer_boundaries, grid.edges, numbers, is_linear)
    _fill_kernel(*counting, centers, where, quarters, keys, offsets, columns)
    return Hits(*columns, event_offsets=offsets, photons=photons)


def describe_energy(voxels: Voxels) -> str:
    """Name the first energy that is negative or not finite."""
    event, voxel = np.argwhere(~((voxels.energy >= 0) & (voxels.energy < np.inf)))[0]
    return (
        f"voxels: energies must be finite and not negative, got "
        f"{voxels.energy[event, voxel]} in event {event}, voxel {voxel}"
    )


def centers_of(voxels: Voxels, detector: Detector) -> tuple[Array, Array, Array]:
    """Return eta and phi of each shower centre, and its radius in each layer."""
    eta = np.ascontiguousarray(voxels.eta_center)
    radii = detector.radii(eta, voxels.grid.numbers)
    return eta, np.ascontiguousarray(voxels.phi_center), radii


def photons_of(voxels: Voxels) -> Photons:
    """Give the photons of showers, or photons that point to the shower centres.

    Args:
        voxels: Showers with centre and index.

    Returns:
        Their photons.

    Raises:
        ValueError: If the showers have no phi of the centre, or no index.
    """
    if voxels.phi_center is None:
        raise ValueError(
            "voxels: `phi_center` is needed to place hits; give the showers to photons with "
            "ShowerLibrary"
        )
    if voxels.index is None:
        raise ValueError("voxels: `index` is needed, the key of each event's random numbers")
    eta = voxels.eta_center if voxels.photon_eta is None else voxels.photon_eta
    phi = voxels.phi_center if voxels.photon_phi is None else voxels.photon_phi
    return Photons(
        energy=np.asarray(voxels.incident_energy, dtype=np.float64),
        eta=np.asarray(eta, dtype=np.float64),
        phi=np.asarray(phi, dtype=np.float64),
        index=voxels.index,
    )


def _empty_columns(n_hits: int) -> tuple[Array, Array, Array, Array, Array]:
    eta, phi, r, energy = np.empty((4, n_hits), dtype=np.float32)
    return np.empty(n_hits, dtype=np.uint8), eta, phi, r, energy


@kernel(inline="always")
def _linear(u: float, inner: float) -> float:
    """Invert the linear density; see `linear_quantile`."""
    inner = min(max(inner, 0.25), 0.75)
    start = 2.0 * inner - 0.5
    # written so that it holds for p = 1/2 as well, where the quadratic equation becomes linear
    square = max(start * start + 2.0 * (1.0 - 2.0 * inner) * u, 0.0)
    below = start + math.sqrt(square)
    return min(2.0 * u / below, 2.0) if below > 0.0 else 0.0


@kernel(inline="always")
def _two_steps(u: float, low: float) -> float:
    """Invert the density that is constant in both halves of [0, 2], with `low` in the first."""
    return u / low if u < low else 1.0 + (u - low) / (1.0 - low)


@kernel()
def _linear_kernel(u: Array, inner: Array, positions: Array) -> None:
    for point in range(u.size):
        positions[point] = _linear(u[point], inner[point])


@kernel()
def _count_kernel(
    energy: Array, incident_energy: Array, hit_energy: Array, max_hits: int, offsets: Array
) -> bool:
    """Fill in where the hits of each event end; False if an energy is negative or not finite."""
    n_good = 0
    for event in range(energy.shape[0]):
        total = 0
        for voxel in range(energy.shape[1]):
            n_good += 0.0 <= energy[event, voxel] < np.inf  # NaN does not count
            voxel_energy = energy[event, voxel] * incident_energy[event]
            total += hit_count(voxel_energy, hit_energy[event], max_hits)
        offsets[event + 1] = offsets[event] + total
    return n_good == energy.size


@kernel()
def _halves(probabilities: Array, lower: int, weight: float, voxel: int) -> tuple[float, ...]:
    """Interpolate; give P(alpha low), P(r low | alpha low), P(r low | alpha high)."""
    # columns: (alpha low, r low), (alpha high, r low), (alpha low, r high), (alpha high, r high)
    low = probabilities[lower, voxel]
    high = probabilities[min(lower + 1, probabilities.shape[0] - 1), voxel]
    inner_low = low[0] + weight * (high[0] - low[0])
    inner_high = low[1] + weight * (high[1] - low[1])
    alpha_low = inner_low + (low[2] + weight * (high[2] - low[2]))
    alpha_high = inner_high + (low[3] + weight * (high[3] - low[3]))
    r_given_low = inner_low / alpha_low if alpha_low > 0.0 else 0.5
    r_given_high = inner_high / alpha_high if alpha_high > 0.0 else 0.5
    return alpha_low / (alpha_low + alpha_high), r_given_low, r_given_high


@kernel(error_model="numpy")
def _draw(
    state: np.uint64,
    edges: Array,
    halves: tuple[float, ...],
    linear: bool,
    radius: float,
    distances: Array,
    alphas: Array,
) -> np.uint64:
    """Draw r and alpha of a voxel's hits, away from its edges; give the state of the stream."""
    # one step after the other, each a plain loop: the compiler makes vector instructions of it
    r_min, r_max, alpha_min, alpha_max = edges
    n_hits = distances.size
    alpha_low, r_given_low, r_given_high = halves
    half_r, half_alpha = 0.5 * (r_max - r_min), 0.5 * (alpha_max - alpha_min)
    # the stream is drawn first, in a fixed order: hits are the same whatever comes after
    for hit in range(n_hits):
        state, alphas[hit] = next_uniform(state)
        state, distances[hit] = next_uniform(state)
    for hit in range(n_hits):
        r_low = r_given_low if alphas[hit] < alpha_low else r_given_high
        u = distances[hit]
        distances[hit] = _linear(u, r_low) if linear else _two_steps(u, r_low)
    edge = _EDGE * radius
    # within 2 edge / half_alpha of the centre, there is no room between the sides of the voxel
    r_first = max(r_min + edge, 2.0 * edge / half_alpha)
    for hit in range(n_hits):
        r = min(max(r_min + half_r * distances[hit], r_first), r_max - edge)
        alpha = alpha_min + half_alpha * _two_steps(alphas[hit], alpha_low)
        alpha_edge = 1.25 * edge / r  # more than asin(edge / r), the angle of the edge
        distances[hit] = r
        alphas[hit] = min(max(alpha, alpha_min + alpha_edge), alpha_max - alpha_edge)
    return state


@kernel()
def _draw_layer(
    state: np.uint64,
    voxels: tuple[int, int],
    voxel_energies: Array,
    counting: tuple[float, float, int],
    edges: Array,
    quarters: tuple[Array, int, float],
    center: tuple[bool, float],
    hits: tuple[Array, Array, Array],
) -> tuple[np.uint64, int]:
    """Draw the hits of one event in one layer; give the state of the stream, and their number."""
    incident_energy, hit_energy, max_hits = counting
    probabilities, lower, weight = quarters
    linear, radius = center
    distances, alphas, share = hits
    n_drawn = 0
    for voxel in range(voxels[0], voxels[1]):
        voxel_energy = voxel_energies[voxel] * incident_energy
        n_hits = hit_count(voxel_energy, hit_energy, max_hits)
        if n_hits == 0:
            continue
        chosen = slice(n_drawn, n_drawn + n_hits)
        halves = _halves(probabilities, lower, weight, voxel)
        state = _draw(
            state, edges[voxel], halves, linear, radius, distances[chosen], alphas[chosen]
        )
        share[chosen] = voxel_energy / n_hits
        n_drawn += n_hits
    return state, n_drawn


@kernel()
def _fill_kernel(
    energy: Array,
    incident_energy: Array,
    hit_energy: Array,
    max_hits: int,
    centers: tuple[Array, Array, Array],
    where: tuple[Array, Array, Array, Array],
    quarters: tuple[Array, Array, Array],
    keys: Array,
    offsets: Array,
    columns: tuple[Array, Array, Array, Array, Array],
) -> None:
    layer_boundaries, edges, numbers, is_linear = where
    layer, eta, phi, r, share = columns
    # scratch for the largest event, taken once: r and alpha are not kept
    most = 0
    for event in range(energy.shape[0]):
        most = max(most, offsets[event + 1] - offsets[event])
    distances, alphas = np.empty(most), np.empty(most)
    for event in range(energy.shape[0]):
        state, stop = keys[event], offsets[event]
        counting = (incident_energy[event], hit_energy[event], max_hits)
        event_quarters = (quarters[0], quarters[1][event], quarters[2][event])
        for position in range(numbers.size):
            voxels = (layer_boundaries[position], layer_boundaries[position + 1])
            radius = centers[2][event, position]
            center = (is_linear[position], radius)
            hits = (distances, alphas, share[stop:])
            state, n_hits = _draw_layer(
                state, voxels, energy[event], counting, edges, event_quarters, center, hits
            )
            drawn = slice(stop, stop + n_hits)
            layer[drawn] = numbers[position]
            r[drawn] = radius
            around = (centers[0][event], centers[1][event], radius)
            fill_eta_phi(distances[:n_hits], alphas[:n_hits], *around, eta[drawn], phi[drawn])
            stop += n_hits
