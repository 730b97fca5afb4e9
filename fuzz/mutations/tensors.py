"""Mutations of safetensors files: the header (names, types, shapes, places) and the numbers."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.mutations.trees import mutate_tree

__all__ = ["mutate_safetensors"]


def mutate_safetensors(path: Path, rng: np.random.Generator) -> str:
    """Change the header or the numbers of a safetensors file."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, numbers = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    draw = rng.random()
    if draw < 0.5:
        header, done = mutate_tree(header, rng)
    elif draw < 0.7:
        done = _change_tensor(header, rng)
    else:
        odd = np.array([np.nan, np.inf, -np.inf, 3e38, 1e-45], dtype="<f4")[rng.integers(5)]
        place = 4 * int(rng.integers(max(1, len(numbers) // 4)))
        numbers[place : place + 4] = odd.tobytes()
        done = f"{odd} at {place}"
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    claimed = len(text) if rng.random() < 0.95 else int(2 ** rng.uniform(0, 63))
    path.write_bytes(claimed.to_bytes(8, "little") + text + bytes(numbers))
    return f"safetensors: {done}"


def _change_tensor(header: dict[str, Any], rng: np.random.Generator) -> str:
    names = [name for name in header if name != "__metadata__"]
    name = names[rng.integers(len(names))]
    entry = header[name]
    draw = rng.random()
    if draw < 0.4:
        entry["dtype"] = ("F64", "F16", "BF16", "I32", "U8", "BOOL", "X9")[rng.integers(7)]
    elif draw < 0.7:
        entry["shape"] = [*entry["shape"], 1] if draw < 0.55 else entry["shape"][::-1]
    else:
        other = names[rng.integers(len(names))]
        header[name], header[other] = header[other], header[name]
    return f"tensor {name}"
