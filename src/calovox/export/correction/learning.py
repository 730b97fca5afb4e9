"""An exported model learns from a critic that compares its showers with those of Geant4.

The critic takes a step with every batch, the model after the first steps.
"""

import torch
from torch import Tensor, nn

from calovox.export.correction.graph import ExportedModel
from calovox.models.base import Showers
from calovox.models.comparing import Critic

__all__ = ["Correction"]


class Correction(nn.Module):
    """Trains an exported model.

    Args:
        model: The model.
        critic: What compares its showers.
        first_steps: Steps in which the critic learns alone.

    Attributes:
        steps: Steps that have been done.
    """

    steps: Tensor

    def __init__(self, model: ExportedModel, critic: Critic, *, first_steps: int) -> None:
        super().__init__()
        self.model = model
        self.critic = critic
        self.first_steps = first_steps
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @property
    def result(self) -> ExportedModel:
        """The model."""
        return self.model

    def losses(self, batch: Showers[Tensor], rng: torch.Generator) -> dict[str, Tensor]:
        """Compute the terms of the loss of critic and model.

        Args:
            batch: Showers of Geant4.
            rng: Where noise comes from.

        Returns:
            `critic`, `penalty` and, after the first steps, `model`. Without training,
            `told_apart`: of how many pairs the critic finds the shower of Geant4, an AUC.
        """
        photons, energy = batch.conditions, batch.conditions.energy
        layers = batch.layer_energy * energy[:, None]
        simulated = self.model.draw(energy, photons.eta.abs(), layers, rng)
        real = batch.voxels * energy[:, None]
        if not self.training:
            return {"told_apart": self.critic.told_apart(real, simulated, photons)}
        self.steps += 1
        alone = int(self.steps) <= self.first_steps
        return self.critic.losses(real, simulated, photons, alone=alone)

    def __repr__(self) -> str:
        return (
            f"Correction({self.model!r}, penalty {self.critic.penalty:g}, critic alone for "
            f"{self.first_steps} steps)"
        )
