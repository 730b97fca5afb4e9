r"""E_tot / E_kin near the electrode gaps: maps, and histograms in slices of |eta| (Figure 12).

In the barrel, one electrode ends at |eta| = 0 and 0.8, and the next begins. Within a few
thousandths of eta the collected charge drops and the distribution widens. Slices as narrow as this
tell whether a simulation follows event by event or only on average. Of other detectors, slices are
ranges of |eta|, and there are no maps. E_tot is the sum of all cells. Bins in E_tot / E_kin come
from the reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.photons import Particle
from calovox.report.comparison import FEWEST_EVENTS, ObservableResult, compare_values
from calovox.report.topics.response.bins import ratio_edges
from calovox.report.topics.response.ranges import ETA_SLICES, GAP_RANGE
from calovox.samples.comparable import PhotonKeys
from calovox.samples.sample import Sample

__all__ = [
    "EtaSlice",
    "ResponseMap",
    "SlicedResponse",
    "slice_response",
]

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
        n_low: Events below the bins in E_tot / E_kin.
        n_high: Events above them.
    """

    label: str
    eta_edges: Float64[Array, " eta_edge"]
    ratio_edges: Float64[Array, " ratio_edge"]
    counts: Int64[Array, "eta_bin ratio_bin"]
    n_low: int
    n_high: int

    @property
    def n_events(self) -> int:
        """Events in the range of |eta_center|, those of any E_tot included."""
        return int(self.counts.sum()) + self.n_low + self.n_high


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
        particle: What made the showers of the reference.
        gap_range: Range of |eta_center| of the maps; None for none.
        maps: The reference, then simulations with events; empty if the reference has too few.
        slices: Slices with enough events of the reference.
        too_few: Slices in which the reference has events, but under `FEWEST_EVENTS`.
    """

    energies: tuple[float, float]
    particle: Particle
    gap_range: tuple[float, float] | None
    maps: tuple[ResponseMap, ...]
    slices: tuple[EtaSlice, ...]
    too_few: tuple[tuple[float, float], ...]


def slice_response(
    samples: Sequence[Sample],
    energies: tuple[float, float],
    *,
    gap_range: tuple[float, float] | None = GAP_RANGE,
    eta_slices: Sequence[tuple[float, float]] = ETA_SLICES,
) -> SlicedResponse:
    """Compare E_tot / E_kin of simulations with the reference, slice by slice in |eta_center|.

    Args:
        samples: The reference, then simulations.
        energies: Lowest and highest kinetic energy in MeV of the events that count.
        gap_range: Range of |eta_center| of the maps; None for none.
        eta_slices: Lowest |eta_center| of each slice, and the highest, not included.

    Returns:
        Maps and slices.

    Raises:
        ValueError: If a range is empty.
    """
    for low, high in (*([] if gap_range is None else [gap_range]), *eta_slices):
        if not 0 <= low < high:
            raise ValueError(f"|eta_center|: expected 0 <= low < high, got {low:g} and {high:g}")
    columns = [_response(sample, energies) for sample in samples]
    labels = [sample.label for sample in samples]
    simulated = [(label, place) for place, label in enumerate(labels[1:])]
    slices, too_few = [], []
    for low, high in eta_slices:
        inside = [(eta >= low) & (eta < high) for eta, _, _ in columns]
        values = [ratio[rows] for (_, ratio, _), rows in zip(columns, inside, strict=True)]
        if len(values[0]) >= FEWEST_EVENTS:
            photons = [
                PhotonKeys(energy[rows], eta[rows])
                for (eta, _, energy), rows in zip(columns, inside, strict=True)
            ]
            result = compare_values("e_tot_over_e_kin", values, simulated, photons)
            slices.append(EtaSlice(low, high, result))
        elif len(values[0]) > 0:
            too_few.append((low, high))
    maps = () if gap_range is None else _maps(columns, labels, gap_range)
    particle = samples[0].voxels.particle
    return SlicedResponse(energies, particle, gap_range, maps, tuple(slices), tuple(too_few))


def _response(
    sample: Sample, energies: tuple[float, float]
) -> tuple[Float64[Array, " event"], Float64[Array, " event"], Float64[Array, " event"]]:
    """Give abs(eta), E_tot / E_kin and energy of the events that count."""
    total = sample.shapes.layer_energy.sum(axis=1)
    chosen = (total > 0) & (sample.energy >= energies[0]) & (sample.energy <= energies[1])
    ratio = total[chosen] / sample.energy[chosen]
    eta = np.abs(sample.eta_center[chosen])
    return eta, np.asarray(ratio, dtype=np.float64), sample.energy[chosen]


def _maps(
    columns: Sequence[tuple[Float64[Array, " _"], Float64[Array, " _"], Float64[Array, " _"]]],
    labels: Sequence[str],
    gap_range: tuple[float, float],
) -> tuple[ResponseMap, ...]:
    low, high = gap_range
    near = [(eta >= low) & (eta < high) for eta, _, _ in columns]
    inside = [
        (eta[rows], ratio[rows]) for (eta, ratio, _), rows in zip(columns, near, strict=True)
    ]
    if len(inside[0][0]) < FEWEST_EVENTS:
        return ()
    edges = np.linspace(low, high, _N_ETA_BINS + 1), ratio_edges(inside[0][1], _N_RATIO_BINS)
    maps = []
    for (eta, ratio), label in zip(inside, labels, strict=True):
        if len(ratio) > 0:
            counts, _, _ = np.histogram2d(eta, ratio, bins=edges)
            n_low = int(np.count_nonzero(ratio < edges[1][0]))
            n_high = int(np.count_nonzero(ratio > edges[1][-1]))
            maps.append(ResponseMap(label, *edges, counts.astype(np.int64), n_low, n_high))
    return tuple(maps)
