r"""E_tot / E_kin and the shares of the layers against |eta_center| (note, Figure 12).

E_tot is the sum of the energies of all cells. Bins in |eta| are narrow at the electrode gaps,
|eta| = 0 and 0.8. Events outside the bins are counted.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.report.comparison import FEWEST_EVENTS
from calovox.report.topics.response.bins import ratio_edges
from calovox.samples.sample import Sample
from calovox.scores.averages import Profile, profile

__all__ = ["RESPONSE_ENERGIES", "Response", "measure_response"]

RESPONSE_ENERGIES: Final = (48.75e3, 97.5e3)
"""Kinetic energies in MeV of the events that are taken: 3/4 to 3/2 of 65 GeV."""

RESPONSE_LOWEST_ENERGY: Final = 10e3
"""Lowest kinetic energy in a sample without `RESPONSE_ENERGIES`: below, fluctuations hide dips."""

_ETA_EDGES: Final = np.concatenate(
    [
        np.linspace(0.0, 0.05, 4, endpoint=False),
        np.linspace(0.05, 0.75, 28, endpoint=False),
        np.linspace(0.75, 0.825, 6, endpoint=False),
        np.linspace(0.825, 1.35, 22),
    ]
).round(4)
_FEWEST_IN_BIN: Final = 5
_N_RATIO_BINS: Final = 80


@dataclass(frozen=True)
class Response:
    """E_tot over kinetic energy, and layer fractions, against |eta_center|.

    Attributes:
        label: Name of the sample.
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
        """Events at larger |eta| than the bins."""
        return self.n_events - int(self.profile.count.sum())

    @property
    def n_sparse(self) -> int:
        """Events in bins of |eta| with too few for a mean."""
        return int(self.profile.count[~np.isfinite(self.profile.mean)].sum())


def measure_response(
    sample: Sample,
    reference: Response | None = None,
    *,
    energies: tuple[float, float] = RESPONSE_ENERGIES,
) -> Response | None:
    """Measure E_tot / E_kin and the layer fractions against |eta_center|.

    Args:
        sample: Reconstructed showers.
        reference: Where the bins in E_tot / E_kin come from; the sample itself if none is given.
        energies: Kinetic energies in MeV of the events that are taken. If fewer than
            `FEWEST_EVENTS` have them, all above 10 GeV are taken.

    Returns:
        Histogram and profiles; none if no event has enough energy.
    """
    visible = sample.shapes.layer_energy.sum(axis=1) > 0
    wanted = (sample.energy >= energies[0]) & (sample.energy <= energies[1])
    if np.count_nonzero(visible & wanted) < FEWEST_EVENTS:
        wanted = sample.energy >= RESPONSE_LOWEST_ENERGY
    chosen = visible & wanted
    if not np.any(chosen):
        return None
    energy = sample.energy[chosen]
    eta = np.abs(sample.eta_center[chosen])
    layers = sample.shapes.layer_energy[chosen]
    ratio = layers.sum(axis=1) / energy
    edges = ratio_edges(ratio, _N_RATIO_BINS) if reference is None else reference.ratio_edges
    inside = eta < _ETA_EDGES[-1]
    counts, _, _ = np.histogram2d(eta[inside], ratio[inside], bins=(_ETA_EDGES, edges))
    shares = layers / layers.sum(axis=1, keepdims=True)
    return Response(
        label=sample.label,
        energies=(float(energy.min()), float(energy.max())),
        ratio_edges=edges,
        counts=counts.astype(np.int64),
        n_events=len(energy),
        n_invisible=int(np.count_nonzero(wanted & ~visible)),
        n_low=int(np.count_nonzero(inside & (ratio < edges[0]))),
        n_high=int(np.count_nonzero(inside & (ratio > edges[-1]))),
        profile=profile(eta, ratio, _ETA_EDGES, fewest=_FEWEST_IN_BIN),
        fractions=tuple(
            profile(eta, share, _ETA_EDGES, fewest=_FEWEST_IN_BIN) for share in shares.T
        ),
        layers=tuple(f"{name} ({number})" for number, name in sample.layer_names.items()),
    )
