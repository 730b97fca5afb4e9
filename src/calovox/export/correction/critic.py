r"""An exported model learns from a critic that compares its showers with those of Geant4.

For the same photons x is a shower of Geant4 and x' a simulated one. The critic D sees numbers of a
shower (`calovox.export.correction.numbers`), its energy and |eta|, and learns which of the two is
which; the model learns to make it wrong (a relativistic pairing GAN):

    critic:  minimise  mean s(D(x') - D(x)) + gamma mean (|dD/dx|^2 + |dD/dx'|^2) / 2
    model:   minimise  mean s(D(x) - D(x')),                   s(t) = log(1 + exp(t)).

Both take a step with every batch. In the first steps the critic learns alone: a critic of random
weights would lead the model astray. The penalty of its slopes keeps it from showers that it knows
by heart, and what it says smooth.

References:
    A. Jolicoeur-Martineau, *The relativistic discriminator*, 2018, https://arxiv.org/abs/1807.00734
    N. Huang et al., *The GAN is dead; long live the GAN! A modern GAN baseline*, 2025,
    https://arxiv.org/abs/2501.05441
    T. Yin et al., *Improved distribution matching distillation for fast image synthesis*, 2024,
    https://arxiv.org/abs/2405.14867
"""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from calovox.export.correction.graph import ExportedModel
from calovox.export.correction.numbers import CriticNumbers
from calovox.models.base import Showers
from calovox.nn import MLP

__all__ = ["Correction"]

_WIDTHS: Final = (384, 384, 192)
_LEAK: Final = 0.2


class Correction(nn.Module):
    """Trains an exported model.

    Args:
        model: The model.
        numbers: What the critic sees of showers.
        penalty: Weight gamma of the slopes of the critic.
        first_steps: Steps in which the critic learns alone.

    Attributes:
        steps: Steps that have been done.
    """

    steps: Tensor

    def __init__(
        self,
        model: ExportedModel,
        numbers: CriticNumbers,
        *,
        penalty: float,
        first_steps: int,
    ) -> None:
        super().__init__()
        self.model = model
        self.numbers = numbers
        sizes = [numbers.n_numbers + 2, *_WIDTHS, 1]
        self.critic = MLP(sizes, activation=lambda: nn.LeakyReLU(_LEAK))
        self.penalty = penalty
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
        energy, eta = batch.conditions.energy, batch.conditions.eta.abs()
        photon = torch.stack([(energy.log() - 9.5) / 2.5, 2.0 * eta - 1.0], dim=1)
        layers = batch.layer_energy * energy[:, None]
        simulated = self.numbers(self.model.draw(energy, eta, layers, rng), energy)
        with torch.no_grad():
            real = self.numbers(batch.voxels * energy[:, None], energy)
        if not self.training:
            ahead = self._score(real, photon) - self._score(simulated, photon)
            return {"told_apart": (ahead > 0.0).float().mean()}
        terms = self._terms_of_critic(real, simulated.detach(), photon)
        self.steps += 1
        if int(self.steps) > self.first_steps:
            fixed = {name: values.detach() for name, values in self.critic.named_parameters()}
            ahead = self._score(real, photon, fixed) - self._score(simulated, photon, fixed)
            terms["model"] = nn.functional.softplus(ahead).mean()
        return terms

    def _terms_of_critic(
        self, real: Tensor, simulated: Tensor, photon: Tensor
    ) -> dict[str, Tensor]:
        """Compute how well the critic tells showers apart, and how steep it is."""
        numbers = torch.cat([real, simulated]).requires_grad_()
        scores = self._score(numbers, photon.repeat(2, 1))
        (slopes,) = torch.autograd.grad(scores.sum(), numbers, create_graph=True)
        ahead, behind = scores.chunk(2)
        return {
            "critic": nn.functional.softplus(behind - ahead).mean(),
            "penalty": self.penalty * slopes.square().sum(dim=1).mean(),
        }

    def _score(
        self, numbers: Tensor, photon: Tensor, weights: dict[str, Tensor] | None = None
    ) -> Float[Tensor, "event 1"]:
        weights = weights or dict(self.critic.named_parameters())
        score: Tensor = functional_call(self.critic, weights, (torch.cat([numbers, photon], 1),))
        return score

    def __repr__(self) -> str:
        return (
            f"Correction({self.model!r}, penalty {self.penalty:g}, critic alone for "
            f"{self.first_steps} steps)"
        )
