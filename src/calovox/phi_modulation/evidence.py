r"""What the showers say of a fitted curve: whether it is seen at all, and whether it has a sine part.

Both questions compare an rms over the period with the noise of the same quantity, which the fits to
bootstrap samples of the showers give:

$$\mathrm{rms}_b(x_b) > k\; \mathrm{rms}_b(\sigma_b), \qquad k = 2.$$

With x the part of g that is odd about the cell centre, the showers ask for a sine part; without
it, g is made symmetric, which takes half of the noise away. With x = g - 1, the curve is constrained;
a layer that is not gets g = 1, because the noise of its fit would be put into every hit. A smooth
curve has some four degrees of freedom: noise alone passes in less than one case of fifty.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64

__all__ = ["EVIDENCE", "CurveEvidence", "weigh_curves"]

EVIDENCE: Final = 2.0
"""How many times its noise a part of a curve must have, to be believed."""


@dataclass(frozen=True)
class CurveEvidence:
    """Curves of all layers after both questions.

    Attributes:
        curves: g, with a mean of 1 over the period.
        uncertainties: Standard deviation of each bin over the bootstrap samples; where g is 1,
            that of the curve that the showers do not constrain.
        signal: rms of g - 1 of the fitted curve.
        noise: rms of the uncertainties.
        sine: rms of the odd part of the fitted curve.
        sine_noise: rms of its uncertainty.
    """

    curves: Float64[Array, "layer bin"]
    uncertainties: Float64[Array, "layer bin"]
    signal: Float64[Array, " layer"]
    noise: Float64[Array, " layer"]
    sine: Float64[Array, " layer"]
    sine_noise: Float64[Array, " layer"]

    @property
    def constrained(self) -> Bool[Array, " layer"]:
        """Whether the showers constrain the curve of each layer; else it is 1."""
        return self.signal > EVIDENCE * self.noise

    @property
    def has_sine(self) -> Bool[Array, " layer"]:
        """Whether the curve of each layer keeps its sine part."""
        return self.constrained & (self.sine > EVIDENCE * self.sine_noise)

    def notes(self, layer: int) -> list[str]:
        """Say in words what was decided for a layer; nothing, if it is seen and symmetric.

        Args:
            layer: Its position.
        """
        if not self.constrained[layer]:
            return [
                "the sample does not constrain the curve, which is set to 1: rms of g - 1 is "
                f"{self.signal[layer]:.4f}, not above {EVIDENCE:g} times its uncertainty of "
                f"{self.noise[layer]:.4f}"
            ]
        if not self.has_sine[layer]:
            return []
        return [
            f"the curve keeps a sine part of rms {self.sine[layer]:.4f}, above {EVIDENCE:g} times "
            f"its uncertainty of {self.sine_noise[layer]:.4f}"
        ]


def weigh_curves(fits: Float64[Array, "replica layer bin"]) -> CurveEvidence:
    """Decide which fitted curves are believed, and which keep a sine part.

    Args:
        fits: The fit to all showers, then at least two to bootstrap samples of them.

    Returns:
        The curves, and what was decided.
    """
    odd = 0.5 * (fits - fits[:, :, ::-1])
    sine, sine_noise = _rms(odd[0]), _rms(odd[1:].std(axis=0, ddof=1))
    is_odd = sine > EVIDENCE * sine_noise
    curves = np.where(is_odd[:, None], fits, fits - odd)
    uncertainties = curves[1:].std(axis=0, ddof=1)
    signal, noise = _rms(curves[0] - 1.0), _rms(uncertainties)
    is_seen = signal > EVIDENCE * noise
    return CurveEvidence(
        curves=np.where(is_seen[:, None], curves[0], 1.0),
        uncertainties=uncertainties,
        signal=signal,
        noise=noise,
        sine=sine,
        sine_noise=sine_noise,
    )


def _rms(values: Float64[Array, "layer bin"]) -> Float64[Array, " layer"]:
    return np.asarray(np.sqrt((values**2).mean(axis=1)))
