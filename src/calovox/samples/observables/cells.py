r"""Observables of cells: what a physicist sees of a shower.

All are computed from the cells in windows (`windows`), with noise or without. In each layer:

- energy of the window over that of the photon, also of all windows together;
- the number of cells above 1, 10, 100 and 1000 MeV;
- the share of the hottest five cells in the sum of all positive energies;
- the second moments in eta and phi,
  $\sqrt{\sum_i (\eta_i - \langle \eta \rangle)^2 E_i / \sum_i E_i}$.

The direction of the photon, which points back to the detector's origin, is subtracted from the
barycentres of EMB1 and EMB2: their mean is the bias, their width the resolution of the position.
The sign along eta is that of a photon at positive eta. The difference of the two barycentres along
eta is the pointing. R_had is the energy of the tile layer over that of the layers before it. EMB1
has the observables of the note and those of ATLAS (`strips`), EMB2 the ratios of the note and of
ATLAS (`reconstruction.shapes`). Delta E is given over the energy of the photon.

With noise, barycentres and moments take cells above two standard deviations of the noise, and
cells are counted above energies beyond that alone. If there is no such cell, the barycentre, the
moments and the pointing are 0. A moment below rounding is 0.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geometry import CellTable, wrap_phi
from calovox.geometry.barrel import BARREL_NAMES
from calovox.photons import Photons
from calovox.reconstruction import cells_to_shapes
from calovox.reconstruction.strips import strip_profile
from calovox.samples.observables.strips import strip_observables
from calovox.samples.observables.table import Observable, ObservableTable, ratio_or_zero
from calovox.samples.observables.windows import WINDOWS, WindowCells

__all__ = [
    "COUNTED_ABOVE",
    "cell_observables",
    "cells_to_barycentres",
    "cells_to_observables",
]

COUNTED_ABOVE: Final = (1.0, 10.0, 100.0, 1000.0)
"""Energies in MeV above which cells are counted."""

_N_HOTTEST: Final = 5
_SIGNIFICANCE: Final = 2.0
_ROUNDING: Final = 1e-9
_MILLI: Final = 1e3
_POSITIONED: Final = (1, 2)
_STRIPS, _TILE = 1, 12

_SHAPES: Final = (
    Observable("f1", "fraction of energy in EMB1"),
    Observable("w_eta1", "width in eta in EMB1", "strips"),
    Observable("fracs1", "outer over inner energy in EMB1"),
    Observable("e_ratio", "contrast of the two maxima in EMB1, second by three strips"),
    Observable("r_phi", "containment in phi in EMB2"),
    Observable("r_eta", "containment in eta in EMB2"),
    Observable("r_phi_atlas", "containment in phi in EMB2, as in ATLAS"),
    Observable("r_eta_atlas", "containment in eta in EMB2, as in ATLAS"),
)
_DELTA_E: Final = Observable("delta_e", "second maximum over the valley, by three strips, over E")
_STRIP_SHAPES: Final = (
    Observable("w_s3", "width in eta over three strips, two rows", "strips"),
    Observable("f_side", "outer over inner energy in EMB1, two rows"),
    Observable("e_ratio_atlas", "contrast of the two maxima in EMB1, second the highest strip"),
)
_DELTA_E_ATLAS: Final = Observable(
    "delta_e_atlas", "second maximum over the valley, the highest strip, over E"
)
_E_CELLS: Final = Observable("cells_e_all", "energy of all cells over that of the photon")
_R_HAD: Final = Observable("r_had", "energy in the tile layer over that before it")


@dataclass(frozen=True)
class _Layer:
    """Cells of the window of one layer; angles relative to the photon."""

    energy: Float64[Array, "event cell"]
    weight: Float64[Array, "event cell"]
    eta: Float64[Array, "event cell"]
    phi: Float64[Array, "event cell"]
    photon_energy: Float64[Array, " event"]

    @cached_property
    def total(self) -> Float64[Array, " event"]:
        return np.asarray(self.energy.sum(axis=1))

    def mean(self, axis: Float64[Array, "event cell"]) -> Float64[Array, " event"]:
        return ratio_or_zero((self.weight * axis).sum(axis=1), self.weight.sum(axis=1))

    def moment(self, axis: Float64[Array, "event cell"]) -> Float64[Array, " event"]:
        moment = np.sqrt(self.mean((axis - self.mean(axis)[:, None]) ** 2))
        return np.where(moment > _ROUNDING, moment, 0.0)

    def hottest(self, count: int) -> Float64[Array, " event"]:
        count = min(count, self.energy.shape[1])
        top = -np.partition(-self.energy, count - 1, axis=1)[:, :count]
        positive = np.maximum(self.energy, 0.0).sum(axis=1)
        return ratio_or_zero(np.maximum(top, 0.0).sum(axis=1), positive)


_Row = tuple[str, str, str, Callable[[_Layer], Float64[Array, " event"]]]


def _count_above(limit: float) -> Callable[[_Layer], Float64[Array, " event"]]:
    return lambda layer: np.count_nonzero(layer.energy > limit, axis=1).astype(np.float64)


# name, title, unit, what it is; counts follow
_ROWS: Final[tuple[_Row, ...]] = (
    (
        "cells_e",
        "energy of cells over that of the photon",
        "",
        lambda c: c.total / c.photon_energy,
    ),
    ("cells_hottest_5", "share of the hottest five cells", "", lambda c: c.hottest(_N_HOTTEST)),
    ("moment_eta", "second moment along eta", "0.001", lambda c: _MILLI * c.moment(c.eta)),
    ("moment_phi", "second moment along phi", "mrad", lambda c: _MILLI * c.moment(c.phi)),
)
_BARYCENTRES: Final[tuple[_Row, ...]] = (
    ("bary_eta", "barycentre less photon, eta", "0.001", lambda c: _MILLI * c.mean(c.eta)),
    ("bary_phi", "barycentre less photon, phi", "mrad", lambda c: _MILLI * c.mean(c.phi)),
)
_POINTING: Final = Observable("pointing", "barycentre of EMB1 less that of EMB2, eta", "0.001")


def cell_observables(*, noise: Mapping[int, float] | None = None) -> tuple[Observable, ...]:
    """List the observables of cells.

    Args:
        noise: Standard deviation of a cell's noise in MeV by layer; None without noise.

    Returns:
        One entry per column of `cells_to_observables`.
    """
    of_layers = (
        Observable(f"{name}_{window.layer}", f"{title}, {BARREL_NAMES[window.layer]}", unit)
        for window in WINDOWS
        for name, title, unit, _ in _rows(window.layer, noise)
    )
    pair = (_DELTA_E, *_STRIP_SHAPES, _DELTA_E_ATLAS)
    return (*of_layers, _POINTING, _E_CELLS, _R_HAD, *_SHAPES, *pair)


def cells_to_observables(
    cells: WindowCells,
    table: CellTable,
    photons: Photons,
    *,
    noise: Mapping[int, float] | None = None,
) -> ObservableTable:
    """Compute all observables of cells.

    Args:
        cells: Cells in windows, with noise or with those of little energy emptied.
        table: The cells of the detector.
        photons: The photons that made the showers, with their true directions.
        noise: Standard deviation in MeV by layer of the noise that the cells have; None without.

    Returns:
        One row per shower.

    Raises:
        ValueError: If there are other showers than photons.
    """
    if len(photons) != len(cells):
        raise ValueError(f"photons: expected one per shower, {len(cells)}, got {len(photons)}")
    columns = list(_columns(cells, table, photons, noise))
    return ObservableTable(cell_observables(noise=noise), np.stack(columns, axis=1))


def cells_to_barycentres(
    cells: WindowCells,
    table: CellTable,
    photons: Photons,
    *,
    noise: Mapping[int, float] | None = None,
) -> ObservableTable:
    """Compute the barycentres alone, those of `cells_to_observables`.

    Args:
        cells: Cells in windows, with noise or with those of little energy emptied.
        table: The cells of the detector.
        photons: The photons that made the showers, with their true directions.
        noise: Standard deviation in MeV by layer of the noise that the cells have; None without.

    Returns:
        One row per shower: along eta and phi in EMB1, then in EMB2.
    """
    layers = {number: _layer(cells, number, table, photons, noise) for number in _POSITIONED}
    known = [
        (Observable(f"{name}_{number}", f"{title}, {BARREL_NAMES[number]}", unit), compute(layer))
        for number, layer in layers.items()
        for name, title, unit, compute in _BARYCENTRES
    ]
    observables, columns = zip(*known, strict=True)
    return ObservableTable(observables, np.stack(columns, axis=1))


def _columns(
    cells: WindowCells, table: CellTable, photons: Photons, noise: Mapping[int, float] | None
) -> Iterator[Float64[Array, " event"]]:
    """Compute the columns in the order of `cell_observables`."""
    layers = {w.layer: _layer(cells, w.layer, table, photons, noise) for w in cells.windows}
    for number, layer in layers.items():
        for *_, compute in _rows(number, noise):
            yield compute(layer)
    first, second = (layers[number] for number in _POSITIONED)
    both = (first.weight.sum(axis=1) > 0) & (second.weight.sum(axis=1) > 0)
    yield np.where(both, _MILLI * (first.mean(first.eta) - second.mean(second.eta)), 0.0)
    yield cells.energy.sum(axis=1) / photons.energy
    before = sum(layer.total for number, layer in layers.items() if number != _TILE)
    yield ratio_or_zero(layers[_TILE].total, np.asarray(before))
    shapes = cells_to_shapes(cells.to_cells(), table)
    for entry in _SHAPES:
        yield getattr(shapes, entry.name)
    window = next(window for window in cells.windows if window.layer == _STRIPS)
    part = cells.energy[:, cells.layer_slice(_STRIPS)]
    rows = part.reshape(-1, window.n_eta, window.n_phi).transpose(0, 2, 1)
    strips = strip_observables(strip_profile(rows, 2))
    yield shapes.delta_e / photons.energy
    yield from (strips.w_s3, strips.f_side, strips.e_ratio)
    yield strips.delta_e / photons.energy


def _layer(
    cells: WindowCells,
    number: int,
    table: CellTable,
    photons: Photons,
    noise: Mapping[int, float] | None,
) -> _Layer:
    part = cells.layer_slice(number)
    energy, row = cells.energy[:, part], cells.row[:, part]
    least = 0.0 if noise is None else _SIGNIFICANCE * noise[number]
    sign = np.where(photons.eta < 0, -1.0, 1.0)[:, None]
    return _Layer(
        energy=energy,
        weight=np.where(energy > least, energy, 0.0),
        eta=sign * (table.eta[row] - photons.eta[:, None]),
        phi=wrap_phi(table.phi[row] - photons.phi[:, None]),
        photon_energy=photons.energy,
    )


def _rows(layer: int, noise: Mapping[int, float] | None) -> tuple[_Row, ...]:
    """List what is computed in a layer."""
    least = 0.0 if noise is None else _SIGNIFICANCE * noise[layer]
    counts: tuple[_Row, ...] = tuple(
        (f"cells_above_{limit:g}mev", f"cells above {limit:g} MeV", "", _count_above(limit))
        for limit in COUNTED_ABOVE
        if limit >= least
    )
    return (*_ROWS, *(_BARYCENTRES if layer in _POSITIONED else ()), *counts)
