r"""A critic corrects what regression leaves of CaloFast, and what its teacher has wrong.

A regression of showers on their noise is content with the mean of what noise leaves open: the
hottest voxels are too cold, and widths too small. A critic (`calovox.models.comparing.critic`)
compares distributions. It is shown showers of the teacher, of which there can be any number, and
those of Geant4, and simulated ones of the same photons and energies of layers. The terms of
`calovox.models.fast.training` go on beside it, and keep the model from what the critic is blind
for.
"""

from typing import Final

import torch
from torch import Tensor, nn

from calovox.models.base import Conditions, Showers
from calovox.models.comparing import Critic
from calovox.models.fast.model import CaloFast
from calovox.models.fast.training import FastTraining

__all__ = ["FastCorrection"]

_ANCHOR: Final = 3.0
_NEXT_TO_NOTHING: Final = 1e-8


class FastCorrection(nn.Module):
    """Trains CaloFast further.

    Args:
        training: How it learns from its teacher.
        critic: What compares showers.
        real: Showers of Geant4; None for those of the teacher alone.
        first_steps: Steps in which the critic learns alone.

    Attributes:
        steps: Steps that have been done.
    """

    steps: Tensor

    def __init__(
        self,
        training: FastTraining,
        critic: Critic,
        real: Showers[Tensor] | None,
        *,
        first_steps: int,
    ) -> None:
        super().__init__()
        self.training_by_teacher = training
        self.critic = critic
        self.real = real
        self.weights = None if real is None else _weights(real.conditions.energy)
        self.first_steps = first_steps
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

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
            rng: Where showers of Geant4 and noise come from.

        Returns:
            `critic` and `penalty`; after the first steps `model` and the terms of `FastTraining`.
            Without training, these, and `told_apart`: of how many pairs the critic finds the
            shower of the teacher, an AUC.
        """
        if not self.training:
            photons, voxels = batch.conditions, batch.voxels * batch.conditions.energy[:, None]
            simulated = self._draw(photons, voxels, rng)
            by_teacher = self.training_by_teacher.losses(batch, rng)
            return by_teacher | {"told_apart": self.critic.told_apart(voxels, simulated, photons)}
        photons, voxels = self._with_geant4(batch, rng)
        simulated = self._draw(photons, voxels, rng)
        self.steps += 1
        alone = int(self.steps) <= self.first_steps
        terms = self.critic.losses(voxels, simulated, photons, alone=alone)
        if alone:
            return terms
        by_teacher = self.training_by_teacher.losses(batch, rng)
        return terms | {name: _ANCHOR * term for name, term in by_teacher.items()}

    def _with_geant4(
        self, batch: Showers[Tensor], rng: torch.Generator
    ) -> tuple[Conditions[Tensor], Tensor]:
        """Give photons and voxels in MeV of the teacher's showers, and of as many of Geant4."""
        photons, voxels = batch.conditions, batch.voxels
        if self.real is not None and self.weights is not None:
            rows = torch.multinomial(
                self.weights.to(rng.device), len(voxels), replacement=True, generator=rng
            ).to(self.real.voxels.device)
            real, device = self.real.conditions, voxels.device
            photons = Conditions(
                torch.cat([photons.energy, real.energy[rows].to(device)]),
                torch.cat([photons.eta, real.eta[rows].to(device)]),
            )
            voxels = torch.cat([voxels, self.real.voxels[rows].to(device)])
        return photons, voxels * photons.energy[:, None]

    def _draw(self, photons: Conditions[Tensor], voxels: Tensor, rng: torch.Generator) -> Tensor:
        """Simulate showers with the energies of layers of given ones."""
        layers = voxels @ self.training_by_teacher.observables.layers
        shares = layers / layers.sum(dim=1, keepdim=True).clamp(min=_NEXT_TO_NOTHING)
        features = self.model.photons(photons.energy[:, None], photons.eta.abs()[:, None])
        noise = torch.empty_like(voxels).normal_(generator=rng)
        found: Tensor = self.model.shapes(features, shares, layers, noise)
        return found

    def __repr__(self) -> str:
        n_showers = 0 if self.real is None else len(self.real.voxels)
        return f"FastCorrection({self.training_by_teacher!r}, {n_showers} showers of Geant4)"


def _weights(energy: Tensor) -> Tensor:
    """Let octaves of the energy with few showers count more, by the root of the number."""
    octave = energy.log2().floor().long()
    counts = torch.bincount(octave - octave.min()).clamp(min=1)
    return counts[octave - octave.min()].float().rsqrt()
