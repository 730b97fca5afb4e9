r"""E_tot / E_kin in slices of the kinetic energy (note, Figures C.1 and C.2).

E_tot is the sum of all voxels, so that datasets without cells suffice. There is one slice per
power of two, 2^k MeV. If the reference has at least `FEWEST_EVENTS` showers of exactly this
energy, the slice holds the showers of this energy alone, of all samples. Otherwise it holds E_kin
within a factor sqrt(2) around it, and all samples must have the same spectrum there. Bins come
from the reference.

References:
    ATL-SOFT-PUB-2025-003, Appendix C.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.report.comparison import FEWEST_EVENTS, ObservableResult, compare_values
from calovox.report.topic import NotShown
from calovox.samples.comparable import PhotonKeys
from calovox.samples.regions import choose_eta_ranges
from calovox.samples.samples import Samples
from calovox.samples.totals import TotalEnergies

__all__ = [
    "EXPONENTS",
    "SLICE_RANGES",
    "EnergySlice",
    "EtaRange",
    "MeanChi2",
    "Moments",
    "SlicesResult",
    "SlicesResults",
    "compare_slices",
    "slice_samples",
]

EXPONENTS: Final = range(8, 23)
"""k of the slices 2^k MeV: 256 MeV to 4.2 TeV."""

_SAME_ENERGY: Final = 1e-6


@dataclass(frozen=True)
class EtaRange:
    """A range of |eta_center| in which energies are compared.

    Attributes:
        name: Short name, part of the names of files.
        eta_low: Lowest |eta_center|.
        eta_high: Highest |eta_center|, not included.
        figure: Number of the note's figure; None for other detectors than the barrel.
        note_chi2: The note's chi2/ndf, averaged over the slices; None likewise.
    """

    name: str
    eta_low: float
    eta_high: float
    figure: str | None = None
    note_chi2: float | None = None

    def __str__(self) -> str:
        low = f"{self.eta_low:.2f} < " if self.eta_low > 0 else ""
        return f"{low}|η| < {self.eta_high:.2f}"

    def select(self, eta_center: Float64[Array, " event"]) -> Bool[Array, " event"]:
        """Find the events of the range."""
        size = np.abs(eta_center)
        return np.asarray((size >= self.eta_low) & (size < self.eta_high))


SLICE_RANGES: Final = (
    EtaRange("central", 0.20, 0.25, figure="C.1", note_chi2=1.2),
    EtaRange("transition", 0.75, 0.85, figure="C.2", note_chi2=2.0),
)
"""The two ranges of the note, which is on the barrel."""


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of E_tot / E_kin in a slice; NaN for under two events.

    Attributes:
        label: Name of the sample.
        n_events: Number of events.
        mean: The mean.
        mean_error: Its statistical error.
        rms: The standard deviation.
        rms_error: Its statistical error, for a normal distribution.
    """

    label: str
    n_events: int
    mean: float
    mean_error: float
    rms: float
    rms_error: float

    @classmethod
    def from_values(cls, label: str, values: Float64[Array, " event"]) -> "Moments":
        """Measure a sample."""
        n_events = len(values)
        if n_events < 2:
            return cls(label, n_events, *[float("nan")] * 4)
        rms = float(values.std(ddof=1))
        errors = rms / n_events**0.5, rms / (2.0 * (n_events - 1)) ** 0.5
        return cls(label, n_events, float(values.mean()), errors[0], rms, errors[1])


@dataclass(frozen=True)
class EnergySlice:
    """E_tot / E_kin in one slice.

    Attributes:
        exponent: k of the energy 2^k MeV.
        single_energy: Whether all showers have exactly this energy.
        observable: Histograms and chi2.
        moments: Means and widths: the reference, then simulations.
    """

    exponent: int
    single_energy: bool
    observable: ObservableResult
    moments: tuple[Moments, ...]

    @property
    def energy(self) -> float:
        """Kinetic energy in MeV."""
        return float(2.0**self.exponent)


@dataclass(frozen=True)
class MeanChi2:
    """Chi2/ndf averaged over slices.

    Attributes:
        label: Name of the simulation.
        mean: The average.
        error: Its statistical error for showers like the reference's: sqrt(sum(2 / ndf)) / n.
        floor: The average that exchanged showers give.
        floor_uncertainty: Its standard deviation over exchanges.
        n_slices: Slices with enough showers of both samples.
    """

    label: str
    mean: float
    error: float
    floor: float
    floor_uncertainty: float
    n_slices: int


@dataclass(frozen=True)
class SlicesResult:
    """All slices of one range of |eta_center|.

    Attributes:
        eta_range: The range.
        slices: Those with enough showers of the reference.
        too_few: Exponents of slices where the reference has showers, but under `FEWEST_EVENTS`.
        floor: Chi2/ndf of random halves of the reference, averaged over the slices.
        averages: One per simulation.
    """

    eta_range: EtaRange
    slices: tuple[EnergySlice, ...]
    too_few: tuple[int, ...]
    floor: float
    averages: tuple[MeanChi2, ...]


