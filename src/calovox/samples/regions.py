r"""Regions of energy and pseudorapidity in which showers are compared (Figures 13 to 16 and D.1).

A region holds the events with 3/4 E0 < E_kin < 3/2 E0 and |eta_center| in its range. Observables
that are energies are multiplied by E0 / E_kin, so that all its events stand for photons of E0. A
region of a discrete energy holds the events of exactly E0, and nothing is rescaled.

The note's regions are those of the barrel. For showers of another detector, regions follow the
reference: about its median energy in three ranges of |eta| of equal width, or in one if there are
few showers, and, if energies reach that far, about a higher energy in the middle range. Of samples
with a few energies, these are the discrete ones in the middle and at the upper end.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float, Float64
from calovox.units import GEV, TEV, format_energy

__all__ = ["CENTRAL", "REGIONS", "Region", "choose_eta_ranges", "choose_regions"]

_LOWEST_ENERGY = 3.0 / 4.0
_HIGHEST_ENERGY = 3.0 / 2.0
_SAME_ENERGY = 1e-6
_DISCRETE_ENERGY = 2.0**16
_MOST_DISCRETE = 20
_FEWEST_DISCRETE = 20
_HIGH_QUANTILE = 0.95
_LEAST_STEP = 2.0
_ETA_STEP = 0.01
_LEAST_DIVIDED = 0.15
_FEWEST_EVENTS = 200
_THIRDS = ("low-eta", "middle-eta", "high-eta")


@dataclass(frozen=True)
class Region:
    """A range of |eta_center| around one kinetic energy.

    Attributes:
        name: Short name, part of the names of files.
        energy: The kinetic energy E0 in MeV.
        eta_low: Lowest |eta_center|.
        eta_high: Highest |eta_center|, not included.
        figure: Number of the note's figure; none if the note does not show the region.
        discrete: Whether the region holds the photons of exactly this energy.
    """

    name: str
    energy: float
    eta_low: float
    eta_high: float
    figure: str | None
    discrete: bool = False

    def __post_init__(self) -> None:
        if not self.energy > 0:
            raise ValueError(f"Region {self.name}: `energy` must be above 0, got {self.energy:g}")
        if not 0 <= self.eta_low < self.eta_high:
            raise ValueError(
                f"Region {self.name}: expected 0 <= eta_low < eta_high, "
                f"got {self.eta_low:g} and {self.eta_high:g}"
            )

    def __str__(self) -> str:
        low = f"{self.eta_low:.2f} < " if self.eta_low > 0 else ""
        exactly = "exactly " if self.discrete else ""
        return f"{exactly}{format_energy(self.energy)}, {low}|η| < {self.eta_high:.2f}"

    def select(
        self, energy: Float[Array, " event"], eta_center: Float[Array, " event"]
    ) -> Bool[Array, " event"]:
        """Find the events of the region.

        Args:
            energy: Kinetic energies in MeV.
            eta_center: Pseudorapidities of the shower centres.

        Returns:
            True for each event of the region.

        Example:
            >>> CENTRAL.select(np.array([48e3, 65e3, 65e3]), np.array([0.22, -0.22, 0.25]))
            array([False,  True, False])
        """
        low, high = _LOWEST_ENERGY * self.energy, _HIGHEST_ENERGY * self.energy
        size = np.abs(eta_center)
        if self.discrete:
            inside = np.abs(energy / self.energy - 1.0) < _SAME_ENERGY
        else:
            inside = (energy > low) & (energy < high)
        return np.asarray(inside & (size >= self.eta_low) & (size < self.eta_high))

    def rescale(
        self, values: Float[Array, " event"], energy: Float[Array, " event"]
    ) -> Float64[Array, " event"]:
        """Multiply energies by E0 / E_kin, unless the region is one of a discrete energy.

        Args:
            values: An observable of each event in MeV.
            energy: Kinetic energies in MeV.

        Returns:
            The observable as if each photon had the energy E0.

        Example:
            >>> CENTRAL.rescale(np.array([45e3]), np.array([50e3]))
            array([58500.])
        """
        if self.discrete:
            return np.asarray(values, dtype=np.float64)
        return np.asarray(values * (self.energy / energy), dtype=np.float64)


CENTRAL: Final = Region("central", 65 * GEV, 0.20, 0.25, figure="14")
"""The simple region in the middle of the barrel."""

REGIONS: Final = (
    CENTRAL,
    Region("gap-0", 65 * GEV, 0.0, 0.05, figure="13"),
    Region("transition", 65 * GEV, 0.75, 0.80, figure="15"),
    Region("transition-1TeV", 1 * TEV, 0.75, 0.80, figure="16"),
    Region("gap-0-discrete", _DISCRETE_ENERGY, 0.0, 0.05, figure="D.1", discrete=True),
    Region("central-discrete", _DISCRETE_ENERGY, 0.20, 0.25, figure=None, discrete=True),
    Region("transition-discrete", _DISCRETE_ENERGY, 0.75, 0.80, figure=None, discrete=True),
)
"""The regions of the note, and the discrete energy of Figure D.1 in all three ranges of |eta|."""


def choose_regions(
    energy: Float[Array, " event"], abs_eta: Float[Array, " event"]
) -> tuple[Region, ...]:
    """Choose regions for showers of any detector.

    Args:
        energy: Kinetic energies in MeV, of one shower at least.
        abs_eta: abs(eta) of the shower centres; NaN for showers without energy.

    Returns:
        One to four regions.

    Example:
        >>> rng, n = np.random.default_rng(1), 5000
        >>> for region in choose_regions(rng.uniform(1e3, 1e5, n), rng.uniform(1.6, 2.4, n)):
        ...     print(region)
        50 GeV, 1.60 < |η| < 1.87
        50 GeV, 1.87 < |η| < 2.13
        50 GeV, 2.13 < |η| < 2.40
    """
    energies, discrete = _choose_energies(energy)
    ranges = choose_eta_ranges(abs_eta)
    whole = (ranges[0][0], ranges[-1][1])
    about = Region("all-eta", energies[0], *whole, figure=None, discrete=discrete)
    if np.count_nonzero(about.select(energy, abs_eta)) < _FEWEST_EVENTS * len(ranges):
        ranges = (whole,)
    names = _THIRDS if len(ranges) > 1 else ("all-eta",)
    suffix = "-discrete" if discrete else ""
    regions = [
        Region(f"{name}{suffix}", energies[0], *edges, figure=None, discrete=discrete)
        for name, edges in zip(names, ranges, strict=True)
    ]
    middle = len(ranges) // 2
    regions += [
        Region(
            f"{names[middle]}-high{suffix}", high, *ranges[middle], figure=None, discrete=discrete
        )
        for high in energies[1:]
    ]
    return tuple(regions)


def choose_eta_ranges(abs_eta: Float[Array, " event"]) -> tuple[tuple[float, float], ...]:
    """Cut the range of abs(eta) of showers.

    Args:
        abs_eta: abs(eta) of the shower centres; NaN for showers without energy.

    Returns:
        Three ranges of equal width; one if all are narrower than 0.15 together.
    """
    known = abs_eta[np.isfinite(abs_eta)]
    if len(known) == 0:
        return ((0.0, _ETA_STEP),)
    low = np.floor(known.min() / _ETA_STEP) * _ETA_STEP
    high = np.floor(known.max() / _ETA_STEP + 1.0) * _ETA_STEP
    number = 3 if high - low >= _LEAST_DIVIDED else 1
    edges = np.linspace(low, high, number + 1).round(2).tolist()
    return tuple(pairwise(edges))


def _choose_energies(energy: Float[Array, " event"]) -> tuple[list[float], bool]:
    """Give one energy or two, and whether they are discrete."""
    values, counts = np.unique(np.exp(np.round(np.log(energy), 6)), return_counts=True)
    if len(values) <= _MOST_DISCRETE:
        usable = values[counts >= min(_FEWEST_DISCRETE, counts.max())]
        middle = usable[len(usable) // 2]
        chosen = [middle, usable[-1]] if usable[-1] > middle else [middle]
        # the very number, without the rounding of the logarithm
        near = [energy[np.argmin(np.abs(energy - one))] for one in chosen]
        return [float(one) for one in near], True
    middle = _rounded(float(np.median(energy)))
    high = _rounded(float(np.quantile(energy, _HIGH_QUANTILE)) / _HIGHEST_ENERGY)
    return ([middle, high] if high >= _LEAST_STEP * middle else [middle]), False


def _rounded(energy: float) -> float:
    return float(f"{energy:.2g}")
