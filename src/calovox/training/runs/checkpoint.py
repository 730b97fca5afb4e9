"""The file of a checkpoint, and what it must be made of before any of it is taken.

Optimiser and schedule take over whatever a checkpoint holds, and fail steps later if it is of
another make. So all of it is compared with what a fresh run has: names, kinds and shapes.
"""

import io
import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import torch
from torch import Tensor, nn

from calovox.files.whole import whole_file

__all__ = [
    "CheckpointError",
    "check_like",
    "check_optimizer",
    "is_whole",
    "previous_checkpoint",
    "read_checkpoint",
    "write_checkpoint",
]

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


def previous_checkpoint(path: Path) -> Path:
    """Name the checkpoint before the last one, which is kept in case the last one is damaged."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def write_checkpoint(
    path: Path, state: Mapping[str, Any], weights: Mapping[str, Tensor], *, keep_previous: bool
) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: The file.
        state: Plain values and tensors by name.
        weights: Those of the model, stored as ``model``.
        keep_previous: Whether a checkpoint that is there stays as the previous one.
    """
    content = io.BytesIO()  # its name would go into the file
    torch.save(_interned(state) | {"model": weights}, content)
    with whole_file(path, overwrite=True) as partial:
        partial.write_bytes(content.getbuffer())
        if path.exists() and keep_previous:
            os.replace(path, previous_checkpoint(path))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint.

    Args:
        path: The file.

    Returns:
        What `write_checkpoint` was given.
    """
    with catch_warnings():
        simplefilter("error")  # torch warns of pickles that it has not written
        # weights only: a pickle from elsewhere could run anything
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    return state


def is_whole(path: Path) -> bool:
    """Check the sums that a checkpoint, a zip file, has of all its parts."""
    try:
        with zipfile.ZipFile(path) as parts:
            return parts.testzip() is None
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError):
        return False


def _interned(value: Any) -> Any:
    """Let equal texts be one object, as in a run that did not continue from a file."""
    # pickle writes an object once: the bytes of a checkpoint would otherwise differ
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, dict):
        return {_interned(key): _interned(entry) for key, entry in value.items()}
    return [_interned(entry) for entry in value] if isinstance(value, list) else value
