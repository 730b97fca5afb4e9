"""Mutations of text files: TOML and JSON through what they hold, any text through its tokens."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import numpy as np

from fuzz.mutations.trees import ODD_NUMBERS, ODD_TEXTS, mutate_tree

__all__ = ["mutate_json", "mutate_text", "mutate_toml", "to_toml"]

_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_ODD_BYTES: Final = (
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\x1b[2J", b"\xc3\x28", b"\xed\xa0\x80"),
    *(b"[" * 3000, b'{"a":' * 3000, b"(" * 50, b'"', b"'''", b"\\", b"=", b",", b";", b"#", b"<"),
)


def mutate_toml(path: Path, rng: np.random.Generator) -> str:
    """Change values, keys and tables of a TOML file."""
    tree, done = mutate_tree(tomllib.loads(path.read_text(encoding="utf-8")), rng)
    table = tree if isinstance(tree, dict) else {"value": tree}
    text = "".join(f"{_key(name)} = {to_toml(value)}\n" for name, value in table.items())
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return f"TOML: {done}"


def mutate_json(path: Path, rng: np.random.Generator) -> str:
    """Change values and keys of a JSON file."""
    tree, done = mutate_tree(json.loads(path.read_text(encoding="utf-8")), rng)
    path.write_text(json.dumps(tree), encoding="utf-8")
    return f"JSON: {done}"


def mutate_text(path: Path, rng: np.random.Generator) -> str:
    """Change numbers, lines and characters of any text file."""
    data = path.read_bytes()
    draw = rng.random()
    if draw < 0.4:
        data, done = _change_number(data, rng), "number"
    elif draw < 0.7:
        data, done = _change_lines(data, rng), "lines"
    else:
        place = int(rng.integers(len(data) + 1))
        odd = _ODD_BYTES[rng.integers(len(_ODD_BYTES))]
        if rng.random() < 0.2:
            odd = ODD_TEXTS[rng.integers(len(ODD_TEXTS))].encode()
        data, done = data[:place] + odd + data[place:], "characters"
    path.write_bytes(data)
    return f"text: {done}"


def to_toml(value: Any) -> str:
    """Write a value as TOML, tables inline; None, which TOML lacks, as text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(name)} = {to_toml(v)}" for name, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(to_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps("None" if value is None else value).replace("\x7f", "\\u007f")


def _key(name: Any) -> str:
    return json.dumps(str(name))


def _change_number(data: bytes, rng: np.random.Generator) -> bytes:
    text = data.decode("utf-8", "replace")
    numbers = list(_NUMBER.finditer(text))
    if not numbers:
        return data
    chosen = numbers[rng.integers(len(numbers))]
    number = str(ODD_NUMBERS[rng.integers(len(ODD_NUMBERS))])
    return (text[: chosen.start()] + number + text[chosen.end() :]).encode()


def _change_lines(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.split(b"\n")
    first, second = (int(rng.integers(len(lines))) for _ in range(2))
    draw = rng.random()
    if draw < 0.3:
        del lines[first]
    elif draw < 0.6:
        lines.insert(second, lines[first])
    elif draw < 0.8:
        lines[first], lines[second] = lines[second], lines[first]
    else:
        lines = lines[:first]
    return b"\n".join(lines)