@dataclass(frozen=True)
class SlicesResults:
    """All ranges of |eta_center|.

    Attributes:
        ranges: One result each.
        missing: Where the reference has too few showers.
    """

    ranges: tuple[SlicesResult, ...]
    missing: tuple[str, ...]


def slice_samples(samples: Samples) -> SlicesResults | NotShown:
    """Compare simulations with a reference in slices of energy."""
    if not samples.slices:
        return NotShown(("Energy in slices: no files were given (--slices-reference, --slices)",))
    reference, *simulated = samples.slices
    drawn = (sample.label for sample in samples.reconstructed[1:])
    others = (sample.label for sample in simulated)
    order = list(dict.fromkeys([*drawn, *samples.files.simulated, *others]))
    placed = [replace(sample, place=order.index(sample.label)) for sample in simulated]
    ranges = tuple(compare_slices(reference, placed, one) for one in _eta_ranges(reference))
    return SlicesResults(ranges, tuple(_missing(ranges)))


def _eta_ranges(reference: TotalEnergies) -> tuple[EtaRange, ...]:
    """Take the note's ranges for the barrel, and those of the reference for other detectors."""
    if reference.layers == BARREL_NUMBERS:
        return SLICE_RANGES
    ranges = choose_eta_ranges(np.abs(reference.eta_center))
    return tuple(EtaRange(f"eta-{place}", *edges) for place, edges in enumerate(ranges))


def compare_slices(
    reference: TotalEnergies, simulated: Sequence[TotalEnergies], eta_range: EtaRange
) -> SlicesResult:
    """Compare E_tot / E_kin in all slices of one range.

    Args:
        reference: Geant4.
        simulated: Any number of simulations.
        eta_range: The range of |eta_center|.

    Returns:
        The slices and their averages.
    """
    samples = [_inside(sample, eta_range) for sample in (reference, *simulated)]
    slices, too_few = [], []
    for exponent in EXPONENTS:
        single = np.count_nonzero(_of_energy(samples[0], exponent)) >= FEWEST_EVENTS
        select = _of_energy if single else _around_energy
        chosen = [_choose(sample, select(sample, exponent)) for sample in samples]
        if len(chosen[0].ratio) >= FEWEST_EVENTS:
            slices.append(_compare_slice(exponent, bool(single), chosen))
        elif len(chosen[0].ratio) > 0:
            too_few.append(exponent)
    floors = [entry.observable.floor.mean for entry in slices]
    return SlicesResult(
        eta_range=eta_range,
        slices=tuple(slices),
        too_few=tuple(too_few),
        floor=float(np.mean(floors)) if floors else float("nan"),
        averages=tuple(
            _average(slices, sample.label, position) for position, sample in enumerate(simulated)
        ),
    )


def _missing(ranges: Sequence[SlicesResult]) -> Iterator[str]:
    for entry in ranges:
        if entry.too_few or not entry.slices:
            energies = "".join(f", 2^{exponent} MeV" for exponent in entry.too_few)
            yield f"E_tot at {entry.eta_range}: the reference has too few showers{energies}"


def _inside(sample: TotalEnergies, eta_range: EtaRange) -> TotalEnergies:
    return _choose(sample, eta_range.select(sample.eta_center))


def _choose(sample: TotalEnergies, chosen: Bool[Array, " event"]) -> TotalEnergies:
    return replace(
        sample,
        energy=sample.energy[chosen],
        eta_center=sample.eta_center[chosen],
        ratio=sample.ratio[chosen],
    )


def _of_energy(sample: TotalEnergies, exponent: int) -> Bool[Array, " event"]:
    return np.asarray(np.abs(sample.energy / 2.0**exponent - 1.0) < _SAME_ENERGY)


def _around_energy(sample: TotalEnergies, exponent: int) -> Bool[Array, " event"]:
    place = np.log2(sample.energy) - exponent
    return np.asarray((place >= -0.5) & (place < 0.5))


def _compare_slice(
    exponent: int,
    single_energy: bool,
    samples: Sequence[TotalEnergies],
) -> EnergySlice:
    values = [sample.ratio for sample in samples]
    photons = [PhotonKeys(sample.energy, np.abs(sample.eta_center)) for sample in samples]
    simulated = [(sample.label, sample.place) for sample in samples[1:]]
    return EnergySlice(
        exponent,
        single_energy,
        compare_values("e_tot_over_e_kin", values, simulated, photons),
        tuple(
            Moments.from_values(sample.label, column)
            for sample, column in zip(samples, values, strict=True)
        ),
    )


def _average(slices: Sequence[EnergySlice], label: str, position: int) -> MeanChi2:
    entries = [entry.observable.simulated[position] for entry in slices]
    known = [(entry.chi2, entry.tested) for entry in entries if entry.tested is not None]
    if not known:
        nan = float("nan")
        return MeanChi2(label, nan, nan, nan, nan, 0)
    all_chi2, tested = zip(*known, strict=True)
    n = len(known)
    return MeanChi2(
        label,
        float(np.mean([found.value for found in tested])),
        float(np.sqrt(sum(2.0 / chi2.ndf for chi2 in all_chi2))) / n,
        float(np.mean([found.floor for found in tested])),
        float(np.sqrt(sum(found.floor_uncertainty**2 for found in tested))) / n,
        n,
    )
