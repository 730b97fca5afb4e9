"""What the critic sees of showers: what a referee looks at, in units of its fluctuations.

Voxels below 1 MeV count as empty, smoothly, as the referee has them: what is below is no physics.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Showers
from calovox.models.comparing.observables import ObservableScales, ShowerObservables, neighbours
from calovox.voxelization import VoxelGrid

__all__ = ["CriticNumbers"]

_MEV: Final = 1.0
_SOFT: Final = 0.15
_HIGHER: Final = 10.0
_HOTTEST: Final = 5
_LEAST_ENERGY: Final = 0.5
_FURTHEST: Final = 8.0
_OF_CENTRE: Final = 3.0
"""How much the energy centre counts: penalised slopes see little of two numbers among hundreds."""


class CriticNumbers(nn.Module):
    """Turns showers into numbers of mean 0 and width 1, or 3 for the energy centre.

    Beside what `ShowerObservables` has: for each layer and for all together the shares of the
    hottest voxel and of the hottest five, the roughness in alpha, asymmetries, and voxels above
    10 MeV.

    Args:
        observables: Energies, voxels, moments and the energy centre.
        grid: The voxels.
    """

    layers: Tensor
    signs: Tensor
    pairs: Tensor

    def __init__(self, observables: ShowerObservables, grid: VoxelGrid) -> None:
        super().__init__()
        self.observables = observables
        self.layer_sizes = list(grid.layer_sizes)
        layer = np.repeat(np.arange(len(self.layer_sizes)), self.layer_sizes)
        of_layer = np.hstack([np.eye(len(self.layer_sizes))[layer], np.ones((len(layer), 1))])
        alpha = grid.alpha_middle
        sides = [np.sign(np.round(f(alpha), 6))[:, None] * of_layer for f in (np.cos, np.sin)]
        self.register_buffer("layers", torch.from_numpy(of_layer).float(), persistent=False)
        self.register_buffer("signs", torch.from_numpy(np.hstack(sides)).float(), persistent=False)
        self.register_buffer("pairs", neighbours(grid), persistent=False)
        self.scales: ObservableScales | None = None

    def fit(
        self, showers: Iterable[Showers[Tensor]], energy_range: tuple[float, float]
    ) -> "CriticNumbers":
        """Learn means and widths.

        Args:
            showers: Showers of Geant4, in parts of any size.
            energy_range: Lowest and highest kinetic energy in MeV.

        Returns:
            This.
        """
        parts = (
            (part.conditions.energy, self._raw(part.voxels * part.conditions.energy[:, None]))
            for part in showers
        )
        self.scales = ObservableScales.fit(parts, energy_range)
        return self

    @property
    def n_numbers(self) -> int:
        """How many numbers of a shower there are, squares among them."""
        assert self.scales is not None
        return 2 * self.scales.n_numbers

    def forward(
        self, voxels: Float[Tensor, "event voxel"], energy: Float[Tensor, " event"]
    ) -> Float[Tensor, "event number"]:
        """Give the numbers of showers.

        Args:
            voxels: Energies of the voxels in MeV.
            energy: Kinetic energies in MeV.

        Returns:
            The numbers, none further than 8 widths from the mean, and half of what their squares
            are above 1: a critic with gentle slopes hardly sees a width by itself.
        """
        assert self.scales is not None
        log_energy, parts = energy.log(), []
        for name, values in self._raw(voxels).items():
            part = self.scales.standardized(name, values, log_energy)
            counts = _OF_CENTRE if name == "centre" else 1.0
            parts.append(counts * part.clamp(-_FURTHEST, _FURTHEST))
        numbers = torch.cat(parts, dim=1)
        squares = 0.5 * (numbers * numbers - 1.0)
        return torch.cat([numbers, squares.clamp(max=_FURTHEST)], dim=1)

    def _raw(self, voxels: Tensor) -> dict[str, Tensor]:
        voxels = voxels * torch.sigmoid((voxels - _MEV) / _SOFT)
        energy = voxels @ self.layers
        return self.observables.of_voxels(voxels) | {
            "energies": self.observables.of_energies(energy[:, -1:], energy[:, :-1]),
            "patterns": self._patterns(voxels, energy),
        }

    def _patterns(self, voxels: Tensor, energy: Tensor) -> Tensor:
        """Give the numbers that do not depend on the energies of the layers."""
        least = energy.clamp(min=_LEAST_ENERGY)
        hottest = [
            part.topk(min(_HOTTEST, part.shape[1]), dim=1).values
            for part in (*torch.split(voxels, self.layer_sizes, dim=1), voxels)
        ]
        first = torch.cat([values[:, :1] for values in hottest], dim=1) / least
        together = (
            torch.cat([values.sum(dim=1, keepdim=True) for values in hottest], dim=1) / least
        )
        one, next_one = self.pairs
        steps = (voxels[:, one] - voxels[:, next_one]).abs() @ self.layers[one]
        sides = (voxels @ self.signs) / least.repeat(1, 2)
        above = torch.sigmoid((voxels / _MEV - _HIGHER) / (_HIGHER * _SOFT)) @ self.layers
        return torch.cat(
            [first, together, 0.5 * steps / least, sides, (above + 0.3).sqrt()], dim=1
        )
