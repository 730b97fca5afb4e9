r"""E_tot / E_kin near the electrode gaps: maps, and histograms in slices of |eta| (Figure 12).

At |eta| = 0 and 0.8 one electrode ends and the next begins. Within a few thousandths of eta the
collected charge drops and the distribution widens; only slices as narrow as this tell whether a
simulation follows event by event or on average. Bins in E_tot / E_kin come from the reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.evaluation.comparison import FEWEST_EVENTS, ObservableResult, compare_values
from calovox.evaluation.metrics import robust_range
from calovox.evaluation.samples import Sample

__all__ = [
    "ETA_SLICES",
    "GAP_RANGE",
    "EtaSlice",
    "ResponseMap",
    "SlicedResponse",
    "slice_response",
]

GAP_RANGE: Final = (0.75, 0.85)
"""Range of |eta_center| of the maps, as in Figure 12 (b)."""

ETA_SLICES: Final = (
    (0.0, 0.01),
    (0.01, 0.05),
    (0.20, 0.25),
    (0.75, 0.77),
    (0.77, 0.785),
    (0.785, 0.80),
    (0.80, 0.815),
    (0.815, 0.83),
    (0.83, 0.85),
)
"""Slices of |eta_center|: the gap at 0, the middle of the barrel, across the gap at 0.8."""

_N_ETA_BINS: Final = 40
_N_RATIO_BINS: Final = 60


@dataclass(frozen=True)
class ResponseMap:
    """Events of one sample in |eta_center| and E_tot / E_kin.

    Attributes:
        label: Name of the sample.
        eta_edges: Borders of the bins in |eta_center|.
        ratio_edges: Borders of the bins in E_tot / E_kin, those of the reference.
        counts: Events in each bin.
        n_events: Events in the range of |eta_center|, those of any E_tot included.
    """

    label: str
    eta_edges: Float64[Array, " eta_edge"]
    ratio_edges: Float64[Array, " ratio_edge"]
    counts: Int64[Array, "eta_bin ratio_bin"]
    n_events: int

    @property
    def n_outside(self) -> int:
        """Events above or below the bins in E_tot / E_kin."""
        return self.n_events - int(self.counts.sum())


@dataclass(frozen=True)
class EtaSlice:
    """E_tot / E_kin in one slice of |eta_center|.

    Attributes:
        eta_low: Lowest |eta_center|.
        eta_high: Highest |eta_center|, not included.
        observable: Histograms and chi2.
    """

    eta_low: float
    eta_high: float
    observable: ObservableResult


@dataclass(frozen=True)
class SlicedResponse:
    """E_tot / E_kin near the electrode gaps.

    Attributes:
        energies: Lowest and highest kinetic energy in MeV.
        maps: The reference, then simulations with events; empty if the reference has too few.
        slices: Slices with enough events of the reference.
        too_few: Slices in which the reference has events, but under `FEWEST_EVENTS`.
    """

    energies: tuple[float, float]
    maps: tuple[ResponseMap, ...]
    slices: tuple[EtaSlice, ...]
    too_few: tuple[tuple[float, float], ...]


def slice_response(samples: Sequence[Sample], energies: tuple[float, float]) -> SlicedResponse:
    """Compare E_tot / E_kin of simulations with the reference, slice by slice in |eta_center|.

    Args:
        samples: The reference, then simulations.
        energies: Lowest and highest kinetic energy in MeV of the events that count.

    Returns:
        Maps and slices.
    """
    columns = [_response(sample, energies) for sample in samples]
    labels = [sample.label for sample in samples]
    simulated = [(label, place) for place, label in enumerate(labels[1:])]
    slices, too_few = [], []
    for low, high in ETA_SLICES:
        values = [ratio[(eta >= low) & (eta < high)] for eta, ratio in columns]
        if len(values[0]) >= FEWEST_EVENTS:
            result = compare_values("e_tot_over_e_kin", values, simulated)
            slices.append(EtaSlice(low, high, result))
        elif len(values[0]) > 0:
            too_few.append((low, high))
    return SlicedResponse(energies, _maps(columns, labels), tuple(slices), tuple(too_few))


def _response(
    sample: Sample, energies: tuple[float, float]
) -> tuple[Float64[Array, " event"], Float64[Array, " event"]]:
    total = sample.shapes.layer_energy.sum(axis=1)
    chosen = (total > 0) & (sample.energy >= energies[0]) & (sample.energy <= energies[1])
    ratio = total[chosen] / sample.energy[chosen]
    return np.abs(sample.eta_center[chosen]), np.asarray(ratio, dtype=np.float64)


def _maps(
    columns: Sequence[tuple[Float64[Array, " _"], Float64[Array, " _"]]], labels: Sequence[str]
) -> tuple[ResponseMap, ...]:
    low, high = GAP_RANGE
    inside = [(eta >= low) & (eta < high) for eta, _ in columns]
    if np.count_nonzero(inside[0]) < FEWEST_EVENTS:
        return ()
    bottom, top = robust_range(columns[0][1][inside[0]], quantile=0.002, half_widths=10.0)
    margin = 0.1 * (top - bottom) + 1e-3
    eta_edges = np.linspace(low, high, _N_ETA_BINS + 1)
    ratio_edges = np.linspace(bottom - margin, top + margin, _N_RATIO_BINS + 1)
    maps = []
    for (eta, ratio), chosen, label in zip(columns, inside, labels, strict=True):
        n_events = int(np.count_nonzero(chosen))
        counts, _, _ = np.histogram2d(eta[chosen], ratio[chosen], bins=(eta_edges, ratio_edges))
        if n_events > 0:
            counts = counts.astype(np.int64)
            maps.append(ResponseMap(label, eta_edges, ratio_edges, counts, n_events))
    return tuple(maps)
