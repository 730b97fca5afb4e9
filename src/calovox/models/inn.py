r"""CaloINN: the energies of the layers, by a normalizing flow.

The density of the layer energies is that of `LayerEnergyTransform`'s numbers y: a spline flow
maps y to standard normal numbers z, given log E and 10 abs(eta). The note's network has 14 blocks
with hidden layers of 60: 14 x 7558 = 105 812 parameters. The note counts 286 more. An embedding of
eta by a small network, 1-15-15-1, has just as many, and is assumed here.

Samples are kept within what training showers had (`EnergyBounds`), which is ours: without bounds,
one shower of some thousands is far beyond any of Geant4.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6.1, Table 3
    F. Ernst, L. Favaro, C. Krause, T. Plehn, D. Shih, *Normalizing flows for high-dimensional
    detector simulations*, 2023, https://arxiv.org/abs/2312.09290
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Conditions, Showers
from calovox.nn import MLP, ConditionalFlow, ScalarEmbedding, count_parameters
from calovox.preprocessing import ConditionTransform, EnergyBounds, LayerEnergyTransform

__all__ = ["CaloINN", "inn_network"]


def inn_network(
    n_layers: int = 5,
    *,
    n_blocks: int = 14,
    width: int = 60,
    n_bins: int = 10,
    embedding_width: int = 15,
    permutation_seed: int = 5,
) -> ConditionalFlow:
    """Build the flow of CaloINN, by default the note's.

    Args:
        n_layers: Layers of the calorimeter.
        n_blocks: Coupling blocks.
        width: Neurons of both hidden layers in each block.
        n_bins: Bins of each spline.
        embedding_width: Neurons of both hidden layers in the embedding of eta.
        permutation_seed: Which random permutations stand between the blocks. The note's are not
            known; with these, each of the five layers is changed by five or six blocks.

    Returns:
        The network, with random weights.

    Example:
        >>> count_parameters(inn_network())
        106098
    """
    eta = MLP([1, embedding_width, embedding_width, 1])
    return ConditionalFlow(
        ScalarEmbedding([None, eta]),
        n_variables=n_layers,
        n_blocks=n_blocks,
        hidden=(width, width),
        n_bins=n_bins,
        permutation_seed=permutation_seed,
    )


class CaloINN(nn.Module):
    """Draws layer energies, and knows their density.

    Args:
        network: The flow, of two conditions.
        conditions: What the flow sees of a photon.
        layer_energies: How layer energies become the flow's variables.
        bounds: Within which samples are kept; None for no bounds.
    """

    def __init__(
        self,
        network: ConditionalFlow,
        conditions: ConditionTransform,
        layer_energies: LayerEnergyTransform,
        bounds: EnergyBounds | None = None,
    ) -> None:
        super().__init__()
        if network.n_variables != layer_energies.n_layers:
            raise ValueError(
                f"CaloINN: expected a network of {layer_energies.n_layers} variables, one per "
                f"layer, got {network.n_variables}"
            )
        self.network = network
        self.conditions = conditions
        self.layer_energies = layer_energies
        self.bounds = bounds or EnergyBounds.unfitted(layer_energies.n_layers)

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event: one number per layer."""
        return (self.network.n_variables,)

    def sample(
        self, conditions: Conditions[Tensor], noise: Float[Tensor, "event layer"]
    ) -> Float[Tensor, "event layer"]:
        """Draw layer energies.

        Args:
            conditions: Photons.
            noise: Standard normal numbers.

        Returns:
            Energies as fractions of the kinetic energy, not negative.
        """
        scalars = self.conditions(conditions.energy, conditions.eta)
        y = self.network.inverse(noise, scalars)
        total, shares, rests = self.layer_energies.inverse_ratios(y)
        if self.bounds.known:
            at = self.bounds.at(conditions.energy)
            total = self.bounds.bound_total(total, at)
            shares, rests = self.bounds.bound_shares(shares, rests, at)
        return self.layer_energies.ratios.inverse(torch.cat([total, shares], dim=1), rests)

    def log_prob(
        self, layer_energy: Float[Tensor, "event layer"], conditions: Conditions[Tensor]
    ) -> Float[Tensor, " event"]:
        """Compute the density of layer energies, as if there were no bounds.

        Args:
            layer_energy: Energies as fractions of the kinetic energy.
            conditions: Photons.

        Returns:
            Natural logarithm of the density in these fractions.
        """
        scalars = self.conditions(conditions.energy, conditions.eta)
        log_prob = self.network.log_prob(self.layer_energies(layer_energy), scalars)
        return log_prob + self.layer_energies.log_abs_det_jacobian(layer_energy)

    def losses(self, batch: Showers[Tensor], rng: torch.Generator) -> dict[str, Tensor]:
        """Compute the mean negative log likelihood of the flow's variables, with fresh noise.

        Args:
            batch: Showers.
            rng: Where the noise comes from.

        Returns:
            `nll`: what is left is the determinant of the preprocessing, which no weight changes.
        """
        energy = batch.layer_energy
        noise = torch.empty_like(energy[:, 1:]).uniform_(generator=rng)
        scalars = self.conditions(batch.conditions.energy, batch.conditions.eta)
        log_prob = self.network.log_prob(self.layer_energies(energy, noise), scalars)
        return {"nll": -log_prob.mean()}

    def __repr__(self) -> str:
        n_blocks, n_parameters = len(self.network.blocks), count_parameters(self)
        return f"CaloINN({self.noise_shape[0]} layers, {n_blocks} blocks, {n_parameters} weights)"
