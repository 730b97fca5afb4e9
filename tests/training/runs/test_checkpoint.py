"""Checkpoints whose content is of another make are refused before anything is taken over."""

from typing import Any

import pytest
import torch
from torch import nn

from calovox.training.runs.checkpoint import check_like, check_optimizer

FRESH: dict[str, Any] = {"a": torch.zeros(3), "b": {"c": 1, "d": [1.0, 2]}, "e": "cos", "f": False}


@pytest.mark.parametrize(
    "change",
    [
        {"a": torch.zeros(2)},
        {"a": 1},
        {"b": None},
        {"b": {"c": 1}},
        {"b": {"c": "1", "d": [1.0, 2]}},
        {"b": {"c": 1, "d": [1.0]}},
        {"b": {"c": 1, "d": 3.0}},
        {"e": 2},
        {"f": 1},
        {"more": 1},
    ],
)
def test_parts_of_another_kind_name_or_shape_are_refused(change: dict[str, Any]) -> None:
    check_like("state", FRESH, {**FRESH, "a": torch.ones(3), "b": {"c": 5, "d": [0, 0.5]}})
    with pytest.raises(TypeError, match="state"):
        check_like("state", FRESH, FRESH | change)


def test_moments_of_another_network_are_refused() -> None:
    states = []
    for width in (2, 3):
        model = nn.Linear(width, 1)
        optimizer = torch.optim.AdamW(model.parameters())
        fresh = optimizer.state_dict()
        model(torch.ones(1, width)).sum().backward()
        optimizer.step()
        states.append((optimizer.state_dict(), fresh, model))
    check_optimizer(*states[0])
    with pytest.raises(TypeError, match="exp_avg"):
        check_optimizer(states[0][0], *states[1][1:])
