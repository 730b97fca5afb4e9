r"""Showers of the CaloGAN: images of three layers.

An HDF5 file has `layer_0` (event, 3, 96), `layer_1` (event, 12, 12) and `layer_2` (event, 12, 6)
in MeV, with phi along the first axis and eta along the second, `energy` (event, 1) in GeV, and
`overflow` (event, 3): what lies beside the images. Cells are 160 x 5, 40 x 40 and 40 x 80 mm in
(phi, eta); layers are 90, 347 and 43 mm thick. Particles fly across the layers, into the middle.

Here, the layers are cylinders (`CALOGAN`) with strips, a middle layer and a back one, and
particles have eta = phi = 0. Each cell is one hit in its middle, and lies in a cell of its own of
the detector. Radii of the cylinders are chosen for that; gaps between them are 1.5 and 5 mm.

References:
    M. Paganini, L. de Oliveira, B. Nachman, *CaloGAN: Simulating 3D High Energy Particle Showers
    in Multi-Layer Electromagnetic Calorimeters with Generative Adversarial Networks* (2017),
    https://arxiv.org/abs/1705.02355
    B. Nachman, L. de Oliveira, M. Paganini, *Electromagnetic Calorimeter Shower Images*, Mendeley
    Data (2017): shapes, sizes of cells, GeV; layers are in MeV in the training script of
    https://github.com/hep-lbdl/CaloGAN
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import h5py
import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.files.hdf5 import open_for_reading
from calovox.foreign.points.plane import hits_to_plane, plane_to_hits
from calovox.foreign.points.source import check_energies, make_photons
from calovox.foreign.showers.columns import numbers_of_events, shape_of
from calovox.foreign.tables.table import ForeignFileError
from calovox.geometry import Detector
from calovox.geometry.detector_files import parse_detector
from calovox.hits import Hits
from calovox.photons import Particle

__all__ = ["CALOGAN", "CaloGanShowers", "calogan_columns", "calogan_detector", "calogan_tails"]

CALOGAN: Final = """\
name = "CaloGAN"
eta_range = [0.0, 0.1]

[[layers]]
number = 0
name = "Layer0"
role = "strips"
surface = "cylinder"
inner = 1455.0
thickness = 90.0
cells = { per_eta = 300, n_phi = 59, eta = [0.0, 0.16] }

[[layers]]
number = 1
name = "Layer1"
role = "middle"
surface = "cylinder"
inner = 1546.5
thickness = 347.0
cells = { per_eta = 43, n_phi = 270, eta = [0.0, 0.13953488372093023] }

