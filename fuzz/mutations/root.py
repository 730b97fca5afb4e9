"""Mutations of ROOT files: matrices, trees and histograms of other names, shapes and numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import uproot

from calovox.arrays import Array
from calovox.binned_shower.root_matrix import read_root_matrices, write_root_matrices
from fuzz.mutations.trees import ODD_NUMBERS

__all__ = ["mutate_root"]

_ODD_NAMES = ("probabilities_layer_99_energy_1024", "probabilities_layer_1_energy_..", "other")


def mutate_root(path: Path, rng: np.random.Generator) -> str:
    """Change what a ROOT file holds, and write it anew."""
    with uproot.open(path) as file:
        kinds = set(file.classnames(cycle=False).values())
        has_cells = "caloDetCells" in file
        tree = file["caloDetCells"].arrays(library="np") if has_cells else None
    if tree is not None:
        return _mutate_tree(path, dict(tree), rng)
    if "TMatrixT<double>" in kinds:
        return _mutate_matrices(path, rng)
    with uproot.open(path) as file:
        values = file["hWt_Layer0"].values()
    shape = values.shape if rng.random() < 0.5 else (3, 2)
    content = (np.resize(values, shape), np.arange(shape[0] + 1.0), np.arange(shape[1] + 1.0))
    name = "hWt_Layer0" if rng.random() < 0.8 else "other"
    with uproot.recreate(path) as file:
        file[name] = _odd(content[0], rng), *content[1:]
    return "ROOT: histogram"


def _mutate_matrices(path: Path, rng: np.random.Generator) -> str:
    matrices: dict[str, Any] = dict(read_root_matrices(path))
    name = list(matrices)[rng.integers(len(matrices))]
    matrix = matrices[name]
    draw = rng.random()
    if draw < 0.5:
        matrices[name] = _odd(matrix, rng)
    elif draw < 0.7:
        others = (matrix.T.copy(), matrix[:-1], matrix[:, :2].copy(), matrix[:0], matrix[:1])
        matrices[name] = others[rng.integers(len(others))]
    elif draw < 0.85:
        del matrices[name]
    else:
        matrices[_ODD_NAMES[rng.integers(len(_ODD_NAMES))]] = matrices.pop(name)
    write_root_matrices(path, matrices, overwrite=True)
    return f"ROOT: matrix {name}"


def _mutate_tree(path: Path, branches: dict[str, Array], rng: np.random.Generator) -> str:
    name = list(branches)[rng.integers(len(branches))]
    values = branches[name]
    draw = rng.random()
    if draw < 0.5:
        branches[name] = _odd(values, rng)
    elif draw < 0.6:
        branches[name] = values.astype(("f4", "i2", "u1", "?")[rng.integers(4)])
    elif draw < 0.7:
        branches = {key: column[: len(column) // 2] for key, column in branches.items()}
    elif draw < 0.8:
        branches[name] = rng.permutation(values)
    elif draw < 0.9:
        branches[name] = np.stack([values, values], axis=1)
    else:
        branches["other"] = branches.pop(name)
    with uproot.recreate(path) as file:
        file["caloDetCells" if rng.random() < 0.95 else "other"] = branches
    return f"ROOT: branch {name}"


def _odd(values: Array, rng: np.random.Generator) -> Array:
    changed = np.array(values)
    flat = changed.reshape(-1)
    places = rng.integers(max(1, flat.size), size=1 if rng.random() < 0.5 else max(1, flat.size))
    odd = float(ODD_NUMBERS[rng.integers(len(ODD_NUMBERS))])
    with np.errstate(all="ignore"):
        if flat.size:
            flat[places] = np.array(odd).astype(flat.dtype)
    return changed
