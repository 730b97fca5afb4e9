r"""From Geant4's energy deposits to hits at the electromagnetic scale.

Deposits lie along steps of particles. A step longer than a merging cell (0.5 mm across the
direction of the photon, 5 mm along it) is cut into equal pieces, each with its share of the
energy at its middle. The pieces are turned to the phi of the photon, mirrored if its eta is
negative, assigned to layers by radius and eta, and multiplied by
collected charge / sampling fraction.

Positions are rounded to multiples of 2^-18 in eta and phi (0.004 mm at most) before anything is
looked up with them, because hits are stored with that precision: the average of rounded
positions, rounded again, lies between them, so that a merged hit is found in the same cell as
its parts.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float64, UInt8
from calovox.geant4.charge import ACCORDION, ElectrodeGaps, TruePhiModulation
from calovox.geant4.engine import Deposits
from calovox.geant4.sampling import SamplingFractions
from calovox.geometry import BARREL_NUMBERS, NO_LAYER, layer_of_deposit
from calovox.geometry.coordinates import wrap_phi_kernel
from calovox.hits import Hits
from calovox.kernels import kernel
from calovox.photons import Photons

__all__ = ["Response", "deposits_to_hits"]

_ACROSS: Final = 0.5
_ALONG: Final = 5.0
_MOST_PIECES: Final = 64
_ANGLE_STEPS: Final = 2.0**18
_PHI_LIMIT: Final = math.floor(math.pi * _ANGLE_STEPS) / _ANGLE_STEPS


@dataclass(frozen=True)
class Response:
    """What turns released energy into the energy of a hit.

    Attributes:
        sampling: Sampling fractions.
        gaps: Loss of charge at the ends of the electrodes; None for none.
        modulation: Modulation in phi; None for none.
    """

    sampling: SamplingFractions = field(default_factory=SamplingFractions)
    gaps: ElectrodeGaps | None = field(default_factory=ElectrodeGaps)
    modulation: TruePhiModulation | None = field(default_factory=TruePhiModulation)

    def factors(
        self,
        layers: UInt8[Array, " hit"],
        etas: Float64[Array, " hit"],
        phis: Float64[Array, " hit"],
    ) -> Float64[Array, " hit"]:
        """Evaluate the factor on the released energy of each deposit.

        Args:
            layers: Layer numbers.
            etas: Pseudorapidities.
            phis: Azimuths in rad.

        Returns:
            Collected charge over sampling fraction.
        """
        factors = 1.0 / self.sampling.of_deposits(layers, etas)
        for layer in BARREL_NUMBERS:
            rows = np.flatnonzero(layers == layer)
            if self.gaps is not None and layer in ACCORDION:
                factors[rows] *= self.gaps(etas[rows])
            if self.modulation is not None:
                factors[rows] *= self.modulation(layer, phis[rows])
        return factors

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters, for the provenance of a file."""
        return {
            "sampling_fractions": vars(self.sampling),
            "electrode_gaps": None if self.gaps is None else vars(self.gaps),
            "phi_modulation": None if self.modulation is None else self.modulation.to_dict(),
        }


def deposits_to_hits(deposits: Deposits, photons: Photons, response: Response) -> Hits:
    """Turn deposits into hits, one or more for each deposit.

    Deposits that no layer reads out are dropped (no shell of the built-in detector that records
    lies outside the layers).

    Args:
        deposits: Deposits in the frame of the detector model.
        photons: The photon of each event.
        response: Sampling fractions and collected charge.

    Returns:
        Hits that are not merged yet, in the order of the deposits; 32-bit columns.
    """
    abs_eta = np.abs(photons.eta)
    pieces = np.empty(len(deposits.energy), dtype=np.int64)
    _count_kernel(deposits.start, deposits.end, deposits.event_offsets, abs_eta, pieces)
    offsets = np.concatenate([[0], np.cumsum(pieces)])
    eta, phi, r, energy = np.empty((4, int(offsets[-1])))
    mirror = np.where(photons.eta < 0, -1.0, 1.0)
    _split_kernel(
        (deposits.start, deposits.end, deposits.energy),
        deposits.event_offsets,
        offsets,
        mirror,
        photons.phi,
        (eta, phi, r, energy),
    )
    event_offsets = offsets[deposits.event_offsets].astype(np.int64)
    layers = layer_of_deposit(r, eta)
    # deposits between the layers, in cryostats and supports, are not read out
    kept = layers != NO_LAYER
    if not np.all(kept):
        event_offsets = np.concatenate([[0], np.cumsum(kept)])[event_offsets].astype(np.int64)
        layers, eta, phi, r, energy = (part[kept] for part in (layers, eta, phi, r, energy))
    energy *= response.factors(layers, eta, phi)
    return Hits(
        layer=layers,
        eta=eta.astype(np.float32),
        phi=phi.astype(np.float32),
        r=r.astype(np.float32),
        energy=energy.astype(np.float32),
        event_offsets=event_offsets,
        photons=photons,
    )


@kernel()
def _count_kernel(
    start: Array, end: Array, event_offsets: Array, abs_eta: Array, pieces: Array
) -> None:
    for event in range(abs_eta.size):
        along_x = 1.0 / math.cosh(abs_eta[event])
        along_z = math.tanh(abs_eta[event])
        for row in range(event_offsets[event], event_offsets[event + 1]):
            x = end[row, 0] - start[row, 0]
            y = end[row, 1] - start[row, 1]
            z = end[row, 2] - start[row, 2]
            along = abs(x * along_x + z * along_z) / _ALONG
            across = max(abs(y), abs(z * along_x - x * along_z)) / _ACROSS
            # no piece longer than a merging cell, but a limit for long steps
            pieces[row] = min(max(1, math.ceil(max(along, across))), _MOST_PIECES)


@kernel()
def _split_kernel(
    deposits: tuple[Array, Array, Array],
    event_offsets: Array,
    piece_offsets: Array,
    mirror: Array,
    phi_photon: Array,
    hits: tuple[Array, Array, Array, Array],
) -> None:
    start, end, energy = deposits
    eta, phi, r, hit_energy = hits
    for event in range(mirror.size):
        for row in range(event_offsets[event], event_offsets[event + 1]):
            first = piece_offsets[row]
            n_pieces = piece_offsets[row + 1] - first
            for piece in range(n_pieces):
                t = (piece + 0.5) / n_pieces  # the middle of each piece
                x = start[row, 0] + t * (end[row, 0] - start[row, 0])
                y = start[row, 1] + t * (end[row, 1] - start[row, 1])
                z = start[row, 2] + t * (end[row, 2] - start[row, 2])
                hit = first + piece
                r[hit] = math.sqrt(x * x + y * y)
                # Geant4 runs at phi = 0 and eta > 0; the shower is turned and mirrored afterwards
                angle = wrap_phi_kernel(math.atan2(y, x) + phi_photon[event])
                angle = round(angle * _ANGLE_STEPS) / _ANGLE_STEPS
                # rounding may reach pi, which lies outside of [-pi, pi)
                phi[hit] = min(max(angle, -_PHI_LIMIT), _PHI_LIMIT)
                rapidity = mirror[event] * math.asinh(z / r[hit])
                eta[hit] = round(rapidity * _ANGLE_STEPS) / _ANGLE_STEPS
                hit_energy[hit] = energy[row] / n_pieces
