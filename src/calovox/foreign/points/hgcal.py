r"""Showers of the CMS HGCal, as CaloDiffusion has them: cells by their numbers in a layer.

An HDF5 file has `showers` (event, layer, cell) and `gen_info` (event, 3 or more): energy, eta and
phi of the particle. Energies are in GeV; those of cells are deposits in silicon, which
CaloDiffusion multiplies by 200. Cells are hexagons, and where they lie is in a pickled Python
object (``HGCalGeo``), which is not read: unpickling runs code. A table says it instead: `layer`
and `cell`, counted as in `showers`, and `x` and `y` of the middle in mm, in the coordinates of the
experiment. Layers are planes of a detector, in the order of their numbers.

Each cell is one hit in its middle. On the way back, a hit is in the cell whose middle is nearest,
which is the hexagon that it lies in; it is outside if that is more than 0.6 of the distance of
neighbours away.

References:
    O. Amram, K. Pedro, *Denoising diffusion models with geometry adaptation for high fidelity
    calorimeter simulation* (2023), https://arxiv.org/abs/2308.03876
    O. Amram, *HGCalShowers*, https://github.com/OzAmram/HGCalShowers
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import h5py
import numpy as np
from scipy.spatial import KDTree

from calovox.arrays import Array, Float64, Int64
from calovox.files.hdf5 import open_for_reading
from calovox.foreign.events import check_columns, whole_numbers
from calovox.foreign.points.source import check_energies, make_photons
from calovox.foreign.showers.columns import shape_of
from calovox.foreign.tables import ForeignFileError, choose_table
from calovox.geometry import Detector, wrap_phi
from calovox.hits import Hits
from calovox.photons import Particle

__all__ = ["CellPlaces", "HgcalShowers", "hgcal_columns", "read_places"]

_GEV: Final = 1e3
_COLUMNS: Final = ("layer", "cell", "x", "y")
_MOST_CELLS: Final = 1_000_000
_MOST_AWAY: Final = 0.5  # in eta: more than any shower is wide
_WITHIN: Final = 0.6  # of the distance of neighbours: the corner of a hexagon is at 0.58
_LEAST_RADIUS: Final = 1.0  # mm


@dataclass(frozen=True, eq=False)
class CellPlaces:
    """Where the cells of all layers lie.

    Attributes:
        path: The table.
        shape: Layers, and cells of a layer at most.
        x: Middle of each cell in mm, by layer and cell; NaN where there is none.
        y: Likewise.
    """

    path: Path
    shape: tuple[int, int]
    x: Float64[Array, "layer cell"]
    y: Float64[Array, "layer cell"]


def read_places(path: Path) -> CellPlaces:
    """Read a table of the places of cells.

    Args:
        path: csv, Parquet, ROOT or HDF5 with the columns `layer`, `cell`, `x` and `y` (mm).

    Returns:
        The places.

    Raises:
        FileNotFoundError: If there is no such file.
        ForeignFileError: If it is no such table, or a cell is named twice.
    """
    table = choose_table(path, None)
    check_columns(table, list(_COLUMNS))
    parts = [{name: batch[name] for name in _COLUMNS} for batch in table.batches(_COLUMNS)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in _COLUMNS}
    layer, cell = (whole_numbers(columns[name], table, name) for name in ("layer", "cell"))
    x, y = (columns[name].astype(np.float64) for name in ("x", "y"))
    good = (layer >= 0) & (layer < 255) & (cell >= 0) & (cell < _MOST_CELLS)
    good &= np.hypot(x, y) >= _LEAST_RADIUS
    if len(good) == 0 or not good.all():
        row = "no rows" if len(good) == 0 else f"row {int(np.flatnonzero(~good)[0])}"
        raise ForeignFileError(
            f"{path}: expected layers and cells from 0, and `x` and `y` in mm from the beam axis, "
            f"got others in {row}"
        )
    shape = (int(layer.max()) + 1, int(cell.max()) + 1)
    if len(np.unique(layer * shape[1] + cell)) < len(layer):
        raise ForeignFileError(f"{path}: expected each cell of a layer once, got one twice")
    places = np.full((2, *shape), np.nan)
    places[0, layer, cell], places[1, layer, cell] = x, y
    return CellPlaces(path, shape, places[0], places[1])


class HgcalShowers:
    """A file of showers of the HGCal.

    Args:
        path: The file.
        places: Where its cells lie.
        detector: Planes, of which the first are the layers of the file.

    Attributes:
        layout: What the layout is called.
        path: The file.
        detector: The planes.
        particle: Not said by the file.
        n_numbers: Cells of a shower.

    Raises:
        ForeignFileError: If it is no usable file, or has other layers or cells.
    """

    layout = "HGCal"
    particle: Particle | None = None

    def __init__(self, path: Path, places: CellPlaces, detector: Detector) -> None:
        self.path, self.detector, self._places = path, detector, places
        with open_for_reading(path, ForeignFileError) as file:
            shape, truth = shape_of(file, path, "showers"), shape_of(file, path, "gen_info")
            if len(shape) != 3 or len(truth) != 2 or truth[0] != shape[0] or truth[1] < 3:
                raise ForeignFileError(
                    f"{path}: expected `showers` of shape (event, layer, cell) and `gen_info` of "
                    f"shape (event, 3), got {shape} and {truth}"
                )
            self._truth = np.asarray(file["gen_info"][:, :3], dtype=np.float64)
        self._shape = shape[1:]
        self._z = _plane_z(detector, shape[1])
        self.n_numbers = shape[1] * shape[2]

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self._truth)

    def batches(self, size: int) -> Iterator[Hits]:
        """Read all showers, so many at a time."""
        with open_for_reading(self.path, ForeignFileError) as file:
            for start in range(0, len(self), size):
                yield self._read(file, slice(start, min(start + size, len(self))))

    def _read(self, file: h5py.File, rows: slice) -> Hits:
        incident, eta, phi = self._truth[rows].T.copy()
        photons = make_photons(self.path, incident * _GEV, eta, wrap_phi(phi), rows.start)
        cells = file["showers"][rows]
        numbers = np.repeat(np.arange(rows.start, rows.stop), self.n_numbers)
        is_hit = check_energies(self.path, cells.ravel(), numbers).reshape(cells.shape)
        event, layer, cell = np.nonzero(is_hit)
        x, y = self._middles(layer, cell)
        z = np.where(eta[event] < 0.0, -1.0, 1.0) * self._z[layer]
        radius = np.hypot(x, y)
        found = np.arcsinh(z / radius)
        away = np.abs(found - eta[event]) > _MOST_AWAY
        if np.mean(away) > 0.5:
            first = int(np.flatnonzero(away)[0])
            raise ForeignFileError(
                f"{self.path}: expected cells about their particles, got cells at eta = "
                f"{found[first]:.3g} about one at {eta[event[first]]:.3g}: are `x` and `y` of "
                f"{self._places.path} in mm, from the beam axis?"
            )
        return Hits(
            layer=np.array(self.detector.numbers, dtype=np.uint8)[layer],
            eta=found.astype(np.float32),
            phi=np.arctan2(y, x).astype(np.float32),
            r=radius.astype(np.float32),
            energy=(cells[is_hit] * _GEV).astype(np.float32),
            event_offsets=np.searchsorted(event, np.arange(len(photons) + 1)).astype(np.int64),
            photons=photons,
        )

    def _middles(self, layer: Array, cell: Array) -> tuple[Array, Array]:
        n_layers, n_cells = self._places.shape
        known = (layer < n_layers) & (cell < n_cells)
        rows = np.where(known, layer, 0), np.where(known, cell, 0)
        x, y = self._places.x[rows], self._places.y[rows]
        known &= ~np.isnan(x)
        if not known.all():
            first = int(np.flatnonzero(~known)[0])
            raise ForeignFileError(
                f"{self.path}: expected energies in cells of {self._places.path} alone, got some "
                f"in cell {cell[first]} of layer {layer[first]}"
            )
        return x, y


def hgcal_columns(
    detector: Detector, places: CellPlaces, hits: Hits
) -> tuple[Mapping[str, Array], float]:
    """Convert hits into cells.

    Args:
        detector: That of the hits: planes.
        places: Where the cells lie.
        hits: The hits.

    Returns:
        Columns by key, in GeV, and the energy of the hits in no cell in MeV.

    Raises:
        ForeignFileError: If the layers are not planes, or fewer than those of the places.
    """
    _plane_z(detector, places.shape[0])
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    position = detector.positions(hits.layer)
    x, y = hits.r * np.cos(hits.phi), hits.r * np.sin(hits.phi)
    showers, outside = np.zeros((len(hits), *places.shape)), 0.0
    for layer in range(len(detector.numbers)):
        chosen = np.flatnonzero(position == layer)
        cell = np.full(len(chosen), -1, dtype=np.int64)
        if layer < places.shape[0]:
            cell = _nearest(places, layer, x[chosen], y[chosen])
        energy = hits.energy[chosen].astype(np.float64)
        inside = cell >= 0
        np.add.at(showers[:, layer], (event[chosen][inside], cell[inside]), energy[inside])
        outside += float(energy[~inside].sum())
    photons = hits.photons
    truth = np.stack([photons.energy / _GEV, photons.eta, photons.phi], axis=1)
    return {"showers": showers / _GEV, "gen_info": truth}, outside


def _nearest(places: CellPlaces, layer: int, x: Array, y: Array) -> Int64[Array, " hit"]:
    """Give the cell of each hit; -1 for none."""
    known = np.flatnonzero(~np.isnan(places.x[layer]))
    if len(known) < 2 or len(x) == 0:
        return np.full(len(x), -1, dtype=np.int64)
    tree = KDTree(np.stack([places.x[layer, known], places.y[layer, known]], axis=1))
    width = tree.query(tree.data, 2)[0][:, 1]
    distance, near = tree.query(np.stack([x, y], axis=1))
    return np.where(distance <= _WITHIN * width[near], known[near], -1)


def _plane_z(detector: Detector, n_layers: int) -> Float64[Array, " layer"]:
    """Give abs(z) of the middles of the first layers in mm."""
    positions = [layer.position for layer in detector.layers]
    if any(place.surface != "plane" or len(place.middle) > 1 for place in positions):
        raise ForeignFileError(
            "--detector: expected planes of one abs(z) each for showers of HGCal, got the "
            f"detector '{detector.name}'"
        )
    if len(positions) < n_layers:
        raise ForeignFileError(
            f"--detector: expected {n_layers} layers for showers of HGCal, got {len(positions)}"
        )
    return np.array([float(place.middle[0]) for place in positions])
