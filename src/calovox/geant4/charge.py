r"""How much of the released charge is collected: electrode gaps and phi modulation.

Geant4 gives the ionisation; the energy of a hit is that times two factors, at its own place.

*Electrode gaps.* At |eta| = 0 and 0.8 the electrodes of the accordion end and their field is
weak. The loss is a Gaussian in |eta| around either place,

$$c(\eta) = 1 - \sum_i d_i \exp\left(-\frac{(|\eta| - \eta_i)^2}{2 w_i^2}\right)$$

in the layers of the accordion, with depths and widths chosen such that showers lose a few per
cent in a narrow range, as in the note's Figure 12; the real field maps are not public.

*Phi modulation.* The folds make the field non-uniform: charge is multiplied by a function of
Y = phi - phi_cell with the period 2 pi / 1024 of the absorbers (note, section 2.5),

$$g_l(Y) = 1 + \sum_{k \ge 1} a_{l k} \cos(2 \pi k Y / P), \qquad P = 2 \pi / 1024,$$

which is symmetric around the cell centre and has the mean 1. The amplitude is 10 % in EMB1 and
EMB2, 2 % in the presampler, 5 % in EMB3, 0 in the tile calorimeter. Every cell centre of the
ideal barrel is a multiple of P, so Y modulo P is phi modulo P.

References:
    ATL-SOFT-PUB-2025-003, section 2.5, Figures 9 and 12.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float, Float64
from calovox.geant4.detector import LEAD_TRANSITION_ETA
from calovox.geometry import ABSORBER_PERIOD, BARREL_LAYERS, BARREL_NUMBERS

__all__ = ["ACCORDION", "ElectrodeGaps", "TruePhiModulation"]

ACCORDION: Final = tuple(
    layer.number for layer in BARREL_LAYERS if layer.role not in ("presampler", "tile")
)
"""Numbers of the layers with accordion electrodes."""


@dataclass(frozen=True)
class ElectrodeGaps:
    """Loss of charge at the ends of the electrodes.

    Attributes:
        abs_eta: Places of the gaps.
        depth: Fraction of the charge that is lost at each place.
        width: Standard deviation of each loss in eta.
    """

    abs_eta: tuple[float, ...] = (0.0, LEAD_TRANSITION_ETA)
    depth: tuple[float, ...] = (0.06, 0.12)
    width: tuple[float, ...] = (0.006, 0.008)

    def __post_init__(self) -> None:
        if not len(self.abs_eta) == len(self.depth) == len(self.width):
            raise ValueError("ElectrodeGaps: expected as many depths and widths as places")
        if any(width <= 0 for width in self.width):
            raise ValueError(f"ElectrodeGaps: `width` must be above 0, got {self.width}")

    def __call__(self, eta: Float[Array, "*shape"]) -> Float64[Array, "*shape"]:
        """Evaluate the collected fraction c in the accordion.

        Args:
            eta: Pseudorapidity of a deposit.

        Returns:
            The factor on the energy.
        """
        factor = np.ones(np.shape(eta))
        for place, depth, width in zip(self.abs_eta, self.depth, self.width, strict=True):
            factor -= depth * np.exp(-0.5 * ((np.abs(eta) - place) / width) ** 2)
        return factor


@dataclass(frozen=True)
class TruePhiModulation:
    """The modulation put into simulated hits.

    Attributes:
        cosines: The a_k, k = 1, 2, of each layer, in the order of the barrel.
        period: The period P in rad.

    Example:
        >>> float(TruePhiModulation()(2, np.zeros(1))[0])
        1.1
    """

    cosines: tuple[tuple[float, ...], ...] = (
        (0.018, 0.002),
        (0.090, 0.010),
        (0.085, 0.015),
        (0.045, 0.005),
        (0.0, 0.0),
    )
    period: float = ABSORBER_PERIOD

    def __post_init__(self) -> None:
        if len(self.cosines) != len(BARREL_NUMBERS):
            raise ValueError(
                f"TruePhiModulation: expected cosines of {len(BARREL_NUMBERS)} layers, "
                f"got {len(self.cosines)}"
            )
        if len({len(row) for row in self.cosines}) != 1:
            raise ValueError("TruePhiModulation: expected equally many cosines for each layer")
        for layer, row in zip(BARREL_NUMBERS, self.cosines, strict=True):
            if sum(abs(value) for value in row) >= 1.0:
                raise ValueError(
                    f"TruePhiModulation layer {layer}: cosines must add up to less than 1, "
                    f"got {row}"
                )

    def __call__(self, layer: int, phi: Float[Array, "*shape"]) -> Float64[Array, "*shape"]:
        """Evaluate g.

        Args:
            layer: Layer number.
            phi: Azimuth in rad, absolute or relative to the centre of any cell.

        Returns:
            The factor on the energy.
        """
        phase = 2.0 * np.pi / self.period * np.asarray(phi, dtype=np.float64)
        row = self.cosines[BARREL_NUMBERS.index(layer)]
        terms = [value * np.cos(k * phase) for k, value in enumerate(row, start=1)]
        return np.asarray(1.0 + sum(terms, np.zeros(np.shape(phi))))

    @property
    def table(self) -> Float64[Array, "layer cosine"]:
        """The cosines as an array, for kernels."""
        return np.array(self.cosines, dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as they are written into a hits file."""
        return {
            "formula": "1 + sum_k cosines[layer][k - 1] cos(2 pi k (phi - phi_cell) / period)",
            "layers": list(BARREL_NUMBERS),
            "cosines": [list(row) for row in self.cosines],
            "period": self.period,
        }

    @classmethod
    def from_dict(cls, parameters: Mapping[str, Any]) -> "TruePhiModulation":
        """Read the parameters out of a hits file.

        Args:
            parameters: What `to_dict` returned.

        Returns:
            The modulation.
        """
        return cls(
            cosines=tuple(tuple(float(value) for value in row) for row in parameters["cosines"]),
            period=float(parameters["period"]),
        )