[[layers]]
number = 2
name = "Layer2"
role = "back"
surface = "cylinder"
inner = 1898.5
thickness = 43.0
cells = { per_eta = 24, n_phi = 302, eta = [0.0, 0.125] }
"""
"""The detector of these showers: cells of 5 x 159.7, 40 x 40.03 and 80 x 39.95 mm."""

_HALF: Final = 240.0  # mm: half the width of an image
_GEV: Final = 1e3


class _Image(NamedTuple):
    """An image: pixels along phi and eta."""

    n_phi: int
    n_eta: int

    @property
    def size(self) -> int:
        return self.n_phi * self.n_eta


_IMAGES: Final = (_Image(3, 96), _Image(12, 12), _Image(12, 6))


def calogan_detector() -> Detector:
    """Make the detector of the CaloGAN.

    Returns:
        Three cylinders.
    """
    return parse_detector(CALOGAN, "CaloGAN")


class CaloGanShowers:
    """A file of the CaloGAN.

    Args:
        path: The file.

    Attributes:
        layout: What the layout is called.
        path: The file.
        detector: `CALOGAN`.
        particle: Not said by the file.
        n_numbers: Pixels of a shower.

    Raises:
        ForeignFileError: If it is no usable file.
    """

    layout = "CaloGAN"
    particle: Particle | None = None
    n_numbers = sum(image.size for image in _IMAGES)

    def __init__(self, path: Path) -> None:
        self.path, self.detector = path, calogan_detector()
        with open_for_reading(path, ForeignFileError) as file:
            n_events = shape_of(file, path, "energy")[0]
            energy = numbers_of_events(file, path, "energy", n_events, positive=True)
            for layer, image in enumerate(_IMAGES):
                shape, wanted = shape_of(file, path, f"layer_{layer}"), (n_events, *image)
                if shape != wanted:
                    raise ForeignFileError(
                        f"{path}: expected `layer_{layer}` of shape {wanted}, got {shape}"
                    )
        self._energy: Float64[Array, " event"] = energy * _GEV
        self._position, self._u, self._v = _pixels()

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self._energy)

    def batches(self, size: int) -> Iterator[Hits]:
        """Read all showers, so many at a time."""
        with open_for_reading(self.path, ForeignFileError) as file:
            for start in range(0, len(self), size):
                yield self._read(file, slice(start, min(start + size, len(self))))

    def _read(self, file: h5py.File, rows: slice) -> Hits:
        incident = self._energy[rows]
        images = [file[f"layer_{layer}"][rows] for layer in range(len(_IMAGES))]
        energy = np.concatenate([image.reshape(len(incident), -1) for image in images], axis=1)
        numbers = np.repeat(np.arange(rows.start, rows.stop), energy.shape[1])
        is_hit = check_energies(self.path, energy.ravel(), numbers).reshape(energy.shape)
        pixel = np.nonzero(is_hit)[1]
        offsets = np.concatenate([[0], np.cumsum(is_hit.sum(axis=1))]).astype(np.int64)
        nowhere = np.zeros(len(incident))
        photons = make_photons(self.path, incident, nowhere, nowhere.copy(), rows.start)
        return plane_to_hits(
            self.detector,
            photons,
            offsets,
            self._position[pixel],
            self._u[pixel],
            self._v[pixel],
            energy[is_hit],
        )


def calogan_tails() -> dict[str, tuple[int, ...]]:
    """Give the shapes of the columns, but for the events.

    Returns:
        Shapes by key.
    """
    images = {f"layer_{layer}": tuple(image) for layer, image in enumerate(_IMAGES)}
    return {**images, "energy": (1,), "overflow": (len(_IMAGES),)}


def calogan_columns(detector: Detector, hits: Hits) -> Mapping[str, Array]:
    """Convert hits into images about the direction of the particle.

    Args:
        detector: That of the hits, with the layers of `CALOGAN`.
        hits: The hits.

    Returns:
        Columns by key: images and overflow in MeV, and energies in GeV.
    """
    n_events = len(hits)
    position, u, v = hits_to_plane(detector, hits)
    event = np.repeat(np.arange(n_events), np.diff(hits.event_offsets))
    columns: dict[str, Array] = {"energy": hits.photons.energy[:, None] / _GEV}
    overflow = np.zeros((n_events, len(_IMAGES)))
    for layer, image in enumerate(_IMAGES):
        chosen = position == layer
        row = np.floor((v[chosen] + _HALF) * (image.n_phi / (2.0 * _HALF))).astype(np.int64)
        column = np.floor((u[chosen] + _HALF) * (image.n_eta / (2.0 * _HALF))).astype(np.int64)
        inside = (row >= 0) & (row < image.n_phi) & (column >= 0) & (column < image.n_eta)
        pixels = np.zeros((n_events, *image))
        energy, number = hits.energy[chosen].astype(np.float64), event[chosen]
        np.add.at(pixels, (number[inside], row[inside], column[inside]), energy[inside])
        np.add.at(overflow[:, layer], number[~inside], energy[~inside])
        columns[f"layer_{layer}"] = pixels
    return {**columns, "overflow": overflow}


def _pixels() -> tuple[Int64[Array, " pixel"], Float64[Array, " pixel"], Float64[Array, " pixel"]]:
    """Give the layer of each pixel, and its middle along eta and phi in mm."""
    positions, along_eta, along_phi = [], [], []
    for layer, image in enumerate(_IMAGES):
        row, column = (part.ravel() for part in np.indices(image))
        positions.append(np.full(image.size, layer, dtype=np.int64))
        along_eta.append((column + 0.5) * (2.0 * _HALF / image.n_eta) - _HALF)
        along_phi.append((row + 0.5) * (2.0 * _HALF / image.n_phi) - _HALF)
    return np.concatenate(positions), np.concatenate(along_eta), np.concatenate(along_phi)
