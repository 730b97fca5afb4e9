"""Mutations of what JSON and TOML hold: tables, lists, texts and numbers inside each other."""

import copy
import math
from typing import Any, Final

import numpy as np

__all__ = ["ODD_NUMBERS", "ODD_TEXTS", "mutate_tree", "odd_value"]

ODD_NUMBERS: Final = (
    *(0, -1, 1, 2, 3, 255, 2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**30),
    *(0.0, -0.0, 0.5, -1e-9, 1e-300, 5e-324, 1e39, 1e308, -1e308, math.nan, math.inf, -math.inf),
)
"""Numbers at the ends of their types, and those that are none."""

ODD_TEXTS: Final = (
    *("", " ", "x" * 3000, "None", "nan", "-1", "1e999", "0x10", "true", "$x_{$", "%s{0}{x}"),
    *("../outside/secret.txt", "../../escaped.txt", "/dev/null", "/", ".", "..", "a/b", "a\\b"),
    *("CON", "\x00", "a\x00b", "\x1b[31m", "a\nb", "\u202egnp", "\ufeff", "é" * 40, "<b>&amp;"),
    *("{", "[[1]]", "'; --", "65GeV", "1:2:3", "0:1e9", "abs:", "log:0:1"),
)
"""Texts that mean something to somebody: paths, terminals, formulas, parsers."""

_DEEP: Final = (3, 40, 400)


def odd_value(rng: np.random.Generator) -> Any:
    """Choose a value that nobody expects."""
    draw = rng.random()
    if draw < 0.45:
        return ODD_NUMBERS[rng.integers(len(ODD_NUMBERS))]
    if draw < 0.75:
        return ODD_TEXTS[rng.integers(len(ODD_TEXTS))]
    others: list[Any] = [None, True, False, [], {}, [[]], [1, "a"], {"a": 1}, [None], [{}]]
    others += [[0] * 5000, _nested(int(_DEEP[rng.integers(len(_DEEP))]))]
    return others[rng.integers(len(others))]


def mutate_tree(tree: Any, rng: np.random.Generator) -> tuple[Any, str]:
    """Change one to three places of a tree.

    Args:
        tree: Tables, lists and plain values; left as it is.
        rng: Decides how.

    Returns:
        The changed tree, and what was done.
    """
    tree = copy.deepcopy(tree)
    done = []
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(tree))
        if not places or rng.random() < 0.02:
            tree, change = odd_value(rng), "replaced"
        else:
            parent, key = places[rng.integers(len(places))]
            change = f"{_change(parent, key, rng)} {key}"
        done.append(change)
    return tree, ", ".join(done)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """List all places, as their parents and keys; of long lists only the ends."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            keys: list[Any] = list(node)
        elif isinstance(node, list):
            keys = sorted({*range(min(len(node), 3)), *range(max(0, len(node) - 2), len(node))})
        else:
            continue
        found += [(node, key) for key in keys]
        waiting += [node[key] for key in keys]
    return found


def _change(parent: Any, key: Any, rng: np.random.Generator) -> str:
    draw = rng.random()
    if draw < 0.45:
        parent[key] = odd_value(rng)
        return "replaced"
    if draw < 0.6:
        del parent[key]
        return "deleted"
    if draw < 0.7 and isinstance(parent[key], int | float):
        factor = float(rng.choice([-1.0, 0.5, 2.0, 1e3, 1e-3]))
        parent[key] = type(parent[key])(parent[key] * factor) if abs(parent[key]) < 1e9 else 0
        return "scaled"
    if draw < 0.8:
        name = ODD_TEXTS[rng.integers(len(ODD_TEXTS))]
        if isinstance(parent, dict):
            parent[name] = parent.pop(key)
            return "renamed"
        parent.insert(int(key), copy.deepcopy(parent[key]))
        return "duplicated"
    if draw < 0.9:
        other = list(parent) if isinstance(parent, dict) else range(len(parent))
        second = list(other)[rng.integers(len(other))]
        parent[key], parent[second] = parent[second], parent[key]
        return f"swapped {second} and"
    if isinstance(parent, dict):
        parent[f"more_{rng.integers(9)}"] = odd_value(rng)
        return "added beside"
    parent[key] = [parent[key]]
    return "wrapped"


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value
