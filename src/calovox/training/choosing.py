"""Choosing, among the weights that a model had in a training, those that did best.

A GAN has no loss that says how good it is, and the last weights are not the best ones. AtlFast3
keeps the checkpoint whose E_tot is closest to that of Geant4 and looks at nothing else.

References:
    ATLAS Collaboration, *AtlFast3: the next generation of fast simulation in ATLAS*, 2021,
    https://arxiv.org/abs/2109.02551
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["BestWeights"]


class BestWeights:
    """The weights with the lowest value of a metric so far.

    Args:
        model: The model.
        metric: Name of the metric.
    """

    def __init__(self, model: nn.Module, metric: str) -> None:
        self.metric = metric
        self.metrics: dict[str, float] = {}
        self._parameters = dict(model.named_parameters())
        self._weights: dict[str, Tensor] = {}

    def judge(self, metrics: Mapping[str, float], step: int) -> None:
        """Keep the weights that the model has now, if they are the best.

        Args:
            metrics: What a validation gave.
            step: How many steps there have been.

        Raises:
            KeyError: If the metric is not among them.
        """
        if self.metric not in metrics:
            raise KeyError(f"validation: expected the metric '{self.metric}', got {list(metrics)}")
        if not self.metrics or metrics[self.metric] < self.metrics[self.metric]:
            self.metrics = {**metrics, "chosen_step": float(step)}
            self._weights = {name: p.detach().clone() for name, p in self._parameters.items()}

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the model its best weights, if there are any, and its own back at the end."""
        own = {name: p.detach().clone() for name, p in self._parameters.items()}
        self._set(self._weights)
        try:
            yield
        finally:
            self._set(own)

    def state(self) -> dict[str, Any]:
        """Return what `load` needs."""
        return {"metrics": self.metrics, "weights": self._weights}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on with what an earlier run found.

        Args:
            state: What `state` returned.
        """
        self.metrics = dict(state["metrics"])
        self._weights = {
            name: values.to(self._parameters[name].device)
            for name, values in state["weights"].items()
        }

    @torch.no_grad()
    def _set(self, weights: Mapping[str, Tensor]) -> None:
        for name, values in weights.items():
            self._parameters[name].copy_(values)
