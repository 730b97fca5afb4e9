r"""The centre of a shower about the impact of its photon: p(centre - impact | shower).

The energy-weighted centre of the hits lies x along eta and y along phi from the direction of the
photon, in mm at the radius R = 1700 mm; x is positive away from eta = 0. With the barycentres
$m_1, m_2$ of the voxels in EMB1 and EMB2 along the same axis, and normal numbers z,

$$x = b(|\eta|) + s \Big[\sum_{l=1}^{2} a_l(\log_2 E)\, c(m_l / s) + q_x(z_x; \log_2 E)\Big],
\qquad y = s \Big[\sum_l a_l\, c(m_l / s) + q_y(z_y; \log_2 E)\Big],$$

c(u) is u within [-3, 3] and the nearest end outside. b is what the detector does to all showers:
it rises to 1.3 mm at |eta| = 0.8, where the absorbers change. The scale s falls with energy,

$$\ln s = s_E(\log_2 E) + s_\eta(|\eta|)
+ (t_0 + t_1 \lambda) \ln f + (p_0 + p_1 \lambda) \ln(f_0 + 0.001),
\qquad \lambda = (\log_2 E - 12) / 4,$$

with f the energy of all voxels over the kinetic energy, at least 0.02, and f_0 the share of
PreSamplerB. q gives the distribution that is left, which has tails at low energies: quantiles at
normal levels. All functions of one variable are linear between their knots and constant beyond; q
is also linear in z between its levels, and goes on with its last slope to z = 3.5 and -3.5.

A file is JSON with these knots and numbers. What reads it needs nothing else; `docs/cpp.md` says
how to use it with FastCaloSim.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.files.damage import one_line
from calovox.files.whole import whole_file
from calovox.models.centers.showers import CenterShowers

__all__ = ["RADIUS", "CenterFileError", "CenterModel", "hats", "pulls", "scale_terms"]

RADIUS: Final = 1700.0
"""Radius in mm at which distances in eta and phi are lengths."""

_FORMAT: Final = "calovox shower centres"
_VERSION: Final = 1
_WIDEST: Final = 3.0
_FURTHEST_LEVEL: Final = 3.5
_LEAST_TOTAL: Final = 0.02  # showers of Geant4 with less visible energy are too few for a fit
_LARGEST_EXPONENT: Final = 10.0  # s of any shower is then neither 0 nor infinite
_LARGEST: Final = 1e6


class CenterFileError(ValueError):
    """A file of shower centres that cannot be used, and why."""


def hats(
    values: Float64[Array, " event"], knots: Float64[Array, " knot"]
) -> Float64[Array, "event knot"]:
    """Give the weights of knots, for functions that are linear between them.

    Example:
        >>> hats(np.array([0.25, 9.0]), np.array([0.0, 1.0]))
        array([[0.75, 0.25],
               [0.  , 1.  ]])
    """
    return np.stack([np.interp(values, knots, row) for row in np.eye(len(knots))], axis=1)


@dataclass(frozen=True)
class CenterModel:
    """Fitted numbers of p(centre - impact | shower).

    Attributes:
        energy_knots: Knots of s_E and a in log2 of the energy in MeV.
        scale_energy: s_E at them; s in mm.
        eta_knots: Knots of s_eta in |eta|.
        scale_eta: s_eta at them.
        scale_total: t_0 and t_1.
        scale_presampler: p_0 and p_1.
        bias_knots: Knots of b in |eta|.
        bias: b at them in mm.
        pull: a of EMB1 and EMB2 at the knots in energy.
        quantile_knots: Knots of q in log2 of the energy in MeV.
        levels: Normal numbers at which q is given.
        quantiles: q along eta and phi, at each knot and level.
        provenance: How it was fitted.
    """

    energy_knots: Float64[Array, " energy"]
    scale_energy: Float64[Array, " energy"]
    eta_knots: Float64[Array, " eta"]
    scale_eta: Float64[Array, " eta"]
    scale_total: Float64[Array, "2"]
    scale_presampler: Float64[Array, "2"]
    bias_knots: Float64[Array, " place"]
    bias: Float64[Array, " place"]
    pull: Float64[Array, "2 energy"]
    quantile_knots: Float64[Array, " octave"]
    levels: Float64[Array, " level"]
    quantiles: Float64[Array, "2 octave level"]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        for name in ("energy_knots", "eta_knots", "bias_knots", "quantile_knots", "levels"):
            knots = getattr(self, name)
            if knots.ndim != 1 or len(knots) < 2 or not np.all(np.diff(knots) > 0):
                raise ValueError(f"CenterModel: `{name}` must be two or more rising numbers")
        octaves, levels = len(self.quantile_knots), len(self.levels)
        energies = len(self.energy_knots)
        shapes = {
            "scale_energy": (energies,),
            "scale_eta": (len(self.eta_knots),),
            "scale_total": (2,),
            "scale_presampler": (2,),
            "bias": (len(self.bias_knots),),
            "pull": (2, energies),
            "quantiles": (2, octaves, levels),
        }
        for name, shape in shapes.items():
            values = getattr(self, name)
            most = _LARGEST_EXPONENT if name.startswith("scale") else _LARGEST
            if values.shape != shape or not np.all(np.abs(values) <= most):
                raise ValueError(
                    f"CenterModel: expected `{name}` of numbers up to {most:g} of shape {shape}"
                )

    def scale(self, showers: CenterShowers) -> Float64[Array, " event"]:
        """Give s of each shower in mm."""
        exponent = np.interp(showers.log_energy, self.energy_knots, self.scale_energy)
        exponent += np.interp(showers.abs_eta, self.eta_knots, self.scale_eta)
        exponent += scale_terms(showers) @ np.concatenate(
            [self.scale_total, self.scale_presampler]
        )
        return np.asarray(np.exp(exponent))

    def mean(
        self, showers: CenterShowers, scale: Float64[Array, " event"]
    ) -> Float64[Array, "event axis"]:
        """Give what x and y are for z = 0 and a symmetric q, in mm."""
        pull = np.stack(
            [np.interp(showers.log_energy, self.energy_knots, row) for row in self.pull], axis=1
        )
        mean = np.einsum("el,ela->ea", pull, pulls(showers, scale)) * scale[:, None]
        mean[:, 0] += np.interp(showers.abs_eta, self.bias_knots, self.bias)
        return np.asarray(mean)

    def sample(
        self, showers: CenterShowers, noise: Float64[Array, "event 2"]
    ) -> Float64[Array, "event axis"]:
        """Draw x and y of each shower.

        Args:
            showers: The showers.
            noise: Normal numbers.

        Returns:
            Lengths along eta and phi in mm.
        """
        scale = self.scale(showers)
        weights = hats(showers.log_energy, self.quantile_knots)
        drawn = np.stack(
            [self._quantile(axis, noise[:, axis], weights) for axis in range(2)], axis=1
        )
        return np.asarray(self.mean(showers, scale) + scale[:, None] * drawn)

    def _quantile(
        self, axis: int, noise: Float64[Array, " event"], weights: Float64[Array, "event octave"]
    ) -> Float64[Array, " event"]:
        levels, noise = self.levels, np.clip(noise, -_FURTHEST_LEVEL, _FURTHEST_LEVEL)
        place = np.clip(np.searchsorted(levels, noise) - 1, 0, len(levels) - 2)
        part = (noise - levels[place]) / (levels[place + 1] - levels[place])  # beyond 0 and 1, too
        table = self.quantiles[axis]
        values = table[:, place] + part * (table[:, place + 1] - table[:, place])
        return np.asarray((weights * values.T).sum(axis=1))

    def write(self, path: Path, *, overwrite: bool = False) -> None:
        """Write the numbers as JSON.

        Args:
            path: The file.
            overwrite: Whether an existing file may be replaced.
        """
        content = {"format": _FORMAT, "version": _VERSION, "radius": RADIUS}
        values = {
            field.name: np.round(getattr(self, field.name), 5).tolist()
            for field in fields(self)
            if field.name != "provenance"
        }
        entries = {**content, **values, "provenance": self.provenance}
        lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in entries.items()]
        with whole_file(path, overwrite=overwrite) as partial:
            partial.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "CenterModel":
        """Read the numbers.

        Args:
            path: A file of `write`.

        Returns:
            The model.

        Raises:
            CenterFileError: If it is another file, or damaged.
        """
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            raise CenterFileError(f"{path} is no file of shower centres") from None
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise CenterFileError(f"{path} is no file of shower centres")
        if content.get("version") != _VERSION or content.get("radius") != RADIUS:
            raise CenterFileError(f"{path}: expected version {_VERSION} and radius {RADIUS:g}")
        try:
            return cls(
                **{
                    field.name: np.asarray(content[field.name], dtype=np.float64)
                    for field in fields(cls)
                    if field.name != "provenance"
                },
                provenance=dict(content["provenance"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as problem:
            raise CenterFileError(f"{path}: damaged: {one_line(problem)}") from None


def scale_terms(showers: CenterShowers) -> Float64[Array, "event 4"]:
    """Give what t_0, t_1, p_0 and p_1 are multiplied by."""
    slope = (showers.log_energy - 12.0) / 4.0
    total = np.log(np.maximum(showers.total, _LEAST_TOTAL))
    presampler = np.log(showers.presampler + 1e-3)
    return np.stack([total, slope * total, presampler, slope * presampler], axis=1)


def pulls(
    showers: CenterShowers, scale: Float64[Array, " event"]
) -> Float64[Array, "event layer axis"]:
    """Give the barycentres in EMB1 and EMB2 over s, within limits."""
    return np.asarray(np.clip(showers.moments / scale[:, None, None], -_WIDEST, _WIDEST))
