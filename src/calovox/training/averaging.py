r"""Exponential averages of weights.

After step n, the average moves toward the weights w by

    a <- a + (1 - d_n) (w - a),    d_n = min(d, (1 + n) / (10 + n)),

so that the random weights of the start are forgotten soon, whatever the decay d is.

References:
    B. Polyak, A. Juditsky, *Acceleration of stochastic approximation by averaging*, 1992,
    https://doi.org/10.1137/0330046
    P. Izmailov et al., *Averaging weights leads to wider optima and better generalization*, 2018,
    https://arxiv.org/abs/1803.05407
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["WeightAverage"]


class WeightAverage:
    """The average of a model's weights while it trains.

    Args:
        model: The model; its weights are read after every step.
        decay: The decay d, 0 to 1: about 1 / (1 - d) steps count.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._parameters = dict(model.named_parameters())
        self.average = {name: p.detach().clone() for name, p in self._parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step.

        Args:
            step: How many steps there have been before it.
        """
        decay = min(self.decay, (1.0 + step) / (10.0 + step))
        torch._foreach_lerp_(
            list(self.average.values()), list(self._parameters.values()), 1.0 - decay
        )

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the model its averages, and its own weights back at the end."""
        own = {name: p.detach().clone() for name, p in self._parameters.items()}
        self._set(self.average)
        try:
            yield
        finally:
            self._set(own)

    def load(self, average: Mapping[str, Tensor]) -> None:
        """Go on with averages of an earlier run.

        Args:
            average: What `average` was.
        """
        for name, values in average.items():
            self.average[name].copy_(values)

    @torch.no_grad()
    def _set(self, weights: Mapping[str, Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(weights[name])
