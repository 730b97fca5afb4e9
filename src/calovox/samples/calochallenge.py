"""Showers in the format of the Fast Calorimeter Simulation Challenge 2022 (CaloChallenge).

An HDF5 file has `incident_energies` (event, 1) and `showers` (event, voxel), both in MeV. An XML
file describes the voxels: one element `Bin` per kind of particle holds one element `Layer` per
layer, with the edges in r (mm) and the number of bins in alpha, which start at -pi. A layer with
a single edge has no voxels. The radius runs fastest, then the angle, then the layer.

References:
    C. Krause et al., *CaloChallenge 2022: A Community Challenge for Fast Calorimeter Simulation*
    (2024), https://arxiv.org/abs/2410.21611
    M. Faucci Giannelli et al., *Fast Calorimeter Simulation Challenge 2022 - Dataset 1*,
    https://doi.org/10.5281/zenodo.8099322
"""

from collections.abc import Iterator, Mapping
from copy import copy
from pathlib import Path
from types import MappingProxyType
from typing import Final
from xml.etree import ElementTree

import h5py
import numpy as np

from calovox.arrays import Array, Bool, Float, Float64
from calovox.files.damage import one_line, reading
from calovox.files.hdf5 import open_for_reading
from calovox.samples.batch import ShowerBatch, choose_among
from calovox.samples.layout import VoxelLayout
from calovox.units import format_energy

__all__ = [
    "DATA_SETS",
    "CaloChallengeError",
    "CaloChallengeReader",
    "describe_calochallenge",
    "is_calochallenge",
    "read_binning",
    "read_energies",
]

DATA_SETS: Final[Mapping[int, str]] = MappingProxyType(
    {368: "1-photons", 533: "1-pions", 6480: "2", 40_500: "3"}
)
"""Names of the data sets of the challenge by the number of voxels of a shower."""

_SHOWERS: Final = "showers"
_ENERGIES: Final = "incident_energies"
_SHOWERS_DESCRIBED: Final = 1000
_LARGEST: Final = float(np.finfo(np.float32).max)
_FEW_ENERGIES: Final = 30
_NUMBERS_PER_BATCH: Final = 2**22
_MOST_NUMBERS: Final = 2**24  # read at once: a row of chunks of data set 3


class CaloChallengeError(ValueError):
    """A file of the CaloChallenge that cannot be used, and why."""


def is_calochallenge(path: Path) -> bool:
    """Tell by its keys whether an HDF5 file is one of the CaloChallenge.

    Args:
        path: A file.

    Returns:
        Whether it is.

    Raises:
        FileNotFoundError: If there is no such file.
        CaloChallengeError: If it is no HDF5 file.
    """
    with open_for_reading(path, CaloChallengeError) as file:
        return _SHOWERS in file and _ENERGIES in file


def describe_calochallenge(path: Path) -> dict[str, str]:
    """Say what is in a file.

    Args:
        path: A file of the CaloChallenge.

    Returns:
        Lines for a reader, by their titles.

    Raises:
        CaloChallengeError: If it is no usable file.
    """
    energy = read_energies(path)
    with open_for_reading(path, CaloChallengeError) as file:
        shape = file[_SHOWERS].shape
        showers = file[_SHOWERS][: min(len(energy), _SHOWERS_DESCRIBED)]
    name = DATA_SETS.get(int(shape[1]))
    known = f"layout of data set {name}" if name else "no layout of its data sets"
    lines = {
        "format": "showers of the CaloChallenge",
        "events": f"{len(energy)}",
        "voxels": f"{shape[1]}: {known}",
    }
    if not len(energy):
        return lines
    n_energies = len(np.unique(energy))
    few = f", {n_energies} different ones" if n_energies <= _FEW_ENERGIES else ""
    low, high = format_energy(float(energy.min())), format_energy(float(energy.max()))
    response = float((showers.sum(axis=1) / energy[: len(showers)]).mean())
    return lines | {
        "incident energies": f"{low} to {high}{few}",
        "energy of the voxels over the incident energy": f"{response:.4g}, mean of the first "
        f"{len(showers)} events",
    }


