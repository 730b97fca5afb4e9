r"""Merging of neighbouring hits (note, section 2.1).

Hits of an event are sorted into bins of a grid aligned with the direction of the photon:
0.5 mm in both directions across it, and along it an eighth of the thickness of the layer but at
most 5 mm. Hits that share a bin, a layer and a cell become one hit with the sum of their energies
at their energy-weighted mean eta, phi and r.

A merged hit lies in the cell of its parts, because cells are part of the key and are rectangles in
eta and phi. Merging therefore changes no energy of a cell. ATLAS merges without regard to cells
and scales the hits of each cell to the sum of its deposits; here that factor would be 1.

References:
    ATL-SOFT-PUB-2025-003, section 2.1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geometry import BARREL_LAYERS, Detector, Layer
from calovox.geometry.coordinates import wrap_phi_kernel
from calovox.hits.hits import Hits
from calovox.kernels import kernel
from calovox.photons import Photons

__all__ = ["MergingRadii", "merge_hits"]

_HASH: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class MergingRadii:
    """Sizes of the bins within which hits are merged.

    Attributes:
        across: Size across the direction of the photon in mm, in each layer.
        along: Largest size along it in mm, in each layer.
        per_layer: Smallest number of bins along a layer; the size is at most its thickness over
            this number. 0 for no such limit.
    """

    across: tuple[float, ...]
    along: tuple[float, ...]
    per_layer: int

    def __post_init__(self) -> None:
        for name in ("across", "along"):
            sizes = getattr(self, name)
            if len(sizes) != len(self.across) or min(sizes, default=0.0) <= 0:
                raise ValueError(
                    f"MergingRadii: `{name}` must be one length above 0 per layer, got {sizes}"
                )
        if self.per_layer < 0:
            raise ValueError(f"MergingRadii: `per_layer` must be 0 or more, got {self.per_layer}")

    @classmethod
    def fine(cls, layers: Sequence[Layer] = BARREL_LAYERS) -> "MergingRadii":
        """Return the sizes of the note: 0.5 mm across, an eighth of the layer (5 mm) along."""
        return cls(across=(0.5,) * len(layers), along=(5.0,) * len(layers), per_layer=8)

    @classmethod
    def coarse(cls, layers: Sequence[Layer] = BARREL_LAYERS) -> "MergingRadii":
        """Return the older sizes: 1 mm in the strips, 5 mm elsewhere, in all directions."""
        sizes = tuple(1.0 if layer.role == "strips" else 5.0 for layer in layers)
        return cls(across=sizes, along=sizes, per_layer=0)

    def lengths_along(
        self, photons: Photons, layers: Sequence[Layer]
    ) -> Float64[Array, "event layer"]:
        """Compute the sizes along the direction of each photon.

        Args:
            photons: The photons.
            layers: The layers of the detector.

        Returns:
            Sizes in mm.

        Raises:
            ValueError: If there is not one size per layer.
        """
        if len(layers) != len(self.along):
            raise ValueError(
                f"MergingRadii: expected sizes for {len(layers)} layers, got {len(self.along)}"
            )
        lengths = np.tile(np.array(self.along, dtype=np.float64), (len(photons), 1))
        if self.per_layer:
            for position, layer in enumerate(layers):
                limit = layer.position.thickness(photons.eta) / self.per_layer
                lengths[:, position] = np.minimum(lengths[:, position], limit)
        return lengths


def merge_hits(hits: Hits, detector: Detector, radii: MergingRadii) -> Hits:
    """Merge hits that lie close together in the same cell.

    Args:
        hits: Hits with energies of 0 or more; hits without energy vanish.
        detector: Where its layers and cells are.
        radii: Sizes of the bins.

    Returns:
        The merged hits; inside an event, in the order of the first hit of each bin.

    Raises:
        ValueError: If an energy is negative, or the detector lacks the layer of a hit.
    """
    if np.any(hits.energy < 0):
        raise ValueError("merge_hits: expected energies of 0 or more, got a negative one")
    cells = detector.cells.lookup().find(hits.layer, hits.eta, hits.phi)
    positions = detector.positions(hits.layer)
    largest = int(np.diff(hits.event_offsets).max(initial=0))
    table = np.empty(_table_size(largest), dtype=np.int64)
    keys = np.empty((hits.n_hits, 5), dtype=np.int32)
    sums = np.empty((hits.n_hits, 4), dtype=np.float64)
    first = np.empty(hits.n_hits, dtype=np.int64)
    event_offsets = np.zeros_like(hits.event_offsets)
    n_merged = _merge_kernel(
        (positions, hits.eta, hits.phi, hits.r, hits.energy, cells),
        hits.event_offsets,
        (hits.photons.eta, hits.photons.phi),
        (
            np.array(radii.across, dtype=np.float64),
            radii.lengths_along(hits.photons, detector.layers),
        ),
        (table, keys, sums, first),
        event_offsets,
    )
    energy, eta, d_phi, r = sums[:n_merged].T
    first = first[:n_merged]
    phi = hits.phi[first] + d_phi
    phi -= 2.0 * np.pi * np.floor((phi + np.pi) / (2.0 * np.pi))
    return Hits(
        layer=hits.layer[first],
        eta=eta.astype(hits.eta.dtype),
        phi=phi.astype(hits.phi.dtype),
        r=r.astype(hits.r.dtype),
        energy=energy.astype(hits.energy.dtype),
        event_offsets=event_offsets,
        photons=hits.photons,
    )


def _table_size(n_hits: int) -> int:
    return 1 << max(4, (2 * n_hits - 1).bit_length())


@kernel()
def _merge_kernel(
    hits: tuple[Array, Array, Array, Array, Array, Array],
    event_offsets: Array,
    directions: tuple[Array, Array],
    sizes: tuple[Array, Array],
    work: tuple[Array, Array, Array, Array],
    merged_offsets: Array,
) -> int:
    """Sum energy, and energy times eta, phi - phi of the first hit, and r, of each bin."""
    # bins are found by open addressing: `table` holds positions in `keys`, -1 for none
    layer, eta, phi, r, energy, cell = hits
    across, along = sizes
    table, keys, sums, first = work
    n_merged = 0
    key = np.empty(5, dtype=np.int32)
    for event in range(event_offsets.size - 1):
        start, stop = event_offsets[event], event_offsets[event + 1]
        # at most half full, so that a search ends soon; a power of two, so that `&` wraps it
        size = 16
        while size < 2 * (stop - start):
            size *= 2
        table[:size] = -1  # only what this event uses: a small event stays cheap
        tilt = (math.sinh(directions[0][event]), math.cosh(directions[0][event]))
        for hit in range(start, stop):
            if energy[hit] == 0.0:
                continue
            key[0] = position = layer[hit]
            key[1] = cell[hit]
            # the photon is turned into the plane y = 0, where the bins are aligned with it
            point = (eta[hit], wrap_phi_kernel(phi[hit] - directions[1][event]), r[hit])
            _fill_bins(key, point, tilt, (across[position], along[event, position]))
            place = _find_place(key, table, keys, size)
            row = table[place]
            if row < 0:
                row = n_merged
                n_merged += 1
                table[place] = row
                keys[row] = key
                sums[row] = 0.0
                first[row] = hit
            # relative to the first hit, or the mean of hits on both sides of +-pi would be 0
            d_phi = wrap_phi_kernel(phi[hit] - phi[first[row]])
            _add(sums, row, energy[hit], (eta[hit], d_phi, r[hit]))
        merged_offsets[event + 1] = n_merged
    _sums_to_means(sums, n_merged)
    return n_merged


@kernel(inline="always")
def _add(sums: Array, row: int, energy: float, place: tuple[float, float, float]) -> None:
    """Add a hit to the sums of its bin."""
    eta, d_phi, r = place
    sums[row, 0] += energy
    sums[row, 1] += energy * eta
    sums[row, 2] += energy * d_phi
    sums[row, 3] += energy * r


@kernel(inline="always")
def _sums_to_means(sums: Array, n_rows: int) -> None:
    """Divide the sums of positions by that of the energy."""
    for row in range(n_rows):
        for column in range(1, 4):
            sums[row, column] /= sums[row, 0]


@kernel(inline="always")
def _fill_bins(
    key: Array,
    point: tuple[float, float, float],
    tilt: tuple[float, float],
    sizes: tuple[float, float],
) -> None:
    """Compute the bins of a point: along phi, along eta, and along the photon's direction."""
    eta, phi, r = point
    sinh_eta, cosh_eta = tilt
    across, along = sizes
    x, y, z = r * math.cos(phi), r * math.sin(phi), r * math.sinh(eta)
    # the photon flies along (1, 0, sinh eta) / cosh eta; (-sinh eta, 0, 1) / cosh eta is across it
    key[2] = math.floor(y / across)
    key[3] = math.floor((z - x * sinh_eta) / cosh_eta / across)
    key[4] = math.floor((x + z * sinh_eta) / cosh_eta / along)


@kernel(inline="always")
def _find_place(key: Array, table: Array, keys: Array, size: int) -> np.int64:
    """Find the place of a key in the table, or the free place where it belongs."""
    # multiply and shift: keys of neighbouring bins differ by 1, their places must not
    code = np.uint64(0)
    for part in range(5):
        code = (code ^ np.uint64(np.uint32(key[part]))) * _HASH
        code = code ^ (code >> np.uint64(29))
    place = np.int64(code & np.uint64(size - 1))
    while table[place] >= 0:
        row = table[place]
        same = True
        for part in range(5):
            if keys[row, part] != key[part]:
                same = False
        if same:
            return place
        place = (place + 1) & (size - 1)  # taken by another key: the next place
    return place
