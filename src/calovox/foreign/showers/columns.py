"""Columns of HDF5 files of showers, checked as they are read."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from calovox.arrays import Array, Float32, Float64
from calovox.files.hdf5 import open_for_reading
from calovox.foreign.tables.table import ForeignFileError

__all__ = ["batches_of_showers", "numbers_of_events", "shape_of", "to_fractions"]

_LARGEST = float(np.finfo(np.float32).max)


def shape_of(file: h5py.File, path: Path, key: str) -> tuple[int, ...]:
    """Give the shape of a column of real numbers.

    Args:
        file: The open file.
        path: Its path, for messages.
        key: Which column.

    Returns:
        The shape.

    Raises:
        ForeignFileError: If it is missing, or no array of real numbers.
    """
    column = file.get(key)
    if not isinstance(column, h5py.Dataset):
        raise ForeignFileError(f"{path}: expected a dataset `{key}`, got none")
    if column.dtype.kind not in "fiu" or column.ndim == 0:
        raise ForeignFileError(
            f"{path}: expected an array of real numbers as `{key}`, got {column.dtype} of shape "
            f"{column.shape}"
        )
    return tuple(int(size) for size in column.shape)


def numbers_of_events(
    file: h5py.File, path: Path, key: str, n_events: int, *, positive: bool = False
) -> Float64[Array, " event"]:
    """Read one number per event.

    Args:
        file: The open file.
        path: Its path, for messages.
        key: Which column.
        n_events: How many events there are.
        positive: Whether the numbers must be above 0.

    Returns:
        The numbers.

    Raises:
        ForeignFileError: If it is another column, or a number is not finite.
    """
    shape = shape_of(file, path, key)
    if shape not in ((n_events,), (n_events, 1)):
        raise ForeignFileError(
            f"{path}: expected `{key}` with one number for each of {n_events} showers, got the "
            f"shape {shape}"
        )
    values = np.asarray(file[key][()], dtype=np.float64).reshape(-1)
    good = np.isfinite(values) & ((values > 0) | (not positive))
    if not good.all():
        event = int(np.flatnonzero(~good)[0])
        wanted = "numbers above 0" if positive else "finite numbers"
        raise ForeignFileError(
            f"{path}: expected {wanted} in `{key}`, got {values[event]} in event {event}"
        )
    return values


def batches_of_showers(path: Path, n_events: int, size: int) -> Iterator[tuple[slice, Array]]:
    """Read the showers of a file, so many at a time.

    Args:
        path: The file.
        n_events: How many there are.
        size: Showers per batch, the last may have fewer.

    Yields:
        Rows, and the `showers` in them.
    """
    with open_for_reading(path, ForeignFileError) as file:
        for start in range(0, n_events, size):
            rows = slice(start, min(start + size, n_events))
            yield rows, file["showers"][rows]


def to_fractions(
    path: Path, energy: Array, incident: Float64[Array, " event"], start: int
) -> Float32[Array, "event voxel"]:
    """Convert energies of voxels into fractions of the kinetic energy.

    Args:
        path: The file, for messages.
        energy: Energies, event by voxel, in the unit of `incident`.
        incident: Kinetic energies.
        start: Number of the first event, for messages.

    Returns:
        The fractions.

    Raises:
        ForeignFileError: If an energy is negative or not finite, or far above the kinetic energy.
    """
    if not (energy.min(initial=0.0) >= 0.0 and energy.max(initial=0.0) < np.inf):
        event, voxel = np.argwhere(~((energy >= 0.0) & (energy < np.inf)))[0]
        raise ForeignFileError(
            f"{path}: expected `showers` finite and not negative, got {energy[event, voxel]} in "
            f"event {start + event}, voxel {voxel}"
        )
    with np.errstate(over="ignore"):
        fractions = np.asarray(energy, dtype=np.float64) / incident[:, None]
    if fractions.max(initial=0.0) > _LARGEST:
        event = int(np.argwhere(fractions > _LARGEST)[0, 0])
        raise ForeignFileError(
            f"{path}: expected showers of about their kinetic energy, got a voxel of "
            f"{energy[event].max():g} for {incident[event]:g} in event {start + event}"
        )
    return np.asarray(fractions, dtype=np.float32)
