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
_ENERGIES: Final = (-1.7, 2.1, 8)
_ETAS: Final = (-1.0, 1.7, 5)
"""First, last and how many places of a photon; its numbers are those of `_of_photons`."""
_REACH: Final = (0.5, 0.6)
"""How far a place reaches along each, about the distance to the next."""


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
        self.network = _LocalNetwork(numbers.n_numbers)
        self.penalty, self.haste = penalty, haste
        with torch.no_grad():
            for values in self.network.parameters():
                values.div_(haste)

    def losses(
        self,
        given: Float[Tensor, "event voxel"],
        simulated: Float[Tensor, "event voxel"],
        photons: Conditions[Tensor],
        *,
        alone: bool,
    ) -> dict[str, Tensor]:
        """Compute the terms of the loss of critic and model.

        Args:
            given: Voxels in MeV.
            simulated: Those of simulated showers of the same photons.
            photons: The photons.
            alone: Whether the critic learns alone: one of random weights would lead the model
                astray.

        Returns:
            `critic`, how well it tells showers apart, `penalty`, how steep it is, and unless it
            learns alone `model`, from which the critic itself learns nothing.
        """
        about = _of_photons(photons)
        with torch.no_grad():
            real = self.numbers(given, photons.energy)
        seen = self.numbers(simulated, photons.energy)
        terms = self._own_terms(real, seen.detach(), about)
        if not alone:
            terms["model"] = nn.functional.softplus(self._lead(real, seen, about)).mean()
        return terms

    def told_apart(
        self,
        given: Float[Tensor, "event voxel"],
        simulated: Float[Tensor, "event voxel"],
        photons: Conditions[Tensor],
    ) -> Float[Tensor, ""]:
        """Give of how many pairs it finds the given shower, an AUC.

        Args:
            given: Voxels in MeV.
            simulated: Those of simulated showers of the same photons.
            photons: The photons.
        """
        real, seen = (self.numbers(voxels, photons.energy) for voxels in (given, simulated))
        return (self._lead(real, seen, _of_photons(photons)) > 0.0).float().mean()

    def _own_terms(self, real: Tensor, seen: Tensor, about: Tensor) -> dict[str, Tensor]:
        numbers = torch.cat([real, seen]).requires_grad_()
        scores = self._score(numbers, about.repeat(2, 1), self._weights())
        (slopes,) = torch.autograd.grad(scores.sum(), numbers, create_graph=True)
        ahead, behind = scores.chunk(2)
        return {
            "critic": nn.functional.softplus(behind - ahead).mean(),
            "penalty": self.penalty * slopes.square().sum(dim=1).mean(),
        }

    def _lead(self, real: Tensor, seen: Tensor, about: Tensor) -> Float[Tensor, "event 1"]:
        """Give D(x) - D(x') with weights that are not trained."""
        fixed = {name: values.detach() for name, values in self._weights().items()}
        return self._score(real, about, fixed) - self._score(seen, about, fixed)

    def _weights(self) -> dict[str, Tensor]:
        return {name: self.haste * values for name, values in self.network.named_parameters()}

    def _score(
        self, numbers: Tensor, photons: Tensor, weights: Mapping[str, Tensor]
    ) -> Float[Tensor, "event 1"]:
        inputs = torch.cat([numbers, photons], dim=1)
        score: Tensor = functional_call(self.network, dict(weights), (inputs,))
        return score


class _LocalNetwork(nn.Module):
    """A network whose last layer depends on where energy and |eta| of the photon lie.

    What gives a model away at one energy and |eta| is often the opposite at another: one score for
    all photons sees the mean of both. The score is (w + A phi) . h, with h the last hidden layer,
    and phi how near the photon is to each of some places.

    Args:
        n_numbers: How many numbers of a shower there are.

    References:
        T. Miyato, M. Koyama, *cGANs with projection discriminator*, 2018,
        https://arxiv.org/abs/1802.05637
    """

    places: Tensor
    reach: Tensor

    def __init__(self, n_numbers: int) -> None:
        super().__init__()
        self.hidden = MLP([n_numbers + 2, *_WIDTHS], activation=lambda: nn.LeakyReLU(_LEAK))
        self.common = nn.Linear(_WIDTHS[-1], 1)
        along = (torch.linspace(*_ENERGIES), torch.linspace(*_ETAS))
        places = torch.cartesian_prod(*along)
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("reach", torch.tensor(_REACH), persistent=False)
        self.local = nn.Linear(len(places), _WIDTHS[-1], bias=False)
        nn.init.zeros_(self.local.weight)

    def forward(self, inputs: Float[Tensor, "event input"]) -> Float[Tensor, "event 1"]:
        """Score showers.

        Args:
            inputs: Their numbers, then energy and |eta| as numbers of order 1.

        Returns:
            The scores.
        """
        hidden = nn.functional.leaky_relu(self.hidden(inputs), _LEAK)
        distance = ((inputs[:, None, -2:] - self.places) / self.reach).square().sum(dim=2)
        near = torch.softmax(-0.5 * distance, dim=1)
        score: Tensor = self.common(hidden) + (hidden * self.local(near)).sum(dim=1, keepdim=True)
        return score


def _of_photons(photons: Conditions[Tensor]) -> Float[Tensor, "event 2"]:
    """Give energy and |eta| as numbers of order 1."""
    return torch.stack([(photons.energy.log() - 9.5) / 2.5, 2.0 * photons.eta.abs() - 1.0], dim=1)
