r"""What the phi modulation does to the energy: the curves, and showers placed at new azimuths.

Geant4 showers carry the modulation of their own azimuth. A simulated shower is placed anywhere. If
the modulation is ignored, it carries that of the azimuth it was made at. As in ATLAS, the
calibrated energy is corrected for the mean response at the azimuth of the shower,

$$E_{cal} \to E_{cal} / h(T),
\qquad h(T) = 1 + \sum_{k=1}^{2}
\left(a_k \cos \frac{2 \pi k T}{P} + b_k \sin \frac{2 \pi k T}{P}\right),$$

with coefficients fitted to Geant4 and used for all samples. With this correction, showers at the
wrong phase stand out.

References:
    ATL-SOFT-PUB-2025-003, section 2.5, Figures 9 and 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.phi_modulation import PERIOD, PhiModulation, phi_phase
from calovox.phi_modulation.average_shower import AverageProfile
from calovox.phi_modulation.curve_file import read_average, read_fit, read_truth
from calovox.phi_modulation.fit import FitResult
from calovox.report.comparison import ObservableResult, compare_values
from calovox.report.topic import NotShown
from calovox.samples.sample import Sample
from calovox.samples.samples import Samples

__all__ = [
    "EnergyTest",
    "EnergyWidth",
    "PhiModulationResult",
    "fit_phase_response",
    "iterated_width",
    "measure_phi_modulation",
]

_HARMONICS: Final = 2
_N_SIGMA: Final = 3.0
_MOST_ITERATIONS: Final = 100


@dataclass(frozen=True)
class EnergyWidth:
    """Iterated standard deviations of one sample, over the kinetic energy.

    Attributes:
        label: How the report calls the sample.
        n_events: Number of showers.
        raw: Width of the sum of all cells.
        raw_error: Its statistical uncertainty.
        calibrated: Width of the calibrated energy, corrected in T.
        calibrated_error: Its statistical uncertainty.
    """

    label: str
    n_events: int
    raw: float
    raw_error: float
    calibrated: float
    calibrated_error: float


@dataclass(frozen=True)
class EnergyTest:
    """Energies of displaced showers against Geant4.

    Attributes:
        energy: Kinetic energy of all showers in MeV.
        raw: Sum of all cells.
        calibrated: Calibrated energy, corrected in T.
        widths: Geant4 first, then the displaced showers.
    """

    energy: float
    raw: ObservableResult
    calibrated: ObservableResult
    widths: tuple[EnergyWidth, ...]


@dataclass(frozen=True)
class PhiModulationResult:
    """Everything that the report shows of the phi modulation.

    Attributes:
        fit: Learned curves, and E_tot(T) before and after.
        truth: The generator's curves, where the file of the curves knows them.
        average: Average showers in bins of T; None if not stored.
        test: Energies of displaced showers; None without them.
    """

    fit: FitResult
    truth: PhiModulation | None
    average: AverageProfile | None
    test: EnergyTest | None


def measure_phi_modulation(samples: Samples) -> PhiModulationResult | NotShown:
    """Read the curves, and compare displaced showers with Geant4."""
    curve = samples.files.curve
    if curve is None:
        return NotShown(("Phi modulation: no curve file was given (--curve)",))
    return PhiModulationResult(
        fit=read_fit(curve),
        truth=read_truth(curve),
        average=read_average(curve),
        test=_compare_energies(samples.displaced) if samples.displaced else None,
    )


def iterated_width(values: Float64[Array, " event"]) -> tuple[float, float]:
    """Iterate the standard deviation within three of it around the mean, until it stays.

    Example:
        >>> iterated_width(np.array([-1.0] * 50 + [1.0] * 50 + [100.0]))[0]
        1.0
    """
    inside = values
    for _ in range(_MOST_ITERATIONS):
        mean, width = inside.mean(), inside.std()
        kept = values[np.abs(values - mean) <= _N_SIGMA * width]
        if len(kept) == len(inside):
            break
        inside = kept
    width = float(inside.std())
    return width, width / float(np.sqrt(2.0 * len(inside)))


def fit_phase_response(
    energy: Float64[Array, " event"], phase: Float64[Array, " event"]
) -> Float64[Array, " term"]:
    """Fit h(T), leaving out events beyond three standard deviations of the residual."""
    terms = _phase_terms(phase)
    kept = np.ones(len(energy), dtype=bool)
    for _ in range(_MOST_ITERATIONS):
        coefficients = np.linalg.lstsq(terms[kept], energy[kept], rcond=None)[0]
        residual = energy - terms @ coefficients
        now = np.abs(residual) <= _N_SIGMA * residual[kept].std()
        if np.array_equal(now, kept):
            break
        kept = now
    return np.asarray(coefficients)


def _phase_terms(phase: Float64[Array, " event"]) -> Float64[Array, "event term"]:
    angles = 2.0 * np.pi / PERIOD * np.outer(phase, np.arange(1, _HARMONICS + 1))
    return np.concatenate([np.ones((len(phase), 1)), np.cos(angles), np.sin(angles)], axis=1)


def _compare_energies(samples: Sequence[Sample]) -> EnergyTest:
    energy = float(np.median(samples[0].energy))
    for sample in samples:
        if np.any(np.abs(sample.energy / energy - 1.0) > 1e-6):
            raise ValueError(f"{sample.label}: expected test showers of one energy, got several")
    phases = [_center_phases(sample) for sample in samples]
    raw = [sample.shapes.e_raw for sample in samples]
    calibrated = [_calibrated_energy(sample) for sample in samples]
    coefficients = fit_phase_response(calibrated[0] / np.median(calibrated[0]), phases[0])
    coefficients /= coefficients[0]
    corrected = [
        values / (_phase_terms(phase) @ coefficients)
        for values, phase in zip(calibrated, phases, strict=True)
    ]
    labels = [sample.label for sample in samples]
    simulated = [(label, place) for place, label in enumerate(labels[1:])]
    widths = [
        _measure_widths(*columns, energy) for columns in zip(labels, raw, corrected, strict=True)
    ]
    return EnergyTest(
        energy=energy,
        raw=compare_values("e_raw", raw, simulated),
        calibrated=compare_values("e_cal", corrected, simulated),
        widths=tuple(widths),
    )


def _calibrated_energy(sample: Sample) -> Float64[Array, " event"]:
    assert sample.shapes.e_cal is not None  # displaced showers are calibrated
    return sample.shapes.e_cal


def _center_phases(sample: Sample) -> Float64[Array, " event"]:
    if sample.phi_center is None:
        raise ValueError(
            f"{sample.label}: expected azimuths of the shower centres (event/phi_center)"
        )
    return phi_phase(sample.phi_center)


def _measure_widths(
    label: str,
    raw: Float64[Array, " event"],
    calibrated: Float64[Array, " event"],
    energy: float,
) -> EnergyWidth:
    return EnergyWidth(
        label, len(raw), *iterated_width(raw / energy), *iterated_width(calibrated / energy)
    )
