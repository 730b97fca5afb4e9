r"""Shower shapes in a Parquet file: one row per event, one column per observable.

Columns are the fields of `ShowerShapes`; energies per layer become ``layer_energy_<layer>`` and
``cluster_energy_<layer>``. The photons, if they are known, are the columns ``photon_energy``,
``photon_eta``, ``photon_phi`` and ``event_index``. Each column carries its unit, and the file,
under the key ``calovox`` of its metadata, a JSON text with format, version, calibration and
provenance. Any reader of Parquet opens the file.
"""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from calovox.arrays import Array, Int64
from calovox.files.damage import reading
from calovox.files.whole import whole_file
from calovox.photons import Photons
from calovox.reconstruction.calibration import Calibration
from calovox.reconstruction.shapes import ShowerShapes

__all__ = [
    "ShapesFile",
    "ShapesFileError",
    "read_shapes",
    "read_shapes_file",
    "read_shapes_index",
    "write_shapes",
    "write_shapes_parts",
]

_FORMAT: Final = "calovox shower shapes"
_VERSION: Final = 1
_ROWS_PER_GROUP: Final = 2**20
_KEY: Final = b"calovox"
_LAYERED: Final = ("layer_energy", "cluster_energy")
_LAYER_COLUMN: Final = re.compile(r"(?:layer|cluster)_energy_(\d+)")
_ENERGIES: Final = ("e_raw", "e_cal", "delta_e", *_LAYERED)
_PHOTONS: Final = {
    "event_index": "index",
    "photon_energy": "energy",
    "photon_eta": "eta",
    "photon_phi": "phi",
}
_PHOTON_UNITS: Final = {"photon_energy": "MeV", "photon_phi": "rad"}


class ShapesFileError(ValueError):
    """A file that does not hold valid shower shapes."""


@dataclass(frozen=True)
class ShapesFile:
    """What a file of shower shapes holds.

    Attributes:
        shapes: The shower shapes.
        photons: The photons that caused the events, if known.
        calibration: The calibration of `e_cal`, if there is one.
        provenance: How the file came about.
    """

    shapes: ShowerShapes
    photons: Photons | None = None
    calibration: Calibration | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.shapes)


