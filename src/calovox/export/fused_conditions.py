"""The embeddings of energy and eta of all stages, evaluated once and together.

The small networks that embed a condition run side by side as one network with block-diagonal
weights, and what follows their last layer is part of it: one product gives what the condition adds
to the first neurons of every network behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float32, Float64
from torch import Tensor, nn

from calovox.export.affine import Affine, block_diagonal, linear_layers
from calovox.nn import MLP, ScalarEmbedding
from calovox.preprocessing import ConditionTransform

__all__ = ["Embedding", "FusedConditions"]

ENERGY_LIMITS: Final = (1e-3, 1e15)
"""Lowest and highest energy in MeV that the graph tells from those beyond."""

ETA_LIMITS: Final = (0.0, 100.0)
"""Lowest and highest 10 abs(eta) that the graph tells from those beyond."""

_COPIES: Final = 16
"""Columns for the logarithm: whole vectors of every processor, whatever the number of events."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """How one stage embeds its conditions, and who reads them.

    Attributes:
        conditions: How the stage standardises the energy.
        embedding: Its embedding of log E and 10 abs(eta).
        consumers: Weight and bias of each layer that reads the embedded conditions.
    """

    conditions: ConditionTransform
    embedding: ScalarEmbedding
    consumers: Sequence[tuple[Float64[Tensor, "out in"], Float64[Tensor, " out"]]]


class FusedConditions(nn.Module):
    """What the conditions add to the neurons of all consumers.

    Args:
        stages: The embeddings, with networks of SiLU that have the same number of layers.
    """

    ones: Tensor

    def __init__(self, stages: Sequence[Embedding]) -> None:
        super().__init__()
        self.register_buffer("ones", torch.ones(1, _COPIES))
        networks = [
            (network, column, stage.conditions)
            for stage in stages
            for column, network in enumerate(stage.embedding.networks)
            if isinstance(network, MLP)
        ]
        layers = [linear_layers(network, nn.SiLU) for network, _, _ in networks]
        if len({len(of_network) for of_network in layers}) != 1:
            raise ValueError("export: expected embeddings with the same number of layers")
        first = [
            _of_condition(weight, bias, column, conditions)
            for (_, column, conditions), ((weight, bias), *_) in zip(networks, layers, strict=True)
        ]
        hidden = [Affine(torch.cat([w for w, _ in first]), torch.cat([b for _, b in first]))]
        for level in range(1, len(layers[0]) - 1):
            weight = block_diagonal(*[of_network[level][0] for of_network in layers])
            hidden.append(Affine(weight, torch.cat([of[level][1] for of in layers])))
        self.hidden = nn.ModuleList(hidden)
        direct, last, self.sizes = _consume(stages, [of_network[-1] for of_network in layers])
        self.direct, self.last = Affine(*direct), Affine(last)

    def forward(
        self, energy: Float32[Tensor, "event 1"], eta: Float32[Tensor, "event 1"]
    ) -> tuple[Tensor, ...]:
        """Evaluate the embeddings.

        Args:
            energy: Kinetic energy in MeV, within `ENERGY_LIMITS`.
            eta: 10 abs(eta), within `ETA_LIMITS`.

        Returns:
            For each consumer, event by neuron.
        """
        condition = torch.cat([(energy * self.ones).log(), eta], dim=1)
        neurons = condition
        for layer in self.hidden:
            neurons = nn.functional.silu(layer(neurons))
        added = self.last(neurons, self.direct(condition))
        return torch.split(added, self.sizes, dim=1)


def _of_condition(
    weight: Float64[Tensor, "out 1"],
    bias: Float64[Tensor, " out"],
    column: int,
    conditions: ConditionTransform,
) -> tuple[Float64[Tensor, "out condition"], Float64[Tensor, " out"]]:
    """Let a layer of one scalar read the logarithm as it is, without standardisation, or eta."""
    spread = weight.new_zeros(len(weight), _COPIES + 1)
    if column == 1:
        spread[:, -1] = weight[:, 0]
        return spread, bias
    scale = weight[:, 0] / conditions.log_energy.std.double()
    spread[:, 0] = scale
    return spread, bias - scale * conditions.log_energy.mean.double()


def _consume(
    stages: Sequence[Embedding],
    last_layers: Sequence[tuple[Float64[Tensor, "_ _"], Float64[Tensor, " _"]]],
) -> tuple[tuple[Tensor, Tensor], Tensor, list[int]]:
    """Put consumers behind the last layers, and scalars that are not embedded beside them."""
    n_neurons = sum(weight.shape[1] for weight, _ in last_layers)
    direct_weights, direct_biases, weights, sizes = [], [], [], []
    n_before, remaining = 0, list(last_layers)
    for stage in stages:
        n_out = stage.embedding.n_outputs
        by_neurons = torch.zeros(n_out, n_neurons, dtype=torch.float64)
        direct = torch.zeros(n_out, _COPIES + 1, dtype=torch.float64)
        constant = torch.zeros(n_out, dtype=torch.float64)
        row = 0
        for column, network in enumerate(stage.embedding.networks):
            if isinstance(network, MLP):
                weight, bias = remaining.pop(0)
                rows = slice(row, row + len(bias))
                by_neurons[rows, n_before : n_before + weight.shape[1]] = weight
                constant[rows] = bias
                n_before += weight.shape[1]
            else:
                rows = slice(row, row + 1)
                one = torch.ones(1, 1, dtype=torch.float64)
                direct[rows], constant[rows] = _of_condition(
                    one, one[0] - 1.0, column, stage.conditions
                )
            row = rows.stop
        for weight, bias in stage.consumers:
            direct_weights.append(weight @ direct)
            direct_biases.append(weight @ constant + bias)
            weights.append(weight @ by_neurons)
            sizes.append(len(bias))
    return (torch.cat(direct_weights), torch.cat(direct_biases)), torch.cat(weights), sizes
