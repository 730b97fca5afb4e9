"""The embeddings of energy and eta, with what follows them.

The small networks that embed the conditions of a model run side by side as one network with
block-diagonal weights, and what reads their last layer is part of it: one product gives what the
condition adds to the first neurons of every network behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor, nn

from calovox.export.affine import Affine, block_diagonal, linear_layers
from calovox.nn import MLP, ScalarEmbedding
from calovox.preprocessing import ConditionTransform
from calovox.preprocessing.conditions import spread_eta

__all__ = ["COPIES", "ENERGY_LIMITS", "ETA_LIMITS", "FusedConditions", "read_scalar"]

ENERGY_LIMITS: Final = (1e-3, 1e15)
"""Lowest and highest energy in MeV that the graph tells from those beyond."""

ETA_LIMITS: Final = (0.0, 100.0)
"""Lowest and highest 10 abs(eta) that the graph tells from those beyond."""

COPIES: Final = 16
"""Columns for the logarithm: whole vectors of every processor, whatever the number of events."""

Consumer = tuple[Float64[Tensor, "out in"], Float64[Tensor, " out"]]
"""Weight and bias with which a layer reads the embedded conditions."""


class FusedConditions(nn.Module):
    """What the conditions of a model add to the neurons of all that read them.

    Args:
        conditions: How the model standardises the energy.
        embedding: Its embedding of log E and 10 abs(eta), with networks of SiLU that have the
            same number of layers.
        consumers: The layers that read the embedded conditions.
        dtype: Precision.
    """

    ones: Tensor

    def __init__(
        self,
        conditions: ConditionTransform,
        embedding: ScalarEmbedding,
        consumers: Sequence[Consumer],
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.register_buffer("ones", torch.ones(1, COPIES, dtype=dtype))
        self.spread = conditions.spread
        embedded = _Embedded.of(conditions, embedding)
        self.hidden = nn.ModuleList(Affine(*layer, dtype=dtype) for layer in embedded.hidden)
        weights = [(w @ embedded.neurons, w @ embedded.direct) for w, _ in consumers]
        self.sizes = [len(bias) for _, bias in consumers]
        biases = torch.cat([w @ embedded.constant + bias for w, bias in consumers])
        self.direct = Affine(torch.cat([direct for _, direct in weights]), biases, dtype=dtype)
        self.last = Affine(torch.cat([neurons for neurons, _ in weights]), dtype=dtype)

    def forward(
        self, energy: Float32[Tensor, "event 1"], eta: Float32[Tensor, "event 1"]
    ) -> tuple[Float[Tensor, "event _"], ...]:
        """Evaluate the embeddings.

        Args:
            energy: Kinetic energy in MeV, within `ENERGY_LIMITS`.
            eta: 10 abs(eta), within `ETA_LIMITS`.

        Returns:
            For each consumer, event by neuron.
        """
        logarithm = (energy.to(self.ones.dtype) * self.ones).log()
        scaled = eta.to(self.ones.dtype)
        condition = torch.cat([logarithm, spread_eta(scaled) if self.spread else scaled], dim=1)
        neurons = condition
        for layer in self.hidden:
            neurons = nn.functional.silu(layer(neurons))
        added = self.last(neurons, self.direct(condition))
        return torch.split(added, self.sizes, dim=1)


@dataclass(frozen=True, eq=False)
class _Embedded:
    """Embedded scalars as affine maps of the condition and of the last hidden neurons."""

    hidden: list[tuple[Tensor, Tensor]]  # weight and bias, all networks together
    neurons: Float64[Tensor, "embedded neuron"]
    direct: Float64[Tensor, "embedded condition"]  # where a scalar is not embedded
    constant: Float64[Tensor, " embedded"]

    @classmethod
    def of(cls, conditions: ConditionTransform, embedding: ScalarEmbedding) -> "_Embedded":
        read = [read_scalar(conditions, column) for column in range(2)]
        networks, neurons, direct, constant = [], [], [], []
        for network, (weight, bias) in zip(embedding.networks, read, strict=True):
            # the first layer takes in how the number is read, the last one goes into what reads it
            if isinstance(network, MLP):
                (first, first_bias), *others = linear_layers(network, nn.SiLU)
                layers = [(first @ weight, first @ bias + first_bias), *others]
                networks.append(layers[:-1])
                neurons.append(layers[-1][0])
                direct.append(weight.new_zeros(len(layers[-1][1]), weight.shape[1]))
                constant.append(layers[-1][1])
            else:
                neurons.append(weight.new_zeros(1, 0))
                direct.append(weight)
                constant.append(bias)
        if len({len(layers) for layers in networks}) != 1:
            raise ValueError("export: expected embeddings with the same number of layers")
        first_layers, *later = (list(layers) for layers in zip(*networks, strict=True))
        hidden = [_join(torch.cat([weight for weight, _ in first_layers]), first_layers)]
        hidden.extend(_join(block_diagonal(*(w for w, _ in layers)), layers) for layers in later)
        return cls(hidden, block_diagonal(*neurons), torch.cat(direct), torch.cat(constant))


def _join(weight: Tensor, layers: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    return weight, torch.cat([bias for _, bias in layers])


def read_scalar(
    conditions: ConditionTransform, column: int
) -> tuple[Float64[Tensor, "1 condition"], Float64[Tensor, " 1"]]:
    """Read a scalar out of the condition: `COPIES` columns of log E, and 10 abs(eta).

    Args:
        conditions: How the model standardises the energy.
        column: 0 for the standardised log E, 1 for 10 abs(eta).

    Returns:
        A row that multiplies the condition, and what is added.
    """
    weight = torch.zeros(1, COPIES + 1, dtype=torch.float64)
    if column == 1:
        weight[0, -1] = 1.0
        return weight, torch.zeros(1, dtype=torch.float64)
    std = conditions.log_energy.std.double()
    weight[0, 0] = 1.0 / std[0]
    return weight, -conditions.log_energy.mean.double() / std