def write_shapes(
    path: Path,
    shapes: ShowerShapes,
    *,
    photons: Photons | None = None,
    calibration: Calibration | None = None,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write shower shapes to a Parquet file, which appears whole or not at all.

    Args:
        path: The file.
        shapes: The shower shapes.
        photons: The photons that caused the events.
        calibration: The calibration of `e_cal`.
        provenance: How the shapes came about; what JSON can hold.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ValueError: If there is not one photon per event, or a number is not finite.
    """
    whole = ShapesFile(shapes, photons, calibration, provenance or {})
    write_shapes_parts(path, [whole], provenance=whole.provenance, overwrite=overwrite)


def write_shapes_parts(
    path: Path,
    parts: Iterable[ShapesFile],
    *,
    provenance: Mapping[str, Any],
    overwrite: bool = False,
) -> None:
    """Write shower shapes that come in parts; the file does not depend on how they were cut.

    Args:
        path: The file.
        parts: At least one part, all with the same calibration.
        provenance: How the whole came about; what JSON can hold.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ValueError: If there is not one photon per event, or a number is not finite.
    """
    tables = (_table(part, provenance) for part in parts)
    with whole_file(path, overwrite=overwrite) as partial, ExitStack() as stack:
        pending = next(tables)
        writer = stack.enter_context(pq.ParquetWriter(partial, pending.schema, compression="zstd"))
        for table in tables:
            pending = pa.concat_tables([pending, table])
            while len(pending) > _ROWS_PER_GROUP:
                writer.write_table(pending[:_ROWS_PER_GROUP].combine_chunks())
                pending = pending[_ROWS_PER_GROUP:]
        writer.write_table(pending.combine_chunks(), row_group_size=_ROWS_PER_GROUP)


def _table(part: ShapesFile, provenance: Mapping[str, Any]) -> pa.Table:
    shapes, photons = part.shapes, part.photons
    if photons is not None and len(photons) != len(shapes):
        raise ValueError(f"photons: expected {len(shapes)}, one per event, got {len(photons)}")
    columns = _columns(shapes, photons)
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


def read_shapes_index(path: Path) -> Int64[Array, " event"] | None:
    """Read the index of each event in its run.

    Args:
        path: A file of shower shapes.

    Returns:
        The indices; None if the file does not say.

    Raises:
        ShapesFileError: If it is no Parquet file.
    """
    with reading(path, ShapesFileError), pa.OSFile(str(path)) as source:
        file = pq.ParquetFile(source)
        if "event_index" not in file.schema_arrow.names:
            return None
        return np.asarray(_column(file.read(["event_index"]), "event_index", np.int64))


def read_shapes(path: Path) -> ShowerShapes:
    """Read the shower shapes of a Parquet file.

    Args:
        path: The file.

    Returns:
        The shower shapes.

    Raises:
        FileNotFoundError: If there is no such file.
        ShapesFileError: If it does not hold valid shower shapes.
    """
    return read_shapes_file(path).shapes


def read_shapes_file(path: Path) -> ShapesFile:
    """Read everything a file of shower shapes holds.

    Args:
        path: The file.

    Returns:
        Shapes, photons, calibration and provenance.

    Raises:
        FileNotFoundError: If there is no such file.
        ShapesFileError: If it does not hold valid shower shapes.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    fault = "is no Parquet file, or a damaged one"
    with reading(path, ShapesFileError, fault), pa.OSFile(str(path)) as source:
        table = pq.read_table(source)
    with reading(path, ShapesFileError):
        try:
            return _parse(table)
        except ValueError as problem:
            raise ShapesFileError(f"{path}: {problem}") from None


def _columns(shapes: ShowerShapes, photons: Photons | None) -> dict[str, Array]:
    columns: dict[str, Array] = {}
    if photons is not None:
        columns = {name: getattr(photons, source) for name, source in _PHOTONS.items()}
    for entry in fields(shapes)[:-1]:
        values = getattr(shapes, entry.name)
        if entry.name in _LAYERED:
            for position, layer in enumerate(shapes.numbers):
                columns[f"{entry.name}_{layer}"] = np.ascontiguousarray(values[:, position])
        elif values is not None:
            columns[entry.name] = values
    return columns


def _unit(name: str) -> str:
    if name in _ENERGIES or name.startswith(_LAYERED):
        return "MeV"
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


def _parse(table: pa.Table) -> ShapesFile:
    metadata = _parse_metadata((table.schema.metadata or {}).get(_KEY))
    numbers = _layer_numbers(table)
    columns: dict[str, Any] = {"numbers": numbers}
    for entry in fields(ShowerShapes)[:-1]:
        kind = np.bool_ if entry.name.startswith("has_") else np.float64
        if entry.name in _LAYERED:
            parts = [_column(table, f"{entry.name}_{layer}", kind) for layer in numbers]
            columns[entry.name] = np.column_stack(parts)
        elif entry.name == "e_cal" and "e_cal" not in table.column_names:
            columns[entry.name] = None
        else:
            columns[entry.name] = _column(table, entry.name, kind)
    photons = None
    if "photon_energy" in table.column_names:
        photons = Photons(
            **{
                source: _column(table, name, np.int64 if source == "index" else np.float64)
                for name, source in _PHOTONS.items()
            }
        )
    arrays = metadata["calibration"]
    return ShapesFile(
        shapes=ShowerShapes(**columns),
        photons=photons,
        calibration=None if arrays is None else Calibration.from_arrays(arrays),
        provenance=metadata["provenance"],
    )


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


def _column(table: pa.Table, name: str, kind: type[np.generic]) -> Array:
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
