r"""The numbers behind the note's Figures 5 and 7: energy spectrum and radial interpolation.

Both are drawn with the functions that the simulation uses, and compared with their formulas.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.binned_shower.placement import linear_quantile
from calovox.photons import NoteSpectrum, Uniform, draw_photons

__all__ = [
    "SEED",
    "InputsResult",
    "Interpolation",
    "Spectrum",
    "draw_interpolations",
    "draw_spectrum",
    "measure_inputs",
]

SEED: Final = 1
"""Seed of the spectrum and of the radii."""

FIGURE_7_PROBABILITY: Final = 0.59
"""Probability of the inner half of a voxel in Figure 7."""

_N_SPECTRUM: Final = 4_050_000
_N_RADII: Final = 1_000_000
_EVENTS_PER_BATCH: Final = 250_000
_BINS_PER_OCTAVE: Final = 4


@dataclass(frozen=True)
class Spectrum:
    """Kinetic energies drawn from a spectrum, and its density.

    Attributes:
        spectrum: The distribution.
        edges: Borders of equal bins in log E, in MeV.
        counts: Drawn photons per bin.
        expected: Expected photons per bin.
    """

    spectrum: NoteSpectrum
    edges: Float64[Array, " edge"]
    counts: Int64[Array, " bin"]
    expected: Float64[Array, " bin"]

    @property
    def log_width(self) -> float:
        """Width of the bins in log E."""
        return float(np.log(self.edges[1] / self.edges[0]))


@dataclass(frozen=True)
class Interpolation:
    """A radial density inside a voxel from r = 0 (inner border) to r = 2 (outer border).

    Attributes:
        name: What it is used for.
        probability: Probability of the inner half.
        r: Points of the piecewise linear density.
        density: Its values there.
        edges: Borders of the bins of the drawn radii.
        drawn: Density of the drawn radii.
        n_draws: Number of drawn radii.
    """

    name: str
    probability: float
    r: Float64[Array, " point"]
    density: Float64[Array, " point"]
    edges: Float64[Array, " edge"]
    drawn: Float64[Array, " bin"]
    n_draws: int


@dataclass(frozen=True)
class InputsResult:
    """What the simulation draws from.

    Attributes:
        spectrum: The energy spectrum.
        interpolations: The two radial interpolations.
    """

    spectrum: Spectrum
    interpolations: tuple[Interpolation, Interpolation]


def measure_inputs() -> InputsResult:
    """Draw energies and radii."""
    return InputsResult(
        draw_spectrum(_N_SPECTRUM, seed=SEED), draw_interpolations(_N_RADII, seed=SEED)
    )


def draw_spectrum(n_events: int, *, seed: int) -> Spectrum:
    """Draw photons with the note's spectrum and count them in bins of log E."""
    spectrum = NoteSpectrum()
    n_bins = round(np.log2(spectrum.high / spectrum.low)) * _BINS_PER_OCTAVE
    edges = np.geomspace(spectrum.low, spectrum.high, n_bins + 1)
    counts = np.zeros(n_bins, dtype=np.int64)
    for start in range(0, n_events, _EVENTS_PER_BATCH):
        indices = np.arange(start, min(start + _EVENTS_PER_BATCH, n_events))
        photons = draw_photons(indices, energy=spectrum, eta=Uniform(-1.35, 1.35), seed=seed)
        counts += np.histogram(np.log(photons.energy), np.log(edges))[0]
    return Spectrum(spectrum, edges, counts, n_events * _bin_probabilities(spectrum, edges))


def draw_interpolations(
    n_draws: int, *, seed: int, probability: float = FIGURE_7_PROBABILITY
) -> tuple[Interpolation, Interpolation]:
    """Draw radii inside a voxel with the step and with the linear interpolation."""
    u = np.random.default_rng(seed).random(n_draws)
    inner, outer = probability, 1.0 - probability
    steps = np.where(u < inner, u / inner, 1.0 + (u - inner) / outer)
    step = ([0.0, 1.0, 1.0, 2.0], [inner, inner, outer, outer], steps)
    ends = [2.0 * inner - 0.5, 1.5 - 2.0 * inner]
    linear = ([0.0, 2.0], ends, linear_quantile(u, inner))
    edges = np.linspace(0.0, 2.0, 41)
    first, second = (
        Interpolation(
            name=name,
            probability=probability,
            r=np.asarray(r),
            density=np.asarray(density),
            edges=edges,
            drawn=np.histogram(drawn, edges, density=True)[0],
            n_draws=n_draws,
        )
        for name, (r, density, drawn) in (
            ("step: all layers but EMB2", step),
            ("linear: EMB2", linear),
        )
    )
    return first, second


def _bin_probabilities(
    spectrum: NoteSpectrum, edges: Float64[Array, " edge"]
) -> Float64[Array, " bin"]:
    points = np.log(edges[:-1, None]) + np.linspace(0, 1, 21) * np.log(edges[1] / edges[0])
    density = spectrum.density(np.clip(np.exp(points), spectrum.low, spectrum.high))
    return np.asarray(np.trapezoid(density, points, axis=1))
