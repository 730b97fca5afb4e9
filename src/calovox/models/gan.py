r"""FastCaloGAN: whole showers, energies of layers and voxels together, by one GAN per |eta| slice.

As in AtlFast3, one Wasserstein GAN with gradient penalty for each slice of 0.05 in |eta| sees the
logarithm of the kinetic energy and nothing of the photon's eta. Its hyper-parameters are defaults
here and of `calovox train gan`, and stand in ``configs/gan_note.toml``: a generator of 50 latent
numbers and hidden layers of 50, 100 and 200; a critic with three hidden layers of as many neurons
as there are voxels; five turns of the critic for each of the generator, a gradient penalty of 10;
Adam with beta_1 = 0.5 and a constant learning rate of 1e-4, 128 showers at a time, a million
rounds; of all checkpoints, a thousand rounds apart, the one whose E_tot is closest to that of
Geant4. FastCaloGANV2 has the activation swish (SiLU).

What differs from AtlFast3:

- The networks see `RootShareTransform`'s points: square roots of the shares of layers and voxels,
  and E_tot in units of its spread at this energy. Layers' shares have nodes of their own.
- Layer norms replace batch norms, so that no shower depends on others.
- Half of the training showers are reflected in phi.
- One GAN covers all energies; FastCaloGANV2 has two, below and above 4 GeV.
- E_tot is compared by ranks, which need few showers (`calovox.training.validation`).
- The recipe of the shipped model, ``configs/gan_2core.toml``, takes two minutes a slice: 2000
  rounds, a learning rate up to 2e-3 in one cycle, a critic of 128 neurons, averages of the
  weights, and six checkpoints to choose from.

References:
    ATLAS Collaboration, *Fast simulation of the ATLAS calorimeter system with generative
    adversarial networks*, ATL-SOFT-PUB-2020-006 (2020)
    ATLAS Collaboration, *AtlFast3: the next generation of fast simulation in ATLAS*, 2021,
    https://arxiv.org/abs/2109.02551
    ATLAS Collaboration, *Software and computing for Run 3 of the ATLAS experiment at the LHC*,
    2024, https://arxiv.org/abs/2404.06335
    M. Faucci Giannelli, R. Zhang, *CaloShowerGAN*, 2023, https://arxiv.org/abs/2309.06515
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Conditions, Showers
from calovox.nn import MLP, WassersteinGame, count_parameters
from calovox.preprocessing import RootShareTransform, Standardization

__all__ = ["CaloGAN", "GanTraining", "gan_critic", "gan_generator"]


def gan_generator(
    n_variables: int, *, n_latent: int = 50, widths: Sequence[int] = (50, 100, 200)
) -> MLP:
    """Build the generator of FastCaloGAN, by default AtlFast3's.

    Args:
        n_variables: Coordinates of a point.
        n_latent: Latent numbers.
        widths: Neurons of the hidden layers.

    Returns:
        The network, with random weights.

    Example:
        >>> count_parameters(gan_generator(374))
        103074
    """
    return MLP([n_latent + 1, *widths, n_variables], layer_norm=True)


def gan_critic(n_variables: int, *, width: int = 368) -> MLP:
    """Build the critic of FastCaloGAN.

    Args:
        n_variables: Coordinates of a point.
        width: Neurons of each of the three hidden layers; AtlFast3's are as many as voxels.

    Returns:
        The network, with random weights.
    """
    return MLP([n_variables + 1, width, width, width, 1], activation=nn.ReLU)


class CaloGAN(nn.Module):
    """Draws showers.

    Args:
        network: The generator.
        log_energy: Standardisation of the natural logarithm of the kinetic energy in MeV.
        points: How points become showers.

    Raises:
        ValueError: If the network does not fit, or needs more noise than a model gets.
    """

    def __init__(
        self, network: MLP, log_energy: Standardization, points: RootShareTransform
    ) -> None:
        super().__init__()
        self.network = network
        self.log_energy = log_energy
        self.points = points
        if network.sizes[-1] != points.n_variables:
            raise ValueError(
                f"CaloGAN: expected a network of {points.n_variables} outputs, got "
                f"{network.sizes[-1]}"
            )
        if not 0 < self.n_latent <= self.noise_shape[0]:
            raise ValueError(
                f"CaloGAN: expected 1 to {self.noise_shape[0]} latent numbers, one per layer and "
                f"voxel, got {self.n_latent}"
            )

    @property
    def n_latent(self) -> int:
        """Latent numbers that a shower is made of."""
        return self.network.sizes[0] - 1

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event: a number per layer and voxel, as for all models.

        The first of them are the latent numbers; the others are not used.
        """
        return (sum(self.noise_parts),)

    @property
    def noise_parts(self) -> tuple[int, int]:
        """How many numbers of the noise are called the layers', and how many the voxels'."""
        return len(self.points.layer_sizes), self.points.n_voxels

    def sample(
        self, conditions: Conditions[Tensor], noise: Float[Tensor, "event noise"]
    ) -> Float[Tensor, "event voxel"]:
        """Draw showers.

        Args:
            conditions: Photons; their eta does not matter.
            noise: Standard normal numbers.

        Returns:
            Voxels as fractions of the kinetic energy, not negative.
        """
        log_energy = conditions.energy.log()
        inputs = [noise[:, : self.n_latent], self.condition(log_energy)]
        points = self.points.compose(self.network(torch.cat(inputs, dim=1)))
        return self.points.inverse(points, log_energy)

    def condition(self, log_energy: Float[Tensor, " event"]) -> Float[Tensor, "event 1"]:
        """Prepare what the networks see of photons.

        Args:
            log_energy: Natural logarithms of the kinetic energies in MeV.

        Returns:
            The standardised logarithm of the kinetic energy.
        """
        y: Tensor = self.log_energy(log_energy[:, None])
        return y

    def __repr__(self) -> str:
        n_voxels, n_parameters = self.points.n_voxels, count_parameters(self)
        return f"CaloGAN({n_voxels} voxels, {self.n_latent} latent, {n_parameters} weights)"


