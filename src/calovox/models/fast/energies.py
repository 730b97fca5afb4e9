r"""Energies of the layers from one evaluation of a small network.

With the numbers o of the network and the kinetic energy E, the visible fraction of it is

$$u_0 = \max(0, m + s(E) o_0), \qquad s(E) = \sqrt{a^2 / E + b^2},$$

and layer k holds the part $o_k^2 / \sum_j o_j^2$ of it, with o_k up to 0 counting as 0; if all
are, each layer holds as much. s has the shape of the resolution of a calorimeter, so that o_0 is
of the order of 1 at every energy.
"""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.nn import MLP

__all__ = ["FastEnergies"]

_NEXT_TO_NOTHING: Final = 1e-20


class FastEnergies(nn.Module):
    """Draws layer energies.

    Args:
        n_features: Numbers that a photon has become.
        n_layers: How many layers.
        width: Neurons of the hidden layers.
        depth: How many hidden layers.
    """

    resolution: Tensor

    def __init__(self, n_features: int, n_layers: int, *, width: int, depth: int) -> None:
        super().__init__()
        self.n_layers = n_layers
        self.network = MLP([n_features + n_layers, *[width] * depth, 1 + n_layers])
        last = self.network.layers[-1]
        assert isinstance(last, nn.Linear)
        # the root of a layer that is below 0 for all photons has no gradient: it would stay there
        nn.init.ones_(last.bias[1:])
        # m, a^2 in MeV, b^2
        self.register_buffer("resolution", torch.tensor([0.9, 25.0, 1e-5]))

    def forward(
        self,
        features: Float[Tensor, "event feature"],
        energy: Float[Tensor, "event 1"],
        noise: Float[Tensor, "event layer"],
    ) -> tuple[Float[Tensor, "event 1"], Float[Tensor, "event layer"]]:
        """Draw energies.

        Args:
            features: The photons.
            energy: Their kinetic energies in MeV.
            noise: Standard normal numbers.

        Returns:
            The visible fraction of the kinetic energy, and what part of it each layer holds.
        """
        numbers = self.network(torch.cat([features, noise], dim=1))
        visible, layers = torch.split(numbers, [1, self.n_layers], dim=1)
        middle, stochastic, constant = self.resolution.unbind()
        spread = (stochastic / energy + constant).sqrt()
        roots = layers.relu()
        squares = roots * roots + _NEXT_TO_NOTHING
        # a product with a matrix: the same sum in batches of any size
        whole = squares @ squares.new_ones(self.n_layers, self.n_layers)
        return (middle + spread * visible).relu(), squares / whole
