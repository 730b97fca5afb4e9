"""What the place of a shower's centre depends on, out of its voxels."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geometry import BARREL_LAYERS
from calovox.voxelization import VoxelGrid, Voxels

__all__ = ["CenterShowers"]

_NUMBERS = {layer.role: layer.number for layer in BARREL_LAYERS}
_PRESAMPLER, _STRIPS, _MIDDLE = (_NUMBERS[role] for role in ("presampler", "strips", "middle"))


@dataclass(frozen=True)
class CenterShowers:
    """Showers as the model of their centres sees them.

    Attributes:
        log_energy: Logarithm of the photon's kinetic energy in MeV, to base 2.
        abs_eta: Absolute pseudorapidity of the photon.
        total: Energy of all voxels over the kinetic energy.
        presampler: Share of PreSamplerB in it.
        moments: Barycentre of the voxels' middles in EMB1 and EMB2 along eta and phi in mm, from
            the shower centre; along eta, away from eta = 0 is positive.
    """

    log_energy: Float64[Array, " event"]
    abs_eta: Float64[Array, " event"]
    total: Float64[Array, " event"]
    presampler: Float64[Array, " event"]
    moments: Float64[Array, "event 2 2"]

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self.log_energy)

    @classmethod
    def concatenate(cls, parts: "Sequence[CenterShowers]") -> "CenterShowers":
        """Join batches, in order."""
        names = [field.name for field in fields(cls)]
        return cls(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})

    @classmethod
    def from_voxels(cls, voxels: Voxels) -> "CenterShowers":
        """Read them out of voxels.

        Args:
            voxels: Showers of the barrel, of known photons.

        Returns:
            The showers.

        Raises:
            ValueError: If the grid lacks PreSamplerB, EMB1 or EMB2, or the photons are not known.
        """
        numbers = voxels.grid.numbers
        if not {_PRESAMPLER, _STRIPS, _MIDDLE} <= set(numbers):
            raise ValueError(
                f"centres of showers: expected the layers {_PRESAMPLER}, {_STRIPS} and {_MIDDLE} "
                f"of the barrel, got {numbers}"
            )
        if voxels.photon_eta is None:
            raise ValueError("centres of showers: expected the photons' directions, got none")
        total = voxels.total_fraction
        safe = np.where(total > 0.0, total, 1.0)
        layer = voxels.layer_energy[:, numbers.index(_PRESAMPLER)]
        return cls(
            log_energy=np.log2(voxels.incident_energy),
            abs_eta=np.abs(voxels.photon_eta),
            total=total,
            presampler=np.clip(layer / safe, 0.0, 1.0),
            moments=np.stack([_barycentre(voxels, n) for n in (_STRIPS, _MIDDLE)], axis=1),
        )


def _barycentre(voxels: Voxels, number: int) -> Float64[Array, "event axis"]:
    """Average the middles of a layer's voxels; 0 in an empty layer."""
    part, middles = _middles(voxels.grid, number)
    energy = voxels.energy[:, part].astype(np.float64)
    total = energy.sum(axis=1, keepdims=True)
    return np.asarray(energy @ middles / np.where(total > 0.0, total, 1.0))


def _middles(grid: VoxelGrid, number: int) -> tuple[slice, Float64[Array, "voxel axis"]]:
    part = grid.layer_slice(number)
    r, alpha = grid.r_middle[part], grid.alpha_middle[part]
    whole = grid.alpha_max[part] - grid.alpha_min[part] > np.pi  # more than half of a ring
    r = np.where(whole, 0.0, r)
    return part, np.stack([r * np.cos(alpha), r * np.sin(alpha)], axis=1)
