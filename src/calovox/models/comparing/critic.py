r"""A critic that compares simulated showers with given ones.

For the same photons x is a given shower and x' a simulated one. The critic D sees numbers of a
shower (`calovox.models.comparing.numbers`), its energy and |eta|, and learns which of the two is
which; a model learns to make it wrong (a relativistic pairing GAN):

    critic:  minimise  mean s(D(x') - D(x)) + gamma mean (|dD/dx|^2 + |dD/dx'|^2) / 2
    model:   minimise  mean s(D(x) - D(x')),                   s(t) = log(1 + exp(t)).

The penalty of its slopes keeps the critic from showers that it knows by heart, and what it says
smooth.

References:
    A. Jolicoeur-Martineau, *The relativistic discriminator*, 2018, https://arxiv.org/abs/1807.00734
    N. Huang et al., *The GAN is dead; long live the GAN! A modern GAN baseline*, 2025,
    https://arxiv.org/abs/2501.05441
    T. Yin et al., *Improved distribution matching distillation for fast image synthesis*, 2024,
    https://arxiv.org/abs/2405.14867
"""

from collections.abc import Mapping
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from calovox.models.base import Conditions
from calovox.models.comparing.numbers import CriticNumbers
from calovox.nn import MLP

__all__ = ["Critic"]

_WIDTHS: Final = (384, 384, 192)
_LEAK: Final = 0.2


class Critic(nn.Module):
    """Tells showers apart.

    Args:
        numbers: What it sees of showers.
        penalty: Weight gamma of its slopes.
        haste: Its steps, in those of the optimiser: a critic starts from random weights, a model
            that has been trained changes little.

    Attributes:
        penalty: Weight of the slopes.
    """

    def __init__(self, numbers: CriticNumbers, *, penalty: float, haste: float = 1.0) -> None:
        super().__init__()
        self.numbers = numbers
        sizes = [numbers.n_numbers + 2, *_WIDTHS, 1]
        self.network = MLP(sizes, activation=lambda: nn.LeakyReLU(_LEAK))
        self.penalty, self.haste = penalty, haste
        with torch.no_grad():
            for values in self.network.parameters():
                values.div_(haste)

    def terms(
        self,
        given: Float[Tensor, "event voxel"],
        simulated: Float[Tensor, "event voxel"],
        photons: Conditions[Tensor],
    ) -> dict[str, Tensor]:
        """Compute the terms of its own loss.

        Args:
            given: Voxels in MeV.
            simulated: Those of simulated showers of the same photons.
            photons: The photons.

        Returns:
            `critic`, how well it tells showers apart, and `penalty`, how steep it is.
        """
        with torch.no_grad():
            numbers = torch.cat([self.numbers(v, photons.energy) for v in (given, simulated)])
        numbers.requires_grad_()
        scores = self._score(numbers, _of_photons(photons).repeat(2, 1), self._weights())
        (slopes,) = torch.autograd.grad(scores.sum(), numbers, create_graph=True)
        ahead, behind = scores.chunk(2)
        return {
            "critic": nn.functional.softplus(behind - ahead).mean(),
            "penalty": self.penalty * slopes.square().sum(dim=1).mean(),
        }

    def lead(
        self,
        given: Float[Tensor, "event voxel"],
        simulated: Float[Tensor, "event voxel"],
        photons: Conditions[Tensor],
    ) -> Float[Tensor, "event 1"]:
        """Give by how much given showers are ahead; the critic itself learns nothing from that.

        Args:
            given: Voxels in MeV.
            simulated: Those of simulated showers of the same photons.
            photons: The photons.

        Returns:
            D(x) - D(x').
        """
        fixed = {name: values.detach() for name, values in self._weights().items()}
        about = _of_photons(photons)
        with torch.no_grad():
            ahead = self._score(self.numbers(given, photons.energy), about, fixed)
        return ahead - self._score(self.numbers(simulated, photons.energy), about, fixed)

    def _weights(self) -> dict[str, Tensor]:
        return {name: self.haste * values for name, values in self.network.named_parameters()}

    def _score(
        self, numbers: Tensor, photons: Tensor, weights: Mapping[str, Tensor]
    ) -> Float[Tensor, "event 1"]:
        inputs = torch.cat([numbers, photons], dim=1)
        score: Tensor = functional_call(self.network, dict(weights), (inputs,))
        return score


def _of_photons(photons: Conditions[Tensor]) -> Float[Tensor, "event 2"]:
    """Give energy and |eta| as numbers of order 1."""
    return torch.stack([(photons.energy.log() - 9.5) / 2.5, 2.0 * photons.eta.abs() - 1.0], dim=1)
