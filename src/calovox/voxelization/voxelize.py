r"""Hits to voxels.

The shower centre is the energy-weighted mean of eta and phi of all hits of the event, or the
photon's own direction on request, and always if the hits of an event do not have a positive sum.
A mean outside of all hits, which only negative energies make, is no centre: it is refused.
In every layer the centre has this eta and phi, and the layer's mean radius at this eta.

Hits outside the outermost ring are dropped. Then, in each layer of each event, voxels with
negative energy are set to zero and the others scaled such that the energy of the layer does not
change; a layer whose energy is not positive is set to zero as a whole. The fraction of the kinetic
energy that is dropped in either way is part of the result, so that

$$\sum_\mathrm{voxels} v + f_\mathrm{dropped} = \sum_\mathrm{hits} E / E_\mathrm{kin}.$$

References:
    ATLAS Collaboration, *Photon showers in the ATLAS fast calorimeter simulation: A voxelized
    dataset with minimized information loss and improved ML models*, ATL-SOFT-PUB-2025-003 (2025),
    section 2.2.
"""

import math
from typing import Final, Literal

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geometry.barrel import atlas_barrel
from calovox.geometry.coordinates import polar_kernel, wrap_phi_kernel
from calovox.geometry.detector import Detector
from calovox.geometry.layers import layer_positions
from calovox.hits.hits import Hits
from calovox.kernels import kernel
from calovox.voxelization.grid import VoxelGrid
from calovox.voxelization.lookup import GridLookup, find_voxel
from calovox.voxelization.voxels import Voxels

__all__ = ["hits_to_voxels", "shower_centers"]

_ROUNDING: Final = 1e-5


@kernel()
def _centers_kernel(
    eta: Array,
    phi: Array,
    energy: Array,
    offsets: Array,
    eta_center: Array,
    phi_center: Array,
) -> int:
    """Fill in the centres; give the first event whose mean is no centre, -1 if there is none."""
    # on entry the centres hold the direction of the photon, round which phi is averaged: a shower
    # on both sides of +-pi would else have its mean on the far side of the detector
    for event in range(eta_center.size):
        origin = phi_center[event]
        total = 0.0
        sum_eta = 0.0
        sum_phi = 0.0
        lowest, highest = math.inf, -math.inf
        for hit in range(offsets[event], offsets[event + 1]):
            # products in double precision, whatever the columns are
            weight = np.float64(energy[hit])
            total += weight
            sum_eta += weight * eta[hit]
            sum_phi += weight * wrap_phi_kernel(phi[hit] - origin)
            lowest, highest = min(lowest, eta[hit]), max(highest, eta[hit])
        if total > 0.0:  # else the photon's direction stays
            eta_center[event] = sum_eta / total
            if not lowest - _ROUNDING <= eta_center[event] <= highest + _ROUNDING:
                return event
            phi_center[event] = wrap_phi_kernel(origin + sum_phi / total)
    return -1


@kernel()
def _remove_negative(voxels: Array) -> float:
    """Treat one layer of one event in place; return the energy that had to be dropped."""
    total = 0.0
    positive = 0.0
    for voxel in range(voxels.size):
        total += voxels[voxel]
        if voxels[voxel] > 0.0:
            positive += voxels[voxel]
    if positive == total:  # the usual case: nothing is negative
        return 0.0
    scale = total / positive if total > 0.0 else 0.0
    for voxel in range(voxels.size):
        voxels[voxel] = max(voxels[voxel], 0.0) * scale
    return total if total <= 0.0 else 0.0