class GanTraining(nn.Module):
    """Trains a GAN: the model and its critic.

    Args:
        model: The model, whose weights change.
        critic: The critic, which nobody needs afterwards.
        n_critic: Turns of the critic for each one of the generator.
        penalty: Weight of the gradient penalty.
    """

    def __init__(
        self, model: CaloGAN, critic: MLP, *, n_critic: int = 5, penalty: float = 10.0
    ) -> None:
        super().__init__()
        self.model = model
        self.game = WassersteinGame(
            nn.Sequential(model.network, _Composition(model.points)),
            critic,
            n_latent=model.n_latent,
            n_critic=n_critic,
            penalty=penalty,
        )

    @property
    def result(self) -> CaloGAN:
        """The model."""
        return self.model

    def losses(self, batch: Showers[Tensor], rng: torch.Generator) -> dict[str, Tensor]:
        """Compute the loss of generator or critic, whose turn it is.

        Args:
            batch: Showers.
            rng: Where random numbers come from.

        Returns:
            See `calovox.nn.WassersteinGame`.
        """
        log_energy = batch.conditions.energy.log()
        real = self.model.points(batch.voxels, log_energy)
        return self.game.losses(real, self.model.condition(log_energy), rng)

    def __repr__(self) -> str:
        game = self.game
        return (
            f"GanTraining({self.model!r}, critic of {count_parameters(game.critic)} weights, "
            f"{game.n_critic} turns, penalty {game.penalty:g})"
        )


class _Composition(nn.Module):
    """The last step of the generator."""

    def __init__(self, points: RootShareTransform) -> None:
        super().__init__()
        self.points = points

    def forward(self, numbers: Tensor) -> Tensor:
        return self.points.compose(numbers)
