r"""Points in the planes of layers, unrolled on the cylinders of a detector.

A plane layer has points at (u, v) mm from the axis of the shower, u along the beam of the
detector and v around it. On a cylinder of radius r they lie at

$$\eta = \eta_\gamma + u / r, \quad \phi = \phi_\gamma + v / r,$$

so that the distances and angles about the axis, which are all that voxels know, are those of the
plane. True positions on a cylinder would be others: at 200 mm from the axis and r = 1500 mm, eta
differs by 0.3 %.
"""

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.geometry import Detector, wrap_phi
from calovox.hits import Hits
from calovox.photons import Photons

__all__ = ["hits_to_plane", "plane_to_hits"]


def plane_to_hits(
    detector: Detector,
    photons: Photons,
    event_offsets: Int64[Array, " offset"],
    position: Int64[Array, " point"],
    u: Float64[Array, " point"],
    v: Float64[Array, " point"],
    energy: Array,
) -> Hits:
    """Put points on the cylinders of a detector.

    Args:
        detector: The cylinders.
        photons: Their directions are the axes of the showers.
        event_offsets: Points of event i are the rows ``event_offsets[i]:event_offsets[i + 1]``.
        position: Place of the layer of each point among those of the detector.
        u: Distance from the axis towards larger eta in mm.
        v: Distance from the axis towards larger phi in mm.
        energy: Energies in MeV.

    Returns:
        The hits, in single precision.
    """
    event = np.repeat(np.arange(len(photons)), np.diff(event_offsets))
    radius = detector.radii(photons.eta)[event, position]
    phi = wrap_phi(photons.phi[event] + v / radius).astype(np.float32)
    below_pi = np.nextafter(np.float32(np.pi), np.float32(0.0))
    return Hits(
        layer=np.array(detector.numbers, dtype=np.uint8)[position],
        eta=(photons.eta[event] + u / radius).astype(np.float32),
        phi=np.clip(phi, -below_pi, below_pi),
        r=radius.astype(np.float32),
        energy=np.asarray(energy, dtype=np.float32),
        event_offsets=event_offsets,
        photons=photons,
    )


def hits_to_plane(
    detector: Detector, hits: Hits
) -> tuple[Int64[Array, " hit"], Float64[Array, " hit"], Float64[Array, " hit"]]:
    """Give the distances of hits from the directions of their photons: the way back.

    Args:
        detector: The cylinders.
        hits: The hits.

    Returns:
        Place of the layer of each hit among those of the detector, and its distances from the
        axis towards larger eta and phi in mm.
    """
    photons = hits.photons
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    position = detector.positions(hits.layer)
    radius = detector.radii(photons.eta)[event, position]
    u = (hits.eta.astype(np.float64) - photons.eta[event]) * radius
    v = wrap_phi(hits.phi.astype(np.float64) - photons.phi[event]) * radius
    return position, u, v
