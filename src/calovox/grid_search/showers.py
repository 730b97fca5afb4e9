r"""Showers of the search: their deposits, merged where no grid of the search tells them apart.

Every second shower is looked at; the others give patterns (`donors`), so that no shower is placed
by its own. Deposits are merged where they share a voxel of the grid that the search begins with
and a square of the patterns (`calovox.patterns.merging`): the patterns of every coarser grid are
the same as those of all hits. The reference is what Geant4's own hits leave in the cells.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.geometry import Detector
from calovox.geometry.cell_energies import CellEnergies, concatenate_cells
from calovox.geometry.coordinates import to_eta_phi
from calovox.geometry.layers import layer_positions
from calovox.hits import Hits
from calovox.patterns.merging import Merging, deposits_in_voxels, merge_deposits
from calovox.photons import Photons, concatenate_photons
from calovox.reconstruction import hits_to_cells
from calovox.voxelization import VoxelGrid, shower_centers

__all__ = ["FEWEST_SHOWERS", "Deposits", "SearchShowers", "Showers", "divide", "read_showers"]

FEWEST_SHOWERS: Final = 50
"""Showers of either set below which nothing can be said of cells."""


@dataclass(frozen=True)
class Deposits:
    """Deposits of some showers in one layer, by rising distance from the shower centre.

    Attributes:
        event: The shower of each deposit.
        r: Its distance from the shower centre in mm.
        eta: Its pseudorapidity.
        phi: Its azimuth in rad.
        energy: Its energy in MeV.
    """

    event: Int64[Array, " deposit"]
    r: Float64[Array, " deposit"]
    eta: Float32[Array, " deposit"]
    phi: Float32[Array, " deposit"]
    energy: Float32[Array, " deposit"]

    def rows(self, chosen: slice) -> "Deposits":
        """Return some of the deposits."""
        return Deposits(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


@dataclass(frozen=True)
class Showers:
    """Some showers with their deposits.

    Attributes:
        centers: Energies and numbers of the photons, directions of the shower centres.
        abs_eta: abs(eta) of the photons.
        layers: Deposits by layer number.
    """

    centers: Photons
    abs_eta: Float64[Array, " event"]
    layers: dict[int, Deposits]

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self.centers)

    def hits(self, layer: int, r_min: float, r_max: float) -> Hits:
        """Give the deposits of a part of a layer as hits of photons at the shower centres.

        Args:
            layer: Layer number.
            r_min: Least distance from the shower centre in mm.
            r_max: Distance in mm below which they lie.

        Returns:
            Hits of all showers; some have none.
        """
        deposits = self.layers[layer]
        first, last = np.searchsorted(deposits.r, [r_min, r_max])
        return self._as_hits({layer: deposits.rows(slice(first, last))})

    def all_hits(self) -> Hits:
        """Give the deposits of all layers as hits of photons at the shower centres."""
        return self._as_hits(self.layers)

    def _as_hits(self, layers: Mapping[int, Deposits]) -> Hits:
        parts = layers.values()
        event, r, eta, phi, energy = (
            np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Deposits)
        )
        numbers = np.array(list(layers), dtype=np.uint8)
        layer = np.repeat(numbers, [len(part.event) for part in parts])
        rows = np.argsort(event, kind="stable")
        counts = np.bincount(event, minlength=len(self))
        return Hits(
            layer=layer[rows],
            eta=eta[rows],
            phi=phi[rows],
            r=r[rows].astype(np.float32),
            energy=energy[rows],
            event_offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            photons=self.centers,
        )


@dataclass(frozen=True)
class SearchShowers:
    """All showers of a search.

    Attributes:
        seen: Those that are looked at.
        donors: Those that give patterns.
        reference: Cells of those that are looked at, from all hits of Geant4.
    """

    seen: Showers
    donors: Showers
    reference: CellEnergies


def divide(hits: Hits, first: int) -> tuple[Hits, Hits]:
    """Divide showers by turns.

    Args:
        hits: A batch.
        first: Number of its first shower among all.

    Returns:
        Those that are looked at, and those that give patterns.
    """
    number = first + np.arange(len(hits))
    return _chosen(hits, number % 2 == 0), _chosen(hits, number % 2 == 1)


def read_showers(batches: Iterable[Hits], grid: VoxelGrid, detector: Detector) -> SearchShowers:
    """Read the showers of a search.

    Args:
        batches: Hits of all showers.
        grid: The voxels that the search begins with.
        detector: Its layers and cells.

    Returns:
        The showers.

    Raises:
        ValueError: If a hit is in a layer that the grid or the detector lacks.
    """
    sides = Merging().sides(grid, detector)
    parts: tuple[list[_Part], list[_Part]] = ([], [])
    cells, n_read = [], 0
    for batch in batches:
        halves = divide(batch, n_read)
        n_read += len(batch)
        for half, part in zip(halves, parts, strict=True):
            if len(half):
                part.append(_merge(half, grid, detector, sides))
        if len(halves[0]):
            cells.append(hits_to_cells(halves[0], detector.cells))
    seen, donors = (_join(part, grid.numbers) for part in parts)
    return SearchShowers(seen, donors, concatenate_cells(cells))


@dataclass(frozen=True)
class _Part:
    """Showers of one batch, and the columns of their deposits."""

    centers: Photons
    abs_eta: Array
    layer: Array
    columns: tuple[Array, ...]


def _chosen(hits: Hits, wanted: Array) -> Hits:
    rows = np.repeat(wanted, np.diff(hits.event_offsets))
    counts = np.diff(hits.event_offsets)[wanted]
    return Hits(
        layer=hits.layer[rows],
        eta=hits.eta[rows],
        phi=hits.phi[rows],
        r=hits.r[rows],
        energy=hits.energy[rows],
        event_offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        photons=hits.photons[np.flatnonzero(wanted)],
    )


def _merge(hits: Hits, grid: VoxelGrid, detector: Detector, sides: Array) -> _Part:
    """Merge the deposits that share a voxel and a square."""
    eta, phi = shower_centers(hits)
    deposits = deposits_in_voxels(hits, grid, detector, eta, phi)
    deposits = merge_deposits(deposits, sides[deposits.key % grid.n_voxels])
    event, voxel = np.divmod(deposits.key, grid.n_voxels)
    layer = grid.layer[voxel]
    position = layer_positions(layer, grid.positions)
    r, alpha = np.hypot(deposits.x, deposits.y), np.arctan2(deposits.y, deposits.x)
    radii = detector.radii(eta, grid.numbers)[event, position]
    columns = to_eta_phi(r, alpha % (2.0 * np.pi), eta[event], phi[event], radii)
    photons = Photons(hits.photons.energy, eta, phi, hits.photons.index)
    abs_eta = np.abs(hits.photons.eta)
    return _Part(photons, abs_eta, layer, (event, r, *columns, deposits.energy))


def _join(parts: list[_Part], numbers: tuple[int, ...]) -> Showers:
    """Join the showers of all batches, and sort their deposits by layer and distance."""
    sizes = [len(part.centers) for part in parts]
    starts = np.cumsum(sizes) - sizes
    event = np.concatenate([p.columns[0] + s for p, s in zip(parts, starts, strict=True)])
    layer = np.concatenate([part.layer for part in parts])
    r, eta, phi, energy = (
        np.concatenate([part.columns[i] for part in parts]) for i in range(1, 5)
    )
    layers = {}
    for number in numbers:
        rows = np.flatnonzero(layer == number)
        rows = rows[np.argsort(r[rows], kind="stable")]
        layers[number] = Deposits(
            event=event[rows],
            r=r[rows],
            eta=eta[rows].astype(np.float32),
            phi=phi[rows].astype(np.float32),
            energy=energy[rows].astype(np.float32),
        )
    return Showers(
        centers=concatenate_photons([part.centers for part in parts]),
        abs_eta=np.concatenate([part.abs_eta for part in parts]),
        layers=layers,
    )
