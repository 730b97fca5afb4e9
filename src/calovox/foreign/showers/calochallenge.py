"""Showers of the CaloChallenge, as voxels with the edges of their binning file.

`calovox.samples.calochallenge` describes the files, and reads them for scores. Here, `showers` may
also have one axis each for layer, angle and radius. The files do not say where showers lie in eta
or phi: eta is an argument, and azimuths stay unknown.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import numpy as np

from calovox.files.damage import one_line, reading
from calovox.files.hdf5 import open_for_reading
from calovox.foreign.showers.columns import (
    batches_of_showers,
    numbers_of_events,
    shape_of,
    to_fractions,
)
from calovox.foreign.showers.polar import PolarLayer, polar_grid
from calovox.foreign.tables.table import ForeignFileError
from calovox.voxelization import VoxelGrid, Voxels

__all__ = ["CaloChallengeShowers", "binning_text", "read_binning_grid"]

_MOST_VOXELS: Final = 1_000_000


class CaloChallengeShowers:
    """A file of the CaloChallenge.

    Args:
        path: The file.
        binning: XML file of its voxels.
        eta: Pseudorapidity of all shower centres.

    Attributes:
        layout: What the layout is called.
        path: The file.
        grid: Its voxels, in the order of the file.

    Raises:
        ForeignFileError: If it is no usable file, or the binning has another number of voxels.
    """

    layout = "CaloChallenge"

    def __init__(self, path: Path, binning: Path, *, eta: float = 0.0) -> None:
        self.path, self._eta = path, eta
        with open_for_reading(path, ForeignFileError) as file:
            shape = shape_of(file, path, "showers")
            self._energy = numbers_of_events(
                file, path, "incident_energies", shape[0], positive=True
            )
        n_voxels = int(np.prod([1, *shape[1:]], dtype=object))
        self.grid = read_binning_grid(binning, n_voxels)

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self._energy)

    def batches(self, size: int) -> Iterator[Voxels]:
        """Read all showers, so many at a time."""
        for rows, showers in batches_of_showers(self.path, len(self), size):
            incident = self._energy[rows]
            energy = showers.reshape(len(incident), -1)
            yield Voxels(
                grid=self.grid,
                energy=to_fractions(self.path, energy, incident, rows.start),
                incident_energy=incident,
                eta_center=np.full(len(incident), self._eta),
                index=np.arange(rows.start, rows.stop, dtype=np.int64),
            )


def read_binning_grid(path: Path, n_voxels: int) -> VoxelGrid:
    """Read the voxels of a binning file.

    Args:
        path: Binning file; of several kinds of particles, the one with so many voxels is taken.
        n_voxels: Voxels of a shower.

    Returns:
        The voxels, in the order of the files of showers.

    Raises:
        FileNotFoundError: If there is no such file.
        ForeignFileError: If it is no binning file, or none of its binnings has so many voxels.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    with reading(path, ForeignFileError, "is not a binning file"):
        found = [
            (one_line(element.attrib.get("name", "unnamed")), _layers(element))
            for element in ElementTree.parse(path).getroot().findall("Bin")
        ]
        for name, layers in found:
            if sum(layer.n_voxels for layer in layers) == n_voxels:
                return polar_grid(layers, f"CaloChallenge {name}")
    counts = (f"{name}: {sum(layer.n_voxels for layer in layers)}" for name, layers in found)
    raise ForeignFileError(
        f"{path}: expected a binning of {n_voxels} voxels, got {', '.join(counts) or 'none'}"
    )


def binning_text(layers: list[PolarLayer], name: str) -> str:
    """Write the binning file of layers.

    Args:
        layers: The layers.
        name: What to call the particle.

    Returns:
        XML.
    """
    root = ElementTree.Element("Bins")
    attributes = {"pid": "22", "etaMin": "0", "etaMax": "130", "name": name}
    element = ElementTree.SubElement(root, "Bin", attributes)
    for layer in layers:
        edges = ",".join(
            f"{edge:g}" if _is_short(edge) else str(np.float32(edge)) for edge in layer.r_edges
        )
        columns = {"id": f"{layer.number}", "r_edges": edges, "n_bin_alpha": f"{layer.n_alpha}"}
        ElementTree.SubElement(element, "Layer", columns)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _is_short(edge: float) -> bool:
    return bool(np.float32(f"{edge:g}") == np.float32(edge))


def _layers(element: ElementTree.Element) -> list[PolarLayer]:
    """Read the layers with voxels of one kind of particle, before arrays of that size are made."""
    layers = []
    for entry in element.findall("Layer"):
        edges = np.array([float(text) for text in entry.attrib["r_edges"].split(",")])
        n_alpha = int(entry.attrib["n_bin_alpha"])
        if len(edges) < 2:
            continue
        if not (np.all(np.isfinite(edges)) and np.all(np.diff(edges) > 0) and edges[0] == 0):
            raise ValueError(f"expected `r_edges` that rise from 0 in {entry.attrib}")
        if not 1 <= n_alpha <= _MOST_VOXELS // (len(edges) - 1):
            raise ValueError(f"expected fewer voxels, `n_bin_alpha` above 0, in {entry.attrib}")
        layers.append(PolarLayer(int(entry.attrib["id"]), edges, n_alpha))
    return layers
