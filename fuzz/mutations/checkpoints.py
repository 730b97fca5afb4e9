"""Mutations of checkpoints: what `torch.save` has written, and pickles that call something."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fuzz.mutations.trees import odd_value

__all__ = ["mutate_checkpoint"]


class _Calls:
    """Would write a file if a reader unpickled it without care."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("escaped.txt"),)


def mutate_checkpoint(path: Path, rng: np.random.Generator) -> str:
    """Change entries of a checkpoint, or replace it by something that only looks like one."""
    draw = rng.random()
    if draw < 0.1:
        path.write_bytes(pickle.dumps({"step": _Calls()}))
        return "checkpoint: a pickle that calls"
    if draw < 0.2:
        state: Any = {"step": _Calls()} if rng.random() < 0.5 else odd_value(rng)
        _save(state, path)
        return "checkpoint: other content"
    state = torch.load(path, weights_only=True)
    node = state
    key = list(node)[rng.integers(len(node))]
    while isinstance(node[key], dict) and node[key] and rng.random() < 0.8:
        node = node[key]
        key = list(node)[rng.integers(len(node))]
    node[key] = _changed(node[key], rng)
    _save(state, path)
    return f"checkpoint: {key}"


def _changed(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, torch.Tensor) and rng.random() < 0.6:
        others = (value * torch.nan, value[None], value.double(), value.reshape(-1)[:1], value > 0)
        return others[rng.integers(len(others))]
    return odd_value(rng)


def _save(state: Any, path: Path) -> None:
    content = io.BytesIO()
    torch.save(state, content)
    path.write_bytes(content.getvalue())