@kernel()
def _voxelize_kernel(
    hits: tuple[Array, ...],
    offsets: Array,
    position_of_layer: Array,
    centers: tuple[Array, Array, Array],
    kinetic_energy: Array,
    boundaries: Array,
    lookup: GridLookup,
    fractions: Array,
    dropped_fraction: Array,
) -> bool:
    """Fill in the fractions of all events; False if a hit has a layer that the grid lacks."""
    layer, eta, phi, energy = hits
    eta_center, phi_center, r_center = centers
    # sums in double precision; `fractions` may be in single precision
    voxels = np.empty(fractions.shape[1])
    for event in range(fractions.shape[0]):
        voxels[:] = 0.0
        dropped = 0.0
        for hit in range(offsets[event], offsets[event + 1]):
            position = position_of_layer[layer[hit]]
            if position < 0:
                return False
            r, alpha = polar_kernel(
                eta[hit],
                phi[hit],
                eta_center[event],
                phi_center[event],
                r_center[event, position],
            )
            voxel = find_voxel(position, r, alpha, lookup)
            if voxel < 0:
                dropped += energy[hit]
            else:
                voxels[voxel] += energy[hit]
        for position in range(boundaries.size - 1):
            dropped += _remove_negative(voxels[boundaries[position] : boundaries[position + 1]])
        fractions[event] = voxels / kinetic_energy[event]
        dropped_fraction[event] = dropped / kinetic_energy[event]
    return True


def shower_centers(hits: Hits) -> tuple[Float64[Array, " event"], Float64[Array, " event"]]:
    """Compute the energy-weighted centre of all hits of each event.

    Args:
        hits: The events; phi is averaged around the photon's, so that it may cross +-pi.

    Returns:
        Pseudorapidity, and azimuth in [-pi, pi); the photon's direction where the energies of
        the hits do not have a positive sum.

    Raises:
        ValueError: If positive and negative energies of an event cancel, so that the mean of eta
            lies outside of all its hits.
    """
    eta_center = hits.photons.eta.copy()
    phi_center = hits.photons.phi.copy()
    wrong = _centers_kernel(
        np.ascontiguousarray(hits.eta),
        np.ascontiguousarray(hits.phi),
        np.ascontiguousarray(hits.energy),
        np.ascontiguousarray(hits.event_offsets),
        eta_center,
        phi_center,
    )
    if wrong >= 0:
        energy = hits[wrong : wrong + 1].energy.astype(np.float64)
        raise ValueError(
            f"hits: the energies of event {hits.photons.index[wrong]} cancel: their sum is "
            f"{energy.sum():.4g} MeV, that of their absolute values {np.abs(energy).sum():.4g} "
            f"MeV, and the centre would lie at eta = {eta_center[wrong]:.4g}: leave the event out"
        )
    return eta_center, phi_center


def hits_to_voxels(
    hits: Hits,
    grid: VoxelGrid,
    *,
    center: Literal["hits", "photon"] = "hits",
    detector: Detector | None = None,
) -> Voxels:
    """Sum the energies of hits in voxels around the shower centre.

    Args:
        hits: The events.
        grid: The voxels.
        center: Whether the shower centre is that of the hits, or the direction of the photon.
        detector: Where the layers of the grid lie; the built-in barrel by default.

    Returns:
        Voxel energies as fractions of the kinetic energy, with what was dropped.

    Raises:
        ValueError: If `center` is none of the two, or the grid lacks the layer of a hit, or the
            detector one of the grid, or the energies of an event cancel.
    """
    if center not in ("hits", "photon"):
        raise ValueError(f"hits_to_voxels: expected `center` hits or photon, got {center}")
    photons = hits.photons
    eta, phi = shower_centers(hits) if center == "hits" else (photons.eta, photons.phi)
    r_center = (detector or atlas_barrel()).radii(np.ascontiguousarray(eta), grid.numbers)
    fractions = np.empty((len(hits), grid.n_voxels), dtype=np.float32)
    dropped = np.empty(len(hits))
    columns = (hits.layer, hits.eta, hits.phi, hits.energy)
    complete = _voxelize_kernel(
        tuple(map(np.ascontiguousarray, columns)),
        np.ascontiguousarray(hits.event_offsets),
        grid.positions,
        (np.ascontiguousarray(eta), np.ascontiguousarray(phi), r_center),
        np.ascontiguousarray(photons.energy),
        grid.layer_boundaries,
        grid.lookup,
        fractions,
        dropped,
    )
    if not complete:
        layer_positions(hits.layer, grid.positions)  # raises the error that names the layer
    return Voxels(
        grid=grid,
        energy=fractions,
        incident_energy=photons.energy,
        eta_center=eta,
        phi_center=phi,
        dropped_fraction=dropped,
        index=photons.index,
        photon_eta=photons.eta,
        photon_phi=photons.phi,
        weight=photons.weight,
        interaction_radius=photons.interaction_radius,
    )
