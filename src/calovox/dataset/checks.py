"""Checks of a dataset file: its structure at once, its values as they are read."""

from pathlib import Path

import h5py
import numpy as np

from calovox.arrays import Array
from calovox.dataset import keys
from calovox.dataset.keys import DatasetError, LayerKeys, layer_numbers
from calovox.voxelization.grid import VoxelGrid

__all__ = ["check_events", "eta_key", "read_grid", "read_numbers"]


def read_numbers(file: h5py.File, path: Path, key: str, rows: slice | None = None) -> Array:
    """Read a column of real numbers, of shape (row) or (row, 1).

    Args:
        file: The open dataset.
        path: Its path, for messages.
        key: Which column.
        rows: Which rows, all by default.

    Returns:
        The numbers, flat.

    Raises:
        DatasetError: If it is missing or has another shape or type, or a number is not finite.
    """
    column = _column(file, path, key)
    if column.ndim == 0 or column.size != column.shape[0]:
        raise DatasetError(f"{path}: expected `{key}` as a flat column, got {column.shape}")
    values = np.asarray(column[rows or slice(None)]).reshape(-1)
    finite = np.isfinite(values)
    if key == "event/interaction_radius":  # infinite for a photon that leaves the detector
        finite |= values == np.inf
    if not np.all(finite):
        row = int(np.flatnonzero(~finite)[0])
        raise DatasetError(
            f"{path}: expected finite numbers in `{key}`, got {values[row]} in row "
            f"{row + (rows.start if rows is not None else 0)}"
        )
    return values


def eta_key(file: h5py.File) -> str:
    """Return the name under which the file has the shower centre."""
    known = (keys.ETA_CENTER, keys.ETA_CENTER_ALIAS)
    return next((key for key in known if key in file), keys.ETA_CENTER)


def check_events(file: h5py.File, path: Path, grid: VoxelGrid) -> int:
    """Refuse a file whose columns are missing or do not fit each other.

    Args:
        file: The open dataset.
        path: Its path, for messages.
        grid: Its voxels.

    Returns:
        The number of events.

    Raises:
        DatasetError: Naming the key, what was expected, and what it is.
    """
    n_events = int(_column(file, path, keys.INCIDENT_ENERGY).shape[0])
    counts = np.diff(grid.layer_boundaries)
    for layer, width in zip(grid.numbers, counts, strict=True):
        _expect(file, path, LayerKeys.of(layer).energy, (n_events, int(width)))
    columns = [keys.INCIDENT_ENERGY, eta_key(file)]
    columns += [f"event/{name}" for name in keys.EVENT_COLUMNS if f"event/{name}" in file]
    columns += [keys.PHI_MOD] if keys.PHI_MOD in file else []
    for key in columns:
        _expect(file, path, key, (n_events,))
    if "cells" in file:
        n_entries = int(_column(file, path, "cells/cell").shape[0])
        for key, length in (
            ("cell", n_entries),
            ("energy", n_entries),
            ("event_offsets", n_events + 1),
            ("outside", n_events),
        ):
            _expect(file, path, f"cells/{key}", (length,))
    return n_events


def read_grid(file: h5py.File, path: Path, names: tuple[str, ...] = ()) -> VoxelGrid:
    """Build the grid from the edges of the voxels.

    Args:
        file: The open dataset.
        path: Its path, for messages.
        names: Names of the layers of its detector, if it says them.

    Returns:
        The grid, with the voxels in the order of the file.

    Raises:
        DatasetError: If edges are missing, overlap or leave holes.
    """
    numbers = layer_numbers(file)
    if not numbers:
        raise DatasetError(f"{path}: no key is named `energy_layer_J`")
    of_layers = zip(*(LayerKeys.of(layer)[1:] for layer in numbers), strict=True)
    edges = [
        [read_numbers(file, path, key).astype(np.float64) for key in names] for names in of_layers
    ]
    meta = file.get("meta")
    name = "custom" if meta is None else str(meta.attrs.get("grid", "custom"))
    try:
        return VoxelGrid.from_arrays(*edges, numbers=numbers, name=name, names=names)
    except ValueError as problem:
        raise DatasetError(f"{path}: {problem}") from problem


def _column(file: h5py.File, path: Path, key: str) -> h5py.Dataset:
    column = file.get(key)
    if not isinstance(column, h5py.Dataset):
        raise DatasetError(f"{path}: the key `{key}` is missing")
    if column.dtype.kind not in "fiub" or column.ndim == 0:
        raise DatasetError(f"{path}: expected numbers in `{key}`, got {column.dtype}")
    return column


def _expect(file: h5py.File, path: Path, key: str, shape: tuple[int, ...]) -> None:
    found = _column(file, path, key).shape
    if found not in (shape, (*shape, 1)):
        raise DatasetError(f"{path}: expected `{key}` of shape {shape}, got {found}")
