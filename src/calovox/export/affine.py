"""Affine maps of an exported graph: put together in double precision, rounded once."""

from typing import Final

import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from calovox.nn import MLP

__all__ = ["Affine", "block_diagonal", "centred", "linear_layers"]

_NO_MEAN: Final = 1e-3
"""Mean over the neurons, as a part of the typical size, that does no harm."""


class Affine(nn.Module):
    """y = W x + b, one node of a graph.

    Args:
        weight: The matrix W.
        bias: The vector b; none if every call brings its own.
        dtype: Precision of the graph.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        weight: Float64[Tensor, "out in"],
        bias: Float64[Tensor, " out"] | None = None,
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight.T.to(dtype).contiguous())
        self.register_buffer("bias", None if bias is None else bias.to(dtype))

    def forward(
        self,
        x: Float[Tensor, "event in"],
        bias: Float[Tensor, "event out"] | None = None,
    ) -> Float[Tensor, "event out"]:
        """Apply the map.

        Args:
            x: Any numbers.
            bias: What is added instead of b.

        Returns:
            W x + b.
        """
        added = self.bias if bias is None else bias
        return x @ self.weight if added is None else torch.addmm(added, x, self.weight)


def block_diagonal(*blocks: Float64[Tensor, "_ _"]) -> Float64[Tensor, "_ _"]:
    """Put matrices on the diagonal of one that is 0 elsewhere.

    Args:
        blocks: Matrices of any size.

    Returns:
        The matrix.
    """
    sizes = [block.shape[1] for block in blocks]
    before = [sum(sizes[:position]) for position in range(len(sizes))]
    rows = [
        nn.functional.pad(block, (start, sum(sizes) - start - size))
        for block, start, size in zip(blocks, before, sizes, strict=True)
    ]
    return torch.cat(rows)


def linear_layers(
    network: MLP, activation: type[nn.Module], *, layer_norm: bool = False
) -> list[tuple[Float[Tensor, "out in"], Float[Tensor, " out"]]]:
    """Take a network apart, in double precision.

    Args:
        network: The network.
        activation: The activation that it must have.
        layer_norm: Whether it must normalise the inputs of its activations.

    Returns:
        Weight and bias of each of its linear layers.

    Raises:
        ValueError: If the network is of another kind: its graph would be another one.
    """
    expected: set[type[nn.Module]] = {nn.Linear, activation}
    if layer_norm:
        expected.add(nn.LayerNorm)
    found: set[type[nn.Module]] = {type(layer) for layer in network.layers}
    if found != expected:
        raise ValueError(
            f"export: expected a network of {_names(expected)}, got one of {_names(found)}"
        )
    linear = [layer for layer in network.layers if isinstance(layer, nn.Linear)]
    return [(layer.weight.detach().double(), layer.bias.detach().double()) for layer in linear]


def centred(
    weight: Float64[Tensor, "neuron in"], bias: Float64[Tensor, " neuron"]
) -> tuple[Float64[Tensor, "neuron in"], Float64[Tensor, " neuron"]]:
    """Take the mean over the neurons away, which the layer norm behind takes away anyway.

    ONNX Runtime finds the variance as the mean of squares less the square of the mean: where a
    large mean stands before small differences, that is below 0 and its root is NaN. What has no
    mean to speak of stays as it is, to the last bit.

    Args:
        weight: Weight of a linear layer.
        bias: Its bias.

    Returns:
        Weight and bias of a layer whose outputs have the mean 0.
    """
    mean = weight.mean(dim=0)
    large = mean.abs() > _NO_MEAN * weight.abs().mean(dim=0)
    return weight - torch.where(large, mean, 0.0), bias - bias.mean()


def _names(kinds: set[type[nn.Module]]) -> str:
    return ", ".join(sorted(kind.__name__ for kind in kinds))
