"""Shower shapes as a table: columns, their units, and what goes with them.

See `calovox.reconstruction.shapes_file`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
import pyarrow as pa

from calovox.arrays import Array
from calovox.photons import Photons
from calovox.reconstruction.calibration import Calibration
from calovox.reconstruction.layers import LayerShapes
from calovox.reconstruction.shapes import ShowerShapes

__all__ = ["ShapesFile", "read_column", "shapes_to_table", "table_to_shapes"]

_FORMAT: Final = "calovox shower shapes"
_VERSION: Final = 1
_KEY: Final = b"calovox"
_LAYERED: Final = ("layer_energy", "cluster_energy")
_LAYER_COLUMN: Final = re.compile(r"(?:layer|cluster)_energy_(\d+)")
_ENERGIES: Final = ("e_raw", "e_cal", "delta_e", *_LAYERED)
_ANGLES: Final = ("layer_center_phi", "layer_width_phi")
_PHOTONS: Final = {
    "event_index": "index",
    "photon_energy": "energy",
    "photon_eta": "eta",
    "photon_phi": "phi",
}
_PHOTON_UNITS: Final = {"photon_energy": "MeV", "photon_phi": "rad"}


@dataclass(frozen=True)
class ShapesFile:
    """What a file of shower shapes holds.

    Attributes:
        shapes: The shower shapes; None for a detector without strips or a middle layer.
        photons: The photons that caused the events, if known.
        calibration: The calibration of `e_cal`, if there is one.
        provenance: How the file came about.
        layers: Shapes in each layer; None if the file is older than they are.
    """

    shapes: ShowerShapes | None
    photons: Photons | None = None
    calibration: Calibration | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    layers: LayerShapes | None = None

    def __post_init__(self) -> None:
        sizes = {len(part) for part in (self.shapes, self.layers) if part is not None}
        if len(sizes) != 1:
            raise ValueError(
                "ShapesFile: expected `shapes` or `layers`, or both of the same events"
            )

    def __len__(self) -> int:
        """Return the number of events."""
        part = self.shapes if self.layers is None else self.layers
        assert part is not None  # one of both is there
        return len(part)


def shapes_to_table(part: ShapesFile, provenance: Mapping[str, Any]) -> pa.Table:
    """Write shapes as a table.

    Args:
        part: The shapes.
        provenance: How they came about; what JSON can hold.

    Returns:
        The table.

    Raises:
        ValueError: If there is not one photon per event, or a number is not finite.
    """
    photons = part.photons
    if photons is not None and len(photons) != len(part):
        raise ValueError(f"photons: expected {len(part)}, one per event, got {len(photons)}")
    columns = _columns(part)
    for name, values in columns.items():
        _check_finite(name, values, "ShowerShapes")
    schema = pa.schema(
        [
            pa.field(
                name,
                pa.from_numpy_dtype(values.dtype),
                nullable=False,
                metadata={"unit": _unit(name)},
            )
            for name, values in columns.items()
        ],
        metadata={_KEY: _metadata(part.calibration, provenance)},
    )
    return pa.table(list(columns.values()), schema=schema)


def _columns(part: ShapesFile) -> dict[str, Array]:
    columns: dict[str, Array] = {}
    if part.photons is not None:
        columns = {name: getattr(part.photons, source) for name, source in _PHOTONS.items()}
    shapes = part.shapes
    for entry in () if shapes is None else fields(shapes)[:-1]:
        values = getattr(shapes, entry.name)
        if entry.name in _LAYERED:
            columns |= _by_layer(entry.name, values, part)
        elif values is not None:
            columns[entry.name] = values
    for entry in () if part.layers is None else fields(part.layers)[:-1]:
        if entry.name != "energy" or shapes is None:  # shower shapes have it
            columns |= _by_layer(f"layer_{entry.name}", getattr(part.layers, entry.name), part)
    return columns


def _by_layer(name: str, values: Array, part: ShapesFile) -> dict[str, Array]:
    source = part.shapes if part.layers is None else part.layers
    assert source is not None  # one of both is there
    return {
        f"{name}_{number}": np.ascontiguousarray(values[:, position])
        for position, number in enumerate(source.numbers)
    }


def _unit(name: str) -> str:
    if name in _ENERGIES or name.startswith(_LAYERED):
        return "MeV"
    if name.startswith(_ANGLES):
        return "rad"
    return _PHOTON_UNITS.get(name, "1")


def _metadata(calibration: Calibration | None, provenance: Mapping[str, Any]) -> str:
    arrays = None
    if calibration is not None:
        arrays = {name: values.tolist() for name, values in calibration.to_arrays().items()}
    return json.dumps(
        {
            "format": _FORMAT,
            "version": _VERSION,
            "calibration": arrays,
            "provenance": dict(provenance),
        }
    )


def table_to_shapes(table: pa.Table) -> ShapesFile:
    """Read what `shapes_to_table` wrote.

    Args:
        table: The table.

    Returns:
        The shapes.

    Raises:
        ValueError: If it is no such table.
    """
    metadata = _parse_metadata((table.schema.metadata or {}).get(_KEY))
    numbers = _layer_numbers(table)
    has_layers = f"layer_fraction_{numbers[0]}" in table.column_names
    photons = None
    if "photon_energy" in table.column_names:
        photons = Photons(
            **{
                source: read_column(table, name, np.int64 if source == "index" else np.float64)
                for name, source in _PHOTONS.items()
            }
        )
    arrays = metadata["calibration"]
    return ShapesFile(
        shapes=_parse_shapes(table, numbers)
        if "e_raw" in table.column_names or not has_layers
        else None,
        photons=photons,
        calibration=None if arrays is None else Calibration.from_arrays(arrays),
        provenance=metadata["provenance"],
        layers=_parse_layers(table, numbers) if has_layers else None,
    )


def _parse_shapes(table: pa.Table, numbers: tuple[int, ...]) -> ShowerShapes:
    columns: dict[str, Any] = {"numbers": numbers}
    for entry in fields(ShowerShapes)[:-1]:
        kind = np.bool_ if entry.name.startswith("has_") else np.float64
        if entry.name in _LAYERED:
            columns[entry.name] = _of_layers(table, entry.name, numbers, kind)
        elif entry.name == "e_cal" and "e_cal" not in table.column_names:
            columns[entry.name] = None
        else:
            columns[entry.name] = read_column(table, entry.name, kind)
    return ShowerShapes(**columns)


def _parse_layers(table: pa.Table, numbers: tuple[int, ...]) -> LayerShapes:
    columns: dict[str, Any] = {"numbers": numbers}
    for entry in fields(LayerShapes)[:-1]:
        kind = np.int64 if entry.name == "n_cells" else np.float64
        columns[entry.name] = _of_layers(table, f"layer_{entry.name}", numbers, kind)
    return LayerShapes(**columns)


def _of_layers(
    table: pa.Table, name: str, numbers: tuple[int, ...], kind: type[np.generic]
) -> Array:
    return np.column_stack([read_column(table, f"{name}_{number}", kind) for number in numbers])


def _layer_numbers(table: pa.Table) -> tuple[int, ...]:
    matches = (_LAYER_COLUMN.fullmatch(name) for name in table.column_names)
    numbers = {int(match[1]) for match in matches if match is not None}
    if not numbers:
        raise ValueError("expected columns `layer_energy_<layer>`, got none")
    return tuple(sorted(numbers))


def _parse_metadata(text: bytes | None) -> dict[str, Any]:
    try:
        metadata = json.loads(text) if text is not None else None
    except ValueError:
        metadata = None
    if not isinstance(metadata, dict) or metadata.get("format") != _FORMAT:
        raise ValueError("no shower shapes: the metadata `calovox` is missing or of another kind")
    if metadata.get("version") != _VERSION:
        raise ValueError(
            f"expected version {_VERSION} of the format, got {metadata.get('version')}: "
            "read it with the calovox that wrote it"
        )
    for key in ("calibration", "provenance"):
        if key not in metadata or not isinstance(metadata[key], dict | None):
            raise ValueError(f"the metadata lacks a valid `{key}`")
    return metadata


def read_column(table: pa.Table, name: str, kind: type[np.generic]) -> Array:
    """Read a column.

    Args:
        table: The table.
        name: Which one.
        kind: Type of its numbers.

    Returns:
        The numbers.

    Raises:
        ValueError: If it is missing, of another type, or has numbers that are not finite.
    """
    if table.column_names.count(name) != 1:
        raise ValueError(f"expected one column `{name}`, got {table.column_names.count(name)}")
    column = table.column(name)
    expected = pa.from_numpy_dtype(np.dtype(kind))
    if column.type != expected:
        raise ValueError(f"column `{name}`: expected type {expected}, got {column.type}")
    if column.null_count:
        raise ValueError(f"column `{name}`: {column.null_count} values are missing")
    values: Array = column.to_numpy()
    _check_finite(name, values, "column")
    return values


def _check_finite(name: str, values: Array, where: str) -> None:
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise ValueError(
            f"{where} `{name}`: expected finite numbers, "
            f"got {values[wrong[0]]} in event {wrong[0]}"
        )
