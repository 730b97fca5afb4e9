"""A toy model of showers, with the manners of a set of trained models."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from calovox.arrays import Array, Bool, Float32, Float64
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.voxelization import VoxelGrid
from tests.toy_showers import LAYER_FRACTIONS, VISIBLE_FRACTION


@dataclass(frozen=True)
class ToyModel:
    """One model, for a range of energies and |eta|."""

    path: Path = Path("toy.onnx")
    energy_range: tuple[float, float] = (256.0, 524288.0)
    eta_range: tuple[float, float] = (0.0, 1.35)


@dataclass(frozen=True)
class ToyModels:
    """Voxels of a layer share its energy as the exponentials of their noise."""

    models: tuple[ToyModel, ...] = (ToyModel(),)
    grid: VoxelGrid = field(default_factory=VoxelGrid.optimal)
    sub_voxels: Path | None = None
    phi_modulation: Path | None = None

    @property
    def noise_shape(self) -> tuple[int, ...]:
        return (len(BARREL_NUMBERS) + self.grid.n_voxels,)

    def in_range(
        self, energy: Float64[Array, " event"], eta: Float64[Array, " event"]
    ) -> Bool[Array, " event"]:
        inside = np.zeros(len(energy), dtype=bool)
        for model in self.models:
            (low, high), (eta_low, eta_high) = model.energy_range, model.eta_range
            size = np.abs(eta)
            inside |= (low <= energy) & (energy <= high) & (eta_low <= size) & (size <= eta_high)
        return inside

    def sample(
        self,
        energy: Float64[Array, " event"],
        eta: Float64[Array, " event"],
        noise: Float32[Array, "event draw"],
    ) -> Float32[Array, "event voxel"]:
        shares = np.exp(noise[:, len(BARREL_NUMBERS) :].astype(np.float64))
        for position, layer in enumerate(BARREL_NUMBERS):
            voxels = self.grid.layer_slice(layer)
            total = shares[:, voxels].sum(axis=1, keepdims=True)
            shares[:, voxels] *= VISIBLE_FRACTION * LAYER_FRACTIONS[position] / total
        return shares.astype(np.float32)
