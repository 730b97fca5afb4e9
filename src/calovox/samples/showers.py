r"""Pictures of showers as numbers: the average shower on a grid, and one shower in pixels.

The energy density of a voxel is its mean energy over its area, (r_2^2 - r_1^2) (alpha_2 - alpha_1)
/ 2. The local coordinates are those of the note's section 2.2: x = r cos(alpha) along eta, away
from eta = 0, and y = r sin(alpha) along phi.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geometry.barrel import layer_radius
from calovox.geometry.coordinates import to_polar
from calovox.hits import Hits, HitsReader
from calovox.samples.batch import ShowerBatch
from calovox.samples.regions import CENTRAL, Region
from calovox.voxelization import VoxelGrid, shower_centers

__all__ = [
    "AverageShower",
    "ShowerImage",
    "choose_event",
    "read_image",
    "shower_image",
    "sum_showers",
]

IMAGE_HALF_WIDTH: Final = 110.0
"""Half the width of the picture of one shower in mm: just beyond the fine rings of EMB1."""

IMAGE_PIXEL: Final = 1.0
"""Width of its pixels in mm."""

_STRIP_LAYER: Final = 1


@dataclass(frozen=True)
class AverageShower:
    """Mean energy in each voxel over the events of a region, scaled to the region's energy.

    Attributes:
        region: Where the events come from.
        grid: The voxels.
        energy: Mean energy of each voxel in MeV.
        n_events: Number of events.
    """

    region: Region
    grid: VoxelGrid
    energy: Float64[Array, " voxel"]
    n_events: int

    @property
    def density(self) -> Float64[Array, " voxel"]:
        """Mean energy per area in MeV/mm^2."""
        grid = self.grid
        area = 0.5 * (grid.r_max**2 - grid.r_min**2) * (grid.alpha_max - grid.alpha_min)
        return np.asarray(self.energy / area)


@dataclass(frozen=True)
class ShowerImage:
    """One shower in one layer, in square pixels around its centre.

    Attributes:
        layer: Layer number.
        energy: Kinetic energy of the photon in MeV.
        eta_center: Pseudorapidity of the shower centre.
        phi_center: Azimuth of the shower centre in rad.
        r_center: Mean radius of the layer there in mm.
        edges: Borders of the pixels in mm, along both local coordinates.
        pixels: Energy in each pixel in MeV; first axis along eta, second along phi.
    """

    layer: int
    energy: float
    eta_center: float
    phi_center: float
    r_center: float
    edges: Float64[Array, " edge"]
    pixels: Float64[Array, "pixel pixel"]

    @property
    def density(self) -> Float64[Array, "pixel pixel"]:
        """Energy per area in MeV/mm^2."""
        width = np.diff(self.edges)
        return np.asarray(self.pixels / np.outer(width, width))

    @property
    def eta_edges(self) -> Float64[Array, " edge"]:
        """Borders of the pixels in eta, in the order of the pixels."""
        sign = -1.0 if self.eta_center < 0 else 1.0
        return np.asarray(self.eta_center + sign * self.edges / self.r_center)

    @property
    def phi_edges(self) -> Float64[Array, " edge"]:
        """Borders of the pixels in phi; not wrapped."""
        return np.asarray(self.phi_center + self.edges / self.r_center)


def sum_showers(batch: ShowerBatch, region: Region) -> tuple[Float64[Array, " voxel"], int]:
    """Add up the voxel energies of a region's events, scaled to the region's energy.

    Args:
        batch: Any events whose pseudorapidities are known.
        region: Which of them count.

    Returns:
        Summed energy of each voxel in MeV, and the number of events.
    """
    assert batch.eta_center is not None
    chosen = region.select(batch.incident_energy, batch.eta_center)
    total = batch.fraction[chosen].sum(axis=0, dtype=np.float64)
    return region.energy * total, int(np.count_nonzero(chosen))


def read_image(path: Path) -> ShowerImage:
    """Read one shower of a hits file, and draw its hits in the strips into pixels.

    Args:
        path: The file.

    Returns:
        The image.

    Raises:
        ValueError: If there is no shower, or its layers are not those of the barrel.
    """
    reader = HitsReader(path)
    if reader.detector is not None:
        raise ValueError(
            f"--hits {path}: expected hits in the barrel, of whose strips one shower is drawn, "
            f"got those of the detector '{reader.detector.name}'"
        )
    batch = next(reader.batches(), None)
    if batch is None:
        raise ValueError(f"{path}: expected at least one shower to show, got none")
    return shower_image(batch, choose_event(batch), _STRIP_LAYER)


def choose_event(hits: Hits, region: Region = CENTRAL) -> int:
    """Choose the event to show: the one closest in energy, from the region's eta if there is one.

    Args:
        hits: At least one event.
        region: Which energy and pseudorapidity are wanted.

    Returns:
        Position of the event.
    """
    photons = hits.photons
    size = np.abs(photons.eta)
    outside = (size < region.eta_low) | (size >= region.eta_high)
    distance = np.abs(np.log(photons.energy / region.energy))
    in_eta = ~outside & (distance < math.log(2.0))
    if np.any(in_eta):
        distance = np.where(in_eta, distance, np.inf)
    return int(np.argmin(distance))


def shower_image(hits: Hits, event: int, layer: int) -> ShowerImage:
    """Draw the hits of one event and layer into pixels.

    Args:
        hits: Events with all their hits.
        event: Position of the event.
        layer: Layer number.

    Returns:
        The image, centred on the energy-weighted centre of the event.
    """
    shower = hits[event : event + 1]
    eta_center, phi_center = (float(values[0]) for values in shower_centers(shower))
    r_center = float(np.asarray(layer_radius(layer, np.array([eta_center])))[0])
    rows = shower.layer == layer
    r, alpha = to_polar(shower.eta[rows], shower.phi[rows], eta_center, phi_center, r_center)
    n_pixels = round(2 * IMAGE_HALF_WIDTH / IMAGE_PIXEL)
    edges = np.linspace(-IMAGE_HALF_WIDTH, IMAGE_HALF_WIDTH, n_pixels + 1)
    pixels, _, _ = np.histogram2d(
        r * np.cos(alpha), r * np.sin(alpha), bins=(edges, edges), weights=shower.energy[rows]
    )
    return ShowerImage(
        layer=layer,
        energy=float(shower.photons.energy[0]),
        eta_center=eta_center,
        phi_center=phi_center,
        r_center=r_center,
        edges=edges,
        pixels=pixels,
    )
