"""Which showers E_tot / E_kin is shown of, and in which bins of |eta|.

Those of the barrel are the note's: energies around 65 GeV, narrow bins at the electrode gaps. For
showers of another detector they follow the regions of the report.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.samples.regions import REGIONS, Region

__all__ = ["BARREL_RANGES", "ETA_SLICES", "GAP_RANGE", "RESPONSE_ENERGIES", "ResponseRanges"]

RESPONSE_ENERGIES: Final = (48.75e3, 97.5e3)
"""Kinetic energies in MeV of the events that are taken: 3/4 to 3/2 of 65 GeV."""

RESPONSE_LOWEST_ENERGY: Final = 10e3
"""Lowest kinetic energy in a sample without `RESPONSE_ENERGIES`: below, fluctuations hide dips."""

GAP_RANGE: Final = (0.75, 0.85)
"""Range of |eta_center| of the maps in Figure 12 (b)."""

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

_ETA_EDGES: Final = np.concatenate(
    [
        np.linspace(0.0, 0.05, 4, endpoint=False),
        np.linspace(0.05, 0.75, 28, endpoint=False),
        np.linspace(0.75, 0.825, 6, endpoint=False),
        np.linspace(0.825, 1.35, 22),
    ]
).round(4)
_FEWEST_BINS, _MOST_BINS = 5, 30
_EVENTS_OF_A_BIN: Final = 25
_LOW, _HIGH = 0.75, 1.5  # of the energy of a region


@dataclass(frozen=True, eq=False)
class ResponseRanges:
    """Energies and bins.

    Attributes:
        energies: Lowest and highest kinetic energy in MeV of the events that are taken.
        lowest_energy: Lowest kinetic energy in MeV if too few events have those.
        eta_edges: Borders of the bins in |eta_center|.
        eta_slices: Slices of |eta_center| with histograms.
        gap_range: Range of |eta_center| of maps of all samples; None for none.
    """

    energies: tuple[float, float]
    lowest_energy: float
    eta_edges: Float64[Array, " edge"]
    eta_slices: tuple[tuple[float, float], ...]
    gap_range: tuple[float, float] | None

    @classmethod
    def of(cls, regions: Sequence[Region], energy: Float64[Array, " event"]) -> "ResponseRanges":
        """Choose ranges for a report.

        Args:
            regions: Its regions.
            energy: Kinetic energies of the reference in MeV.

        Returns:
            The note's ranges for the note's regions, others otherwise.
        """
        if tuple(regions) == REGIONS:
            return BARREL_RANGES
        slices = dict.fromkeys((region.eta_low, region.eta_high) for region in regions)
        low = min(region.eta_low for region in regions)
        high = max(region.eta_high for region in regions)
        energies = (_LOW * regions[0].energy, _HIGH * regions[0].energy)
        n_events = np.count_nonzero((energy >= energies[0]) & (energy <= energies[1]))
        n_bins = int(np.clip(n_events // _EVENTS_OF_A_BIN, _FEWEST_BINS, _MOST_BINS))
        return cls(
            energies=energies,
            lowest_energy=0.0,
            eta_edges=np.linspace(low, high, n_bins + 1),
            eta_slices=tuple(slices),
            gap_range=None,
        )


BARREL_RANGES: Final = ResponseRanges(
    RESPONSE_ENERGIES, RESPONSE_LOWEST_ENERGY, _ETA_EDGES, ETA_SLICES, GAP_RANGE
)
"""Those of the note."""
