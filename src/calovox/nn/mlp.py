"""Fully connected networks, and the embedding of single numbers by such networks."""

import itertools
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["MLP", "ScalarEmbedding", "count_parameters"]


class MLP(nn.Module):
    """Linear layers with an activation between them; the last one is linear.

    Args:
        sizes: Numbers of neurons, from the inputs to the outputs: at least these two.
        activation: What stands between two linear layers.
        layer_norm: Whether the input of each activation is normalised over its neurons, without
            parameters.

    Example:
        >>> count_parameters(MLP([1, 15, 15, 1]))
        286
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: Callable[[], nn.Module] = nn.SiLU,
        layer_norm: bool = False,
    ) -> None:
        super().__init__()
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"MLP: expected two or more `sizes` of 1 or more, got {list(sizes)}")
        self.sizes = tuple(sizes)
        layers: list[nn.Module] = []
        for n_in, n_out in itertools.pairwise(sizes[:-1]):
            layers.append(nn.Linear(n_in, n_out))
            if layer_norm:
                layers.append(nn.LayerNorm(n_out, elementwise_affine=False))
            layers.append(activation())
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))

    def forward(self, x: Float[Tensor, "event n_in"]) -> Float[Tensor, "event n_out"]:
        """Evaluate the network.

        Args:
            x: Inputs.

        Returns:
            Outputs.
        """
        y: Tensor = self.layers(x)
        return y


class ScalarEmbedding(nn.Module):
    """Replaces each of several numbers by the output of a network of its own.

    Args:
        networks: One per number, each of one input; None leaves the number as it is.
    """

    def __init__(self, networks: Sequence[MLP | None]) -> None:
        super().__init__()
        for position, network in enumerate(networks):
            if network is not None and network.sizes[0] != 1:
                raise ValueError(
                    f"ScalarEmbedding: expected networks of 1 input, got {network.sizes[0]} "
                    f"in network {position}"
                )
        self.networks = nn.ModuleList([nn.Identity() if n is None else n for n in networks])
        self.n_inputs = len(networks)
        self.n_outputs = sum(1 if n is None else n.sizes[-1] for n in networks)

    def forward(self, scalars: Float[Tensor, "event n_in"]) -> Float[Tensor, "event n_out"]:
        """Embed numbers.

        Args:
            scalars: One column per network.

        Returns:
            The outputs of all networks, side by side.
        """
        columns = [net(scalars[:, k : k + 1]) for k, net in enumerate(self.networks)]
        return torch.cat(columns, dim=1)


def count_parameters(module: nn.Module) -> int:
    """Count the numbers that training may change.

    Args:
        module: Any module.

    Returns:
        The number of elements of its parameters.
    """
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
