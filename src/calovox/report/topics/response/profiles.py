r"""E_tot / E_kin and the shares of the layers against |eta_center| (note, Figure 12).

E_tot is the sum of the energies of all cells. Bins in |eta| of the barrel are narrow at the
electrode gaps, |eta| = 0 and 0.8. Events outside the bins are counted.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.photons import Particle
from calovox.report.comparison import FEWEST_EVENTS
from calovox.report.topics.response.bins import ratio_edges
from calovox.report.topics.response.ranges import BARREL_RANGES, ResponseRanges
from calovox.samples.sample import Sample
from calovox.scores.averages import Profile, profile

__all__ = ["Response", "measure_response"]

_FEWEST_IN_BIN: Final = 5
_N_RATIO_BINS: Final = 80


@dataclass(frozen=True)
class Response:
    """E_tot over kinetic energy, and layer fractions, against |eta_center|.

    Attributes:
        label: Name of the sample.
        particle: What made its showers.
        energies: Lowest and highest kinetic energy in MeV.
        ratio_edges: Borders of the bins in E_tot / E_kin.
        counts: Events in bins of |eta| and of E_tot / E_kin.
        n_events: All events, those outside the bins included.
        n_invisible: Events of these energies without energy in any cell, not among `n_events`.
        n_low: Events within the bins of |eta|, below those in E_tot / E_kin.
        n_high: Events within the bins of |eta|, above those in E_tot / E_kin.
        profile: Mean and standard deviation of E_tot / E_kin in bins of |eta|.
        fractions: Profile of the share of each layer, by rising number of the layer.
        layers: Names and numbers of these layers, as they are shown.
    """

    label: str
    particle: Particle
    energies: tuple[float, float]
    ratio_edges: Float64[Array, " edge"]
    counts: Int64[Array, "eta_bin ratio_bin"]
    n_events: int
    n_invisible: int
    n_low: int
    n_high: int
    profile: Profile
    fractions: tuple[Profile, ...]
    layers: tuple[str, ...]

    @property
    def n_beyond(self) -> int:
        """Events outside the bins in |eta|."""
        return self.n_events - int(self.profile.count.sum())

    @property
    def n_sparse(self) -> int:
        """Events in bins of |eta| with too few for a mean."""
        return int(self.profile.count[~np.isfinite(self.profile.mean)].sum())


def measure_response(
    sample: Sample,
    reference: Response | None = None,
    *,
    ranges: ResponseRanges = BARREL_RANGES,
) -> Response | None:
    """Measure E_tot / E_kin and the layer fractions against |eta_center|.

    Args:
        sample: Reconstructed showers.
        reference: Where the bins in E_tot / E_kin come from; the sample itself if none is given.
        ranges: Energies and bins. If fewer than `FEWEST_EVENTS` have these energies, all above
            the lowest energy are taken.

    Returns:
        Histogram and profiles; none if no event has enough energy.
    """
    visible = sample.shapes.layer_energy.sum(axis=1) > 0
    wanted = (sample.energy >= ranges.energies[0]) & (sample.energy <= ranges.energies[1])
    if np.count_nonzero(visible & wanted) < FEWEST_EVENTS:
        wanted = sample.energy >= ranges.lowest_energy
    chosen = visible & wanted
    if not np.any(chosen):
        return None
    energy = sample.energy[chosen]
    eta = np.abs(sample.eta_center[chosen])
    layers = sample.shapes.layer_energy[chosen]
    ratio = layers.sum(axis=1) / energy
    edges = ratio_edges(ratio, _N_RATIO_BINS) if reference is None else reference.ratio_edges
    eta_edges = ranges.eta_edges
    inside = (eta >= eta_edges[0]) & (eta < eta_edges[-1])
    counts, _, _ = np.histogram2d(eta[inside], ratio[inside], bins=(eta_edges, edges))
    shares = layers / layers.sum(axis=1, keepdims=True)
    return Response(
        label=sample.label,
        particle=sample.voxels.particle,
        energies=(float(energy.min()), float(energy.max())),
        ratio_edges=edges,
        counts=counts.astype(np.int64),
        n_events=len(energy),
        n_invisible=int(np.count_nonzero(wanted & ~visible)),
        n_low=int(np.count_nonzero(inside & (ratio < edges[0]))),
        n_high=int(np.count_nonzero(inside & (ratio > edges[-1]))),
        profile=profile(eta, ratio, eta_edges, fewest=_FEWEST_IN_BIN),
        fractions=tuple(
            profile(eta, share, eta_edges, fewest=_FEWEST_IN_BIN) for share in shares.T
        ),
        layers=tuple(f"{name} ({number})" for number, name in sample.layer_names.items()),
    )
