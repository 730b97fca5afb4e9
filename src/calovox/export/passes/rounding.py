"""Weights in half precision, for files of half the size.

The model with rounded weights is a model in its own right: what is exported, and what the exported
file is compared with. It computes in single precision; a weight changes by 0.05 % at most.
"""

import copy
import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from calovox.models.two_stage import TwoStageSampler, WholeSampler
from calovox.preprocessing import QuantileVoxelTransform

__all__ = ["round_weights"]


@torch.no_grad()
def round_weights(sampler: WholeSampler) -> WholeSampler:
    """Round weights, and the tables of normal scores, of a shape model or GAN to half precision.

    In front of a layer norm, the mean over the neurons is taken away first: the layer norm does
    that anyway, and so do fused graphs, whose weights would else have more digits.

    Args:
        sampler: The model; CaloINN, whose weights are few, stays as it is.

    Returns:
        A copy of it.

    Raises:
        ValueError: If a weight is too large for half precision, which ends at 65504.
    """
    rounded = copy.deepcopy(sampler)
    model = rounded.shapes if isinstance(rounded, TwoStageSampler) else rounded
    for module in model.modules():
        if isinstance(module, nn.Sequential):
            for layer, norm in itertools.pairwise(module):
                if isinstance(layer, nn.Linear) and isinstance(norm, nn.LayerNorm):
                    layer.weight.sub_(layer.weight.mean(dim=0))
                    layer.bias.sub_(layer.bias.mean())
    for name, numbers in [*model.named_parameters(), *_tables(model)]:
        numbers.copy_(numbers.half())
        if not numbers.isfinite().all():
            raise ValueError(f"--half-weights: expected weights up to 65504, got more in {name}")
    return rounded


def _tables(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, module in model.named_modules():
        if isinstance(module, QuantileVoxelTransform):
            yield f"{name}.thresholds", module.thresholds
            yield f"{name}.climbs", module.climbs