def read_binning(path: Path, n_voxels: int) -> VoxelLayout:
    """Read where the voxels lie.

    Args:
        path: Binning file; of several kinds of particles, the one with so many voxels is taken.
        n_voxels: Voxels of a shower.

    Returns:
        The positions of the voxels.

    Raises:
        FileNotFoundError: If there is no such file.
        CaloChallengeError: If it is no binning file, or none of its binnings has so many voxels.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    with reading(path, CaloChallengeError, "is not a binning file"):
        bins = ElementTree.parse(path).getroot().findall("Bin")
        counts = [sum(_n_voxels(layer) for layer in element.findall("Layer")) for element in bins]
        if n_voxels in counts:
            return _layout(bins[counts.index(n_voxels)])
        names = (one_line(element.attrib.get("name", "unnamed")) for element in bins)
        found = ", ".join(f"{name}: {count}" for name, count in zip(names, counts, strict=True))
    raise CaloChallengeError(
        f"{path}: expected a binning of {n_voxels} voxels, got {found or 'none'}"
    )


class CaloChallengeReader:
    """Reads showers, as many at a time as fit into memory.

    Attributes:
        path: The file.
        layout: Where its voxels lie.
        has_shapes: False: there are no cells.
    """

    has_shapes = False

    def __init__(self, path: Path, binning: Path) -> None:
        self.path = path
        self._energy = read_energies(path)
        self._kept = np.ones(len(self._energy), dtype=bool)
        with open_for_reading(path, CaloChallengeError) as file:
            n_voxels = int(file[_SHOWERS].shape[1])
        self.layout = read_binning(binning, n_voxels)

    def __len__(self) -> int:
        """Return the number of showers."""
        return int(np.count_nonzero(self._kept))

    def incident_energy(self) -> Float64[Array, " event"]:
        """Return the energies of all incident particles in MeV."""
        return np.asarray(self._energy[self._kept])

    def select(self, chosen: Bool[Array, " event"]) -> "CaloChallengeReader":
        """Return some of the showers."""
        source = copy(self)
        source._kept = choose_among(self._kept, chosen)
        return source

    def abs_eta(self) -> None:
        """Return None: the files do not tell pseudorapidities."""

    def batches(self, size: int) -> Iterator[ShowerBatch]:
        """Read all showers, so many at a time that memory stays small.

        Args:
            size: Showers per batch at most.

        Yields:
            Showers in the order of the file.

        Raises:
            CaloChallengeError: If an energy is negative or not finite.
        """
        with open_for_reading(self.path, CaloChallengeError) as file:
            column = file[_SHOWERS]
            size = min(size, max(1, _NUMBERS_PER_BATCH // column.shape[1]))
            at_once = _rows_at_once(column, size)
            for first in range(0, len(self._energy), at_once):
                energy = column[first : first + at_once]
                for start in range(0, len(energy), size):
                    batch = self._batch(energy[start : start + size], first + start)
                    kept = self._kept[first + start : first + start + len(batch)]
                    if kept.any():
                        yield batch if kept.all() else batch.select(kept)

    def _batch(self, energy: Float[Array, "event voxel"], start: int) -> ShowerBatch:
        """Check the energies of some showers, and give them as fractions."""
        if not (energy.min(initial=0.0) >= 0.0 and energy.max(initial=0.0) < np.inf):
            event, voxel = np.argwhere(~((energy >= 0.0) & (energy < np.inf)))[0]
            raise CaloChallengeError(
                f"{self.path}: expected `{_SHOWERS}` finite and not negative, got "
                f"{energy[event, voxel]} in event {start + event}, voxel {voxel}"
            )
        incident = self._energy[start : start + len(energy)]
        with np.errstate(over="ignore"):
            fraction = energy / incident[:, None]
        if fraction.max(initial=0.0) > _LARGEST:
            event = int(np.argwhere(fraction > _LARGEST)[0, 0])
            raise CaloChallengeError(
                f"{self.path}: expected showers of about their `{_ENERGIES}`, got a "
                f"voxel of {energy[event].max():g} MeV for {incident[event]:g} MeV in "
                f"event {start + event}"
            )
        return ShowerBatch(fraction.astype(np.float32), incident)


def read_energies(path: Path) -> Float64[Array, " event"]:
    """Read the energies of the incident particles, and check that there is a shower of each.

    Args:
        path: A file of the CaloChallenge.

    Returns:
        Energies in MeV.

    Raises:
        CaloChallengeError: If it is no usable file.
    """
    with open_for_reading(path, CaloChallengeError) as file:
        for key in (_SHOWERS, _ENERGIES):
            if not isinstance(file.get(key), h5py.Dataset):
                raise CaloChallengeError(f"{path}: expected a dataset `{key}`, got none")
            if file[key].dtype.kind not in "fiu":
                raise CaloChallengeError(
                    f"{path}: expected real numbers in `{key}`, got {file[key].dtype}"
                )
        shape, n_energies = file[_SHOWERS].shape, file[_ENERGIES].size
        if len(shape) != 2 or shape[0] != n_energies:
            raise CaloChallengeError(
                f"{path}: expected one row of `{_SHOWERS}` per energy, got the shape {shape} "
                f"and {n_energies} energies"
            )
        energy = np.asarray(file[_ENERGIES][()], dtype=np.float64).reshape(-1)
    if not np.all((energy > 0) & (energy < np.inf)):
        event = int(np.flatnonzero(~((energy > 0) & (energy < np.inf)))[0])
        raise CaloChallengeError(
            f"{path}: expected `{_ENERGIES}` above 0, got {energy[event]} in event {event}"
        )
    return energy


def _rows_at_once(column: h5py.Dataset, size: int) -> int:
    """Give how many showers to read at once: whole chunks, so that each is decompressed once.

    Files of the challenge have chunks of some hundred showers and a small part of the voxels.
    """
    rows = 1 if column.chunks is None else int(column.chunks[0])
    if rows <= size:
        return size // rows * rows
    return rows if rows * column.shape[1] <= _MOST_NUMBERS else size


def _edges(layer: ElementTree.Element) -> Float64[Array, " edge"]:
    edges = np.array([float(text) for text in layer.attrib["r_edges"].split(",")])
    if not (np.all(np.isfinite(edges)) and np.all(np.diff(edges) > 0)):
        raise ValueError(f"expected rising `r_edges` in {layer.attrib}")
    return edges


def _n_voxels(layer: ElementTree.Element) -> int:
    """Count the voxels of a layer, before any array of that size is made."""
    n_r, n_alpha = len(_edges(layer)) - 1, int(layer.attrib["n_bin_alpha"])
    if n_r and n_alpha < 1:
        raise ValueError(f"expected `n_bin_alpha` above 0 in {layer.attrib}")
    return n_r * n_alpha if n_r else 0


def _layout(element: ElementTree.Element) -> VoxelLayout:
    layers, r, alpha, mirror = [], [], [], []
    boundaries = [0]
    for layer in element.findall("Layer"):
        edges, n_alpha = _edges(layer), int(layer.attrib["n_bin_alpha"])
        if len(edges) < 2:
            continue
        n_r = len(edges) - 1
        layers.append(int(layer.attrib["id"]))
        r.append(np.tile(0.5 * (edges[1:] + edges[:-1]), n_alpha))
        alpha.append(np.repeat(-np.pi + (np.arange(n_alpha) + 0.5) * (2 * np.pi / n_alpha), n_r))
        of_layer = np.arange(n_alpha * n_r).reshape(n_alpha, n_r)[::-1].reshape(-1)
        mirror.append(of_layer + boundaries[-1])
        boundaries.append(boundaries[-1] + n_alpha * n_r)
    if not layers:
        raise ValueError("expected a layer with voxels, got none")
    return VoxelLayout(
        element.attrib.get("name", "unnamed"),
        tuple(layers),
        np.array(boundaries, dtype=np.int64),
        *(np.concatenate(parts) for parts in (r, alpha, mirror)),
    )
