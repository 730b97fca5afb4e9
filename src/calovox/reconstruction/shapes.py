r"""Cells to shower shapes: the nine observables of the note's Table 4, and ATLAS's two ratios.

EMB1 and EMB2 stand for the layers with the roles `strips` and `middle`, whatever the detector
calls them.

Energies are sums over all cells: $E_{raw}$ over all layers, and $f_1$ is EMB1 over
$E_{raw}$. $E_{cal}$ is the calibrated energy of the cluster window (`windows`,
`calibration`); the shapes of EMB1 are described in `strips`. In EMB2, with
$E(n_\phi \times n_\eta)$ around the brightest cell,

$$R_\phi = \frac{E(3 \times 7)}{E(7 \times 7)}, \quad
R_\eta = \frac{E(3 \times 3)}{E(3 \times 7)}, \quad
R_\eta^{ATLAS} = \frac{E(7 \times 3)}{E(7 \times 7)}, \quad
R_\phi^{ATLAS} = \frac{E(3 \times 3)}{E(7 \times 3)}.$$

The note's caption of Table 4 exchanges phi and eta: the names only make sense when the first
count runs over phi. A ratio whose denominator is not positive is 0; `has_strips` and `has_middle`
say which events have no energy in EMB1 or EMB2, and their numbers are part of the result's text.

References:
    ATLAS Collaboration, *Photon showers in the ATLAS fast calorimeter simulation*,
    ATL-SOFT-PUB-2025-003, 2025, Table 4;
    ATLAS Collaboration, *Electron and photon performance measurements with the ATLAS detector*,
    2019, https://arxiv.org/abs/1908.00005
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal

import numpy as np

from calovox.arrays import Array, Bool, Float64, Int64
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.cells import CellTable
from calovox.reconstruction.calibration import Calibration
from calovox.reconstruction.strips import strip_profile, strip_shapes
from calovox.reconstruction.windows import CellWindows, cells_to_windows, find_role

__all__ = ["ShowerShapes", "cells_to_shapes", "concatenate_shapes", "has_shower_shapes"]

_BATCH: Final = 4096


@dataclass(frozen=True)
class ShowerShapes:
    """Observables of each event; energies in MeV.

    Attributes:
        e_raw: Sum of all cells.
        e_cal: Calibrated energy of the cluster; None as long as there is no calibration.
        f1: Energy of EMB1 over the energy of all layers.
        delta_e: Second maximum in EMB1 over the lowest strip between the two maxima.
        e_ratio: Difference of the two maxima in EMB1 over their sum.
        w_eta1: Width in eta in EMB1 over 7 strips, in strips.
        fracs1: Energy outside the inner three of 7 strips over that inside.
        r_phi: EMB2, E(3 phi x 7 eta) / E(7 x 7).
        r_eta: EMB2, E(3 x 3) / E(3 phi x 7 eta).
        r_phi_atlas: EMB2, E(3 x 3) / E(7 phi x 3 eta).
        r_eta_atlas: EMB2, E(7 phi x 3 eta) / E(7 x 7).
        layer_energy: Sum of the cells of each layer.
        cluster_energy: Sum of the cells of each layer in the cluster window.
        cluster_eta: Pseudorapidity of the cluster, 0 without a cluster.
        has_strips: Whether EMB1 has a cell of positive energy; its shapes are 0 otherwise.
        has_middle: Whether EMB2 has a cell of positive energy; its shapes and `e_cal` are 0
            otherwise.
        numbers: Numbers of the layers of `layer_energy` and `cluster_energy`.
    """

    e_raw: Float64[Array, " event"]
    e_cal: Float64[Array, " event"] | None
    f1: Float64[Array, " event"]
    delta_e: Float64[Array, " event"]
    e_ratio: Float64[Array, " event"]
    w_eta1: Float64[Array, " event"]
    fracs1: Float64[Array, " event"]
    r_phi: Float64[Array, " event"]
    r_eta: Float64[Array, " event"]
    r_phi_atlas: Float64[Array, " event"]
    r_eta_atlas: Float64[Array, " event"]
    layer_energy: Float64[Array, "event layer"]
    cluster_energy: Float64[Array, "event layer"]
    cluster_eta: Float64[Array, " event"]
    has_strips: Bool[Array, " event"]
    has_middle: Bool[Array, " event"]
    numbers: tuple[int, ...]

    def __post_init__(self) -> None:
        n_events = len(self.e_raw)
        for name in ("layer_energy", "cluster_energy"):
            if getattr(self, name).shape[1] != len(self.numbers):
                raise ValueError(
                    f"ShowerShapes: expected `{name}` of {len(self.numbers)} layers, "
                    f"got {getattr(self, name).shape[1]}"
                )
        for field in fields(self)[:-1]:
            values = getattr(self, field.name)
            if values is not None and len(values) != n_events:
                raise ValueError(
                    f"ShowerShapes: expected {n_events} values of `{field.name}`, "
                    f"got {len(values)}"
                )

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.e_raw)

    def __getitem__(
        self, events: slice | Bool[Array, " event"] | Int64[Array, " chosen"]
    ) -> "ShowerShapes":
        """Return some of the events."""
        chosen: dict[str, Any] = {}
        for field in fields(self)[:-1]:
            values = getattr(self, field.name)
            chosen[field.name] = None if values is None else values[events]
        return replace(self, **chosen)

    def __repr__(self) -> str:
        calibrated = "calibrated" if self.e_cal is not None else "not calibrated"
        return (
            f"ShowerShapes({len(self)} events, {calibrated}, "
            f"{np.count_nonzero(~self.has_strips)} without energy in EMB1, "
            f"{np.count_nonzero(~self.has_middle)} in EMB2)"
        )

    def calibrated(self, calibration: Calibration) -> "ShowerShapes":
        """Compute the calibrated energy.

        Args:
            calibration: Weights of the layers.

        Returns:
            The same shapes with `e_cal`.
        """
        return replace(self, e_cal=calibration.energy(self.cluster_energy, self.cluster_eta))


def concatenate_shapes(parts: Sequence[ShowerShapes]) -> ShowerShapes:
    """Join the shapes of batches of events, in order.

    Args:
        parts: At least one batch; all calibrated or none.

    Returns:
        All events as one batch.

    Raises:
        ValueError: If only some of the batches are calibrated.
    """
    if len({part.e_cal is None for part in parts}) > 1:
        raise ValueError("concatenate_shapes: expected all batches to be calibrated, or none")
    if any(part.numbers != parts[0].numbers for part in parts):
        raise ValueError("concatenate_shapes: expected the same layers in all batches")
    joined: dict[str, Any] = {}
    for field in fields(ShowerShapes)[:-1]:
        values = [getattr(part, field.name) for part in parts]
        joined[field.name] = None if values[0] is None else np.concatenate(values)
    return replace(parts[0], **joined)


def has_shower_shapes(table: CellTable) -> bool:
    """Tell whether a detector has the layers that shower shapes need.

    Args:
        table: Its cells.

    Returns:
        Whether it has strips and a middle layer.
    """
    return {"strips", "middle"} <= {layer.role for layer in table.layers}


def cells_to_shapes(
    cells: CellEnergies,
    table: CellTable,
    *,
    calibration: Calibration | None = None,
    strip_rows: Literal[1, 2] = 1,
) -> ShowerShapes:
    """Compute the shower shapes of each event.

    Args:
        cells: Cell energies, each event sorted by cell.
        table: The cells of the detector.
        calibration: Weights of the layers; without it there is no calibrated energy.
        strip_rows: Rows in phi of EMB1 in the profile of the strips: 1 as in the note, 2 as in
            ATLAS.

    Returns:
        The shapes of each event.

    Raises:
        ValueError: If the cells are not rows of the table, or not sorted, or the detector has no
            layer of strips or no middle one.
    """
    parts = [
        _shapes(cells_to_windows(cells[start : start + _BATCH], table), table, strip_rows)
        for start in range(0, max(1, len(cells)), _BATCH)
    ]
    shapes = concatenate_shapes(parts)
    return shapes if calibration is None else shapes.calibrated(calibration)


def _shapes(windows: CellWindows, table: CellTable, strip_rows: Literal[1, 2]) -> ShowerShapes:
    e_raw = windows.layer_energy.sum(axis=1)
    strips = strip_shapes(strip_profile(windows.strips, strip_rows))
    middle = windows.middle
    e_33 = middle[:, 2:5, 2:5].sum(axis=(1, 2))
    e_37 = middle[:, 2:5, :].sum(axis=(1, 2))
    e_73 = middle[:, :, 2:5].sum(axis=(1, 2))
    e_77 = middle.sum(axis=(1, 2))
    return ShowerShapes(
        e_raw=e_raw,
        e_cal=None,
        f1=_ratio(windows.layer_energy[:, find_role(table, "strips")], e_raw),
        delta_e=strips.delta_e,
        e_ratio=strips.e_ratio,
        w_eta1=strips.w_eta1,
        fracs1=strips.fracs1,
        r_phi=_ratio(e_37, e_77),
        r_eta=_ratio(e_33, e_37),
        r_phi_atlas=_ratio(e_33, e_73),
        r_eta_atlas=_ratio(e_73, e_77),
        layer_energy=windows.layer_energy,
        cluster_energy=windows.cluster_energy,
        cluster_eta=windows.cluster_eta,
        has_strips=windows.has_strips,
        has_middle=windows.has_middle,
        numbers=table.numbers,
    )


def _ratio(
    numerator: Float64[Array, " event"], denominator: Float64[Array, " event"]
) -> Float64[Array, " event"]:
    positive = denominator > 0
    return np.where(positive, numerator / np.where(positive, denominator, 1.0), 0.0)
