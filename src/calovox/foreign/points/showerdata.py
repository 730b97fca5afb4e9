r"""Point clouds of the package showerdata, as AllShowers and CaloClouds use them.

An HDF5 file has `showers`, one list of numbers per event: x, y, layer and energy of each point,
and with a fifth number its time; `shape` (events, points, 4 or 5), `num_points`, `energies`
(event, 1), `directions` (event, 3) as unit vectors, `pdg` and `shower_ids`. Energies are in GeV, x
and y in mm from where the particle enters, in planes across z; layers count from 0.

Here, the layers are cylinders of a detector, in the order of their numbers. Distances from the
axis of the particle are those in the plane (`calovox.foreign.points.plane`). An inclined particle,
with a direction (a, b, c), has phi = atan2(a, c) and sinh(eta) = b / sqrt(a^2 + c^2): x is around
the beam of the detector, and y along it. Its axis is at x = d a / c, y = d b / c in a layer whose
middle is d behind the inner surface of the first one; distances from it are taken across the
particle, x cos(phi) and y / cosh(eta), which is exact for particles along z alone. Times are left
out.

References:
    T. Buss et al., *AllShowers: One model for all calorimeter showers* (2026),
    https://arxiv.org/abs/2601.11716
    *ShowerData*, https://github.com/FLC-QU-hep/ShowerData
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.files.hdf5 import open_for_reading
from calovox.foreign.points.plane import hits_to_plane, plane_to_hits
from calovox.foreign.points.source import check_energies, make_photons
from calovox.foreign.showers.columns import numbers_of_events, shape_of
from calovox.foreign.tables.table import ForeignFileError
from calovox.geometry import Detector
from calovox.hits import Hits
from calovox.photons import PDG, Particle, Photons

__all__ = ["ShowerdataShowers", "check_cylinders", "showerdata_columns"]

_GEV: Final = 1e3
_LEAST_ALONG: Final = 0.05  # of the direction along z: flatter particles miss the layers
_ROUNDING: Final = 0.01


class ShowerdataShowers:
    """A file of showerdata.

    Args:
        path: The file.
        detector: Cylinders, of which the first are the layers of the file.

    Attributes:
        layout: What the layout is called.
        path: The file.
        detector: The cylinders.
        particle: What made the showers.
        n_numbers: Numbers of the longest shower.

    Raises:
        ForeignFileError: If it is no usable file.
    """

    layout = "showerdata"

    def __init__(self, path: Path, detector: Detector) -> None:
        check_cylinders(detector)
        self.path, self.detector = path, detector
        with open_for_reading(path, ForeignFileError) as file:
            if shape_of(file, path, "shape") != (3,) or not _has_lists(file):
                raise ForeignFileError(
                    f"{path}: expected `showers` as lists of numbers, and `shape` of three "
                    "numbers, as showerdata 0.7 writes them"
                )
            n_events, n_points, self._n_columns = (int(number) for number in file["shape"][()])
            if self._n_columns not in (4, 5) or file["showers"].shape != (n_events,):
                raise ForeignFileError(
                    f"{path}: expected one list for each of {n_events} showers, of points of 4 or "
                    f"5 numbers, got {file['showers'].shape} and {self._n_columns}"
                )
            energy = numbers_of_events(file, path, "energies", n_events, positive=True)
            self.particle: Particle | None = _particle(file, path, n_events)
            self._directions = _directions(file, path, n_events)
        self._energy: Float64[Array, " event"] = energy * _GEV
        self.n_numbers = max(1, n_points * self._n_columns)

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self._energy)

    def batches(self, size: int) -> Iterator[Hits]:
        """Read all showers, so many at a time."""
        with open_for_reading(self.path, ForeignFileError) as file:
            for start in range(0, len(self), size):
                yield self._read(file, slice(start, min(start + size, len(self))))

    def _read(self, file: h5py.File, rows: slice) -> Hits:
        lists = file["showers"][rows]
        sizes = np.array([len(numbers) for numbers in lists], dtype=np.int64)
        if np.any(sizes % self._n_columns):
            event = rows.start + int(np.flatnonzero(sizes % self._n_columns)[0])
            raise ForeignFileError(
                f"{self.path}: expected {self._n_columns} numbers for each point, got "
                f"{sizes[event - rows.start]} numbers in event {event}"
            )
        counts = sizes // self._n_columns
        points = np.concatenate([np.empty(0), *lists]).reshape(-1, self._n_columns)
        event = np.repeat(np.arange(len(lists)), counts)
        is_hit = check_energies(self.path, points[:, 3], event + rows.start)
        points, event = points[is_hit], event[is_hit]
        position = self._layers(points[:, 2], event + rows.start)
        if not np.all(np.abs(points[:, :2]) < np.inf):
            raise ForeignFileError(f"{self.path}: expected finite positions of points")
        eta, phi = _angles(self._directions[rows])
        photons = make_photons(self.path, self._energy[rows], eta, phi, rows.start)
        axis = _axis(self.detector, photons, event, position)
        return plane_to_hits(
            self.detector,
            photons,
            np.searchsorted(event, np.arange(len(lists) + 1)).astype(np.int64),
            position,
            (points[:, 1] - axis[1]) / np.cosh(eta)[event],
            (points[:, 0] - axis[0]) * np.cos(phi)[event],
            points[:, 3] * _GEV,
        )

    def _layers(self, values: Array, event: Array) -> Int64[Array, " point"]:
        n_layers = len(self.detector.numbers)
        good = np.abs(values - np.rint(values)) < _ROUNDING
        good &= (values > -0.5) & (values < n_layers - 0.5)
        if not good.all():
            first = int(np.flatnonzero(~good)[0])
            raise ForeignFileError(
                f"{self.path}: expected layers from 0 to {n_layers - 1}, as --detector has them, "
                f"as third number of points, got {values[first]} in event {event[first]}"
            )
        return np.asarray(np.rint(values), dtype=np.int64)


def showerdata_columns(detector: Detector, hits: Hits, particle: Particle) -> Mapping[str, Array]:
    """Convert hits into points.

    Args:
        detector: That of the hits: cylinders.
        hits: The hits.
        particle: What made them.

    Returns:
        Columns by key; `showers` as an array of arrays.
    """
    photons = hits.photons
    position, u, v = hits_to_plane(detector, hits)
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    axis = _axis(detector, photons, event, position)
    x = axis[0] + v / np.cos(photons.phi)[event]
    y = axis[1] + u * np.cosh(photons.eta)[event]
    points = np.stack([x, y, position, hits.energy / _GEV], axis=1).astype(np.float32)
    showers = np.empty(len(hits), dtype=object)
    for number in range(len(hits)):
        rows = slice(hits.event_offsets[number], hits.event_offsets[number + 1])
        showers[number] = points[rows].ravel()
    along = np.cosh(photons.eta)
    return {
        "showers": showers,
        "energies": photons.energy[:, None] / _GEV,
        "directions": np.stack(
            [np.sin(photons.phi) / along, np.tanh(photons.eta), np.cos(photons.phi) / along],
            axis=1,
        ),
        "pdg": np.full(len(hits), PDG[particle]),
        "num_points": np.diff(hits.event_offsets),
    }


def check_cylinders(detector: Detector) -> None:
    """Refuse a detector that is not made of cylinders.

    Args:
        detector: The detector.

    Raises:
        ForeignFileError: If a layer is a plane.
    """
    if any(layer.position.surface != "cylinder" for layer in detector.layers):
        raise ForeignFileError(
            "--detector: expected cylinders for point clouds of showerdata, got planes in the "
            f"detector '{detector.name}'"
        )


def _axis(
    detector: Detector, photons: Photons, event: Array, position: Array
) -> tuple[Float64[Array, " point"], Float64[Array, " point"]]:
    """Give x and y in mm where the axis of the particle is in the layer of each point."""
    inner = float(detector.layers[0].position.inner[0])
    depth = detector.radii(np.zeros(1))[0] - inner
    tangent = np.tan(photons.phi)
    slope = np.sinh(photons.eta) / np.cos(photons.phi)
    return depth[position] * tangent[event], depth[position] * slope[event]


def _angles(
    directions: Float64[Array, "event 3"],
) -> tuple[Float64[Array, " event"], Float64[Array, " event"]]:
    a, b, c = directions.T
    return np.arcsinh(b / np.hypot(a, c)), np.arctan2(a, c)


def _directions(file: h5py.File, path: Path, n_events: int) -> Float64[Array, "event 3"]:
    if shape_of(file, path, "directions") != (n_events, 3):
        raise ForeignFileError(
            f"{path}: expected `directions` of shape ({n_events}, 3), got "
            f"{file['directions'].shape}"
        )
    values = np.asarray(file["directions"][()], dtype=np.float64)
    size = np.linalg.norm(values, axis=1)
    good = (size < np.inf) & (values[:, 2] >= _LEAST_ALONG * size) & (size > 0.0)
    if not good.all():
        event = int(np.flatnonzero(~good)[0])
        raise ForeignFileError(
            f"{path}: expected `directions` that cross the layers, along z, got "
            f"{values[event].tolist()} in event {event}"
        )
    return np.asarray(values / size[:, None])


def _particle(file: h5py.File, path: Path, n_events: int) -> Particle:
    codes = numbers_of_events(file, path, "pdg", n_events)
    kinds = {code: name for name, code in PDG.items()}
    found = np.unique(codes).tolist()
    if len(found) != 1 or found[0] not in kinds:
        known = ", ".join(f"{code} ({name}s)" for code, name in kinds.items())
        raise ForeignFileError(
            f"{path}: expected one kind of particle in `pdg` out of {known}, got "
            f"{', '.join(f'{code:g}' for code in found[:8]) or 'none'}: write each kind to a file "
            "of its own"
        )
    return kinds[int(found[0])]


def _has_lists(file: h5py.File) -> bool:
    column = file.get("showers")
    return isinstance(column, h5py.Dataset) and h5py.check_vlen_dtype(column.dtype) == np.float32
