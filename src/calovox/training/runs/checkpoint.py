"""What a checkpoint must be made of, before any of it is taken.

Optimiser and schedule take over whatever a checkpoint holds, and fail steps later if it is of
another make. So all of it is compared with what a fresh run has: names, kinds and shapes.
"""

from typing import Any

from torch import Tensor, nn

__all__ = ["CheckpointError", "check_like", "check_optimizer"]

_MOMENTS = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")


class CheckpointError(ValueError):
    """A checkpoint that cannot be gone on from, and why."""


def check_like(name: str, expected: Any, found: Any) -> None:
    """Refuse a part of a checkpoint that is made otherwise.

    Args:
        name: Name of the part.
        expected: The same part of a fresh run.
        found: What the checkpoint holds.

    Raises:
        TypeError: Naming the part whose kind, names or shape differ.
    """
    if isinstance(expected, Tensor):
        if not isinstance(found, Tensor) or found.shape != expected.shape:
            raise TypeError(f"expected numbers of shape {tuple(expected.shape)} as `{name}`")
    elif isinstance(expected, dict):
        if not isinstance(found, dict) or found.keys() != expected.keys():
            raise TypeError(f"expected other entries in `{name}`")
        for key, value in expected.items():
            check_like(f"{name}/{key}", value, found[key])
    elif isinstance(expected, list | tuple):
        if type(found) is not type(expected) or len(found) != len(expected):
            raise TypeError(f"expected {len(expected)} entries in `{name}`")
        for key, value in enumerate(expected):
            check_like(f"{name}/{key}", value, found[key])
    elif isinstance(expected, int | float) and not isinstance(expected, bool):
        if not isinstance(found, int | float) or isinstance(found, bool):
            raise TypeError(f"expected a number as `{name}`")
    elif type(found) is not type(expected):
        raise TypeError(f"expected `{name}` of another type, got {type(found).__name__}")


def check_optimizer(optimizer: dict[str, Any], fresh: dict[str, Any], model: nn.Module) -> None:
    """Refuse the state of an optimiser that is not one of this model.

    Args:
        optimizer: What the checkpoint holds.
        fresh: The state of an optimiser that has done no step.
        model: The model.

    Raises:
        TypeError: Naming the part whose kind, names or shape differ.
    """
    check_like("optimizer/param_groups", fresh["param_groups"], optimizer["param_groups"])
    parameters = list(model.parameters())
    for number, entry in optimizer["state"].items():
        for name in _MOMENTS:
            if name in entry:
                check_like(f"optimizer/state/{number}/{name}", parameters[number], entry[name])
        check_like(f"optimizer/state/{number}/step", 0, float(entry["step"]))
