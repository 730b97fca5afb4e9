r"""Showers of Geant4 correct what CaloFast has from its teacher, and its teacher has wrong.

Nothing pairs a shower of Geant4 with noise. What can be compared are distributions, for the
photons and the energies of layers of the showers of Geant4. With standardised numbers x of a real
shower, x' and x'' of two simulated ones for the same conditions, there are two terms beside those
of `calovox.models.fast.training`, which keep the model from forgetting:

- `score`: the energy score of every number and of random sums of them,
  $(|x - x'| + |x - x''| - |x' - x''|) / 2$, a proper scoring rule: nothing but the distribution of
  Geant4 makes its mean smaller;
- `averages`: averages of x, of their squares and cubes, of products of neighbouring voxels and of
  how many voxels are above 1 MeV, weighted by random functions of energy and |eta|. A product of
  the differences in two halves of a batch is 0 on average where there is no difference.

The energy score hardly changes with a width, which trees see; averages of squares do.

References:
    T. Gneiting, A. E. Raftery, *Strictly proper scoring rules, prediction, and estimation*, 2007,
    https://doi.org/10.1198/016214506000001437
    X. Shen, N. Meinshausen, *Engression: extrapolation through the lens of distributional
    regression*, 2023, https://arxiv.org/abs/2307.00835
"""

import math
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from calovox.models.base import Showers
from calovox.models.fast.model import CaloFast
from calovox.models.fast.training import FastTraining

__all__ = ["FastCorrection"]

_AT_A_TIME: Final = 512
_N_SUMS: Final = 64
_N_WEIGHTS: Final = 6
_SUMS_COUNT: Final = 3.0
_FURTHEST: Final = 6.0
_ANCHOR: Final = 0.5
_MEV: Final = 1.0
_SOFT: Final = 0.15
_NEXT_TO_NOTHING: Final = 1e-8


class FastCorrection(nn.Module):
    """Trains CaloFast further, with showers of its teacher and of Geant4.

    Args:
        training: How it learns from its teacher.
        real: Showers of Geant4.
        pairs: Neighbouring voxels.
    """

    pairs: Tensor

    def __init__(
        self, training: FastTraining, real: Showers[Tensor], pairs: Int64[Tensor, "2 pair"]
    ) -> None:
        super().__init__()
        self.training_by_teacher = training
        self.real = real
        self.weights = _weights(real.conditions.energy)
        self.register_buffer("pairs", pairs, persistent=False)

    @property
    def model(self) -> CaloFast:
        """The model that is trained."""
        return self.training_by_teacher.model

    @property
    def result(self) -> CaloFast:
        """The model."""
        return self.model

    def losses(self, batch: Showers[Tensor], rng: torch.Generator) -> dict[str, Tensor]:
        """Compute the terms of the loss.

        Args:
            batch: Showers of the teacher, with their indices.
            rng: Where showers of Geant4, noise and random sums come from.

        Returns:
            Those of `FastTraining`, less of them, and in a training `score` and `averages`.
        """
        terms = self.training_by_teacher.losses(batch, rng)
        terms = {name: _ANCHOR * term for name, term in terms.items()}
        if not self.training:
            return terms
        device = batch.voxels.device
        rows = torch.multinomial(
            self.weights.to(rng.device), _AT_A_TIME, replacement=True, generator=rng
        ).to(self.real.voxels.device)
        energy = self.real.conditions.energy[rows].to(device)
        eta = self.real.conditions.eta[rows].abs().to(device)
        voxels = self.real.voxels[rows].to(device) * energy[:, None]
        drawn = [self._draw(energy, eta, voxels, rng) for _ in range(2)]
        numbers = [self._numbers(part, energy) for part in (voxels, *drawn)]
        difference = self._products(drawn[0], numbers[1]) - self._products(voxels, numbers[0])
        return terms | {
            "score": _energy_score(numbers, rng),
            "averages": _averages(difference, energy, eta, rng),
        }

    def _draw(self, energy: Tensor, eta: Tensor, voxels: Tensor, rng: torch.Generator) -> Tensor:
        """Simulate showers with the energies of layers of given ones."""
        layers = voxels @ self.training_by_teacher.observables.layers
        shares = layers / layers.sum(dim=1, keepdim=True).clamp(min=_NEXT_TO_NOTHING)
        features = self.model.photons(energy[:, None], eta[:, None])
        noise = torch.empty_like(voxels).normal_(generator=rng)
        found: Tensor = self.model.shapes(features, shares, layers, noise)
        return found

    def _numbers(self, voxels: Tensor, energy: Tensor) -> Tensor:
        """Give all numbers of showers, standardised."""
        training, log_energy = self.training_by_teacher, energy.log()
        numbers = training.observables.of_voxels(voxels)
        parts = [
            training.scales.standardized(name, values, log_energy)
            for name, values in numbers.items()
        ]
        return torch.cat(parts, dim=1)

    def _products(self, voxels: Tensor, numbers: Tensor) -> Tensor:
        """Give what is averaged."""
        numbers = numbers.clamp(-_FURTHEST, _FURTHEST)
        n_voxels = voxels.shape[1]
        of_voxels, others = numbers[:, :n_voxels], numbers[:, n_voxels:]
        first, second = self.pairs
        hit = torch.sigmoid((voxels - _MEV) / _SOFT)
        squares = 0.5 * numbers.square()
        cubes = 0.125 * others**3
        together = of_voxels[:, first] * of_voxels[:, second]
        return torch.cat([numbers, squares, together, 1.5 * hit, cubes], dim=1)

    def __repr__(self) -> str:
        n_showers = len(self.real.voxels)
        return f"FastCorrection({self.training_by_teacher!r}, {n_showers} showers of Geant4)"


def _weights(energy: Float[Tensor, " event"]) -> Float[Tensor, " event"]:
    """Let octaves of the energy with few showers count more, by the root of the number."""
    octave = energy.log2().floor().long()
    counts = torch.bincount(octave - octave.min()).clamp(min=1)
    return counts[octave - octave.min()].float().rsqrt()


def _energy_score(
    numbers: list[Float[Tensor, "event number"]], rng: torch.Generator
) -> Float[Tensor, ""]:
    """Average the energy score of numbers, and of random sums of them."""
    size = numbers[0].shape[1]
    sums = torch.empty(size, _N_SUMS, device=numbers[0].device).normal_(generator=rng)
    real, first, second = (
        torch.cat([part, _SUMS_COUNT * (part @ sums) / math.sqrt(size)], dim=1) for part in numbers
    )
    away = (real - first).abs() + (real - second).abs() - (first - second).abs()
    return 0.5 * away.mean()


def _averages(
    difference: Float[Tensor, "event number"],
    energy: Float[Tensor, " event"],
    eta: Float[Tensor, " event"],
    rng: torch.Generator,
) -> Float[Tensor, ""]:
    """Estimate the squares of averages of differences without bias."""
    place = torch.stack([(energy.log() - 11.0) / 2.5, (eta - 0.6) / 0.4, torch.ones_like(eta)])
    waves = torch.empty(3, _N_WEIGHTS, device=eta.device).normal_(generator=rng)
    shaken = math.sqrt(2.0) * (place.T @ waves).sin()
    weights = torch.cat([torch.ones_like(eta)[:, None], shaken], dim=1)
    half = len(eta) // 2
    parts = (slice(half), slice(half, None))
    first, second = (weights[p].T @ difference[p] / len(eta[p]) for p in parts)
    return (first * second).mean()
