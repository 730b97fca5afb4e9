r"""What showers say of a fitted curve: whether it is seen at all, and whether it has a sine part.

Both questions look at the first two harmonics of g, and at their standard deviations over fits to
bootstrap samples of the showers:

$$\chi^2 = \sum_{k=1}^{2} \frac{a_k^2}{\sigma^2(a_k)}
\; \left(+ \frac{b_k^2}{\sigma^2(b_k)}\right),
\qquad a_k = 2 \langle g \cos k y \rangle, \quad b_k = 2 \langle g \sin k y \rangle .$$

Noise alone exceeds the limit in one case of a hundred. The limit is the 99 % quantile of chi2 with
as many degrees of freedom as there are harmonics, widened because the deviations come from few
samples (Fisher's F; with 20 samples, 11.9 for two and 18.0 for four). g has a sine part if the
chi2 of both $b_k$ is above the limit. If not, g is made symmetric, which halves the noise. The
curve is constrained if the chi2 of all harmonics that it may have is above the limit. A layer that
is not constrained gets g = 1, because the noise of its fit would be put into every hit.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.stats import f

from calovox.arrays import Array, Bool, Float64

__all__ = ["CurveEvidence", "weigh_curves"]

_HARMONICS: Final = 2
_CONFIDENCE: Final = 0.99
_LEAST: Final = 1e-12  # bootstrap samples may agree to the last bit


@dataclass(frozen=True)
class CurveEvidence:
    """Curves of all layers after both questions.

    Attributes:
        curves: g, with a mean of 1 over the period.
        uncertainties: Standard deviation of each bin over the bootstrap samples; where g is 1,
            that of the curve that the showers do not constrain.
        sine_chi2: chi2 of the sine part, of two degrees of freedom.
        chi2: chi2 of all harmonics that the curve may have.
        degrees: How many these are.
        n_samples: Bootstrap samples that gave the deviations.
        amplitude: Half the difference of largest and smallest value of the fitted curve.
    """

    curves: Float64[Array, "layer bin"]
    uncertainties: Float64[Array, "layer bin"]
    sine_chi2: Float64[Array, " layer"]
    chi2: Float64[Array, " layer"]
    degrees: tuple[int, ...]
    n_samples: int
    amplitude: Float64[Array, " layer"]

    @property
    def constrained(self) -> Bool[Array, " layer"]:
        """Whether the showers constrain the curve of each layer; else it is 1."""
        return self.chi2 > [_limit(degrees, self.n_samples) for degrees in self.degrees]

    def notes(self, layer: int) -> list[str]:
        """Say in words what was decided for a layer; nothing, if it is seen and symmetric.

        Args:
            layer: Its position.
        """
        degrees = self.degrees[layer]
        sine_limit, limit = (_limit(n, self.n_samples) for n in (_HARMONICS, degrees))
        if not self.constrained[layer]:
            return [
                "the sample does not constrain the curve, which is set to 1: amplitude "
                f"{self.amplitude[layer]:.4f}, chi2 of {degrees} harmonics "
                f"{self.chi2[layer]:.1f}, not above {limit:.1f}"
            ]
        if degrees == _HARMONICS:
            return []
        return [
            f"the curve keeps a sine part, whose chi2 of {_HARMONICS} harmonics is "
            f"{self.sine_chi2[layer]:.1f}, above {sine_limit:.1f}"
        ]


def weigh_curves(fits: Float64[Array, "replica layer bin"]) -> CurveEvidence:
    """Decide which fitted curves are believed, and which keep a sine part.

    Args:
        fits: The fit to all showers, then at least two to bootstrap samples of them.

    Returns:
        The curves, and what was decided.
    """
    even, odd = 0.5 * (fits + fits[:, :, ::-1]), 0.5 * (fits - fits[:, :, ::-1])
    sine_chi2 = _harmonic_chi2(odd)
    has_sine = sine_chi2 > _limit(_HARMONICS, len(fits) - 1)
    curves = even + np.where(has_sine[:, None], odd, 0.0)
    evidence = CurveEvidence(
        curves=curves[0],
        uncertainties=curves[1:].std(axis=0, ddof=1),
        sine_chi2=sine_chi2,
        chi2=_harmonic_chi2(even) + np.where(has_sine, sine_chi2, 0.0),
        degrees=tuple(2 * _HARMONICS if kept else _HARMONICS for kept in has_sine),
        n_samples=len(fits) - 1,
        amplitude=0.5 * np.ptp(curves[0], axis=1),
    )
    return replace(evidence, curves=np.where(evidence.constrained[:, None], curves[0], 1.0))


def _limit(degrees: int, n_samples: int) -> float:
    """Give the chi2 that noise exceeds in one case of a hundred."""
    return degrees * float(f.ppf(_CONFIDENCE, degrees, n_samples - 1))


def _harmonic_chi2(parts: Float64[Array, "replica layer bin"]) -> Float64[Array, " layer"]:
    """Weigh the harmonics of even or odd parts of curves against their bootstrap deviation."""
    n_bins = parts.shape[2]
    angles = 2.0 * np.pi * (np.arange(n_bins) + 0.5) / n_bins
    waves = np.exp(1j * np.outer(np.arange(1, _HARMONICS + 1), angles))
    terms = 2.0 / n_bins * np.einsum("rlb,kb->rlk", parts, waves)
    terms = terms.real + terms.imag  # the one is 0 in odd parts, the other in even ones
    spread = terms[1:].std(axis=0, ddof=1)
    return np.asarray(((terms[0] / np.maximum(spread, _LEAST)) ** 2).sum(axis=1))
