r"""Shower shapes in a Parquet file: one row per event, one column per observable.

Columns are the fields of `ShowerShapes`; energies per layer become ``layer_energy_<layer>`` and
``cluster_energy_<layer>``. Those of `LayerShapes` are ``layer_<field>_<layer>``; a detector
without strips or a middle layer has these alone. The photons, if they are known, are the columns
``photon_energy``, ``photon_eta``, ``photon_phi`` and ``event_index``. Each column carries its
unit, and the file, under the key ``calovox`` of its metadata, a JSON text with format, version,
calibration and provenance. Any reader of Parquet opens the file.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
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
from calovox.reconstruction.layers import LayerShapes
from calovox.reconstruction.shapes import ShowerShapes
from calovox.reconstruction.shapes_table import (
    ShapesFile,
    read_column,
    shapes_to_table,
    table_to_shapes,
)

__all__ = [
    "ShapesFile",
    "ShapesFileError",
    "read_shapes",
    "read_shapes_file",
    "read_shapes_index",
    "write_shapes",
    "write_shapes_parts",
]

_ROWS_PER_GROUP: Final = 2**20


class ShapesFileError(ValueError):
    """A file that does not hold valid shower shapes."""


def write_shapes(
    path: Path,
    shapes: ShowerShapes | None,
    *,
    layers: LayerShapes | None = None,
    photons: Photons | None = None,
    calibration: Calibration | None = None,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write shower shapes to a Parquet file, which appears whole or not at all.

    Args:
        path: The file.
        shapes: The shower shapes; None for a detector without strips or a middle layer.
        layers: Shapes in each layer.
        photons: The photons that caused the events.
        calibration: The calibration of `e_cal`.
        provenance: How the shapes came about; what JSON can hold.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ValueError: If there is not one photon per event, or a number is not finite.
    """
    whole = ShapesFile(shapes, photons, calibration, provenance or {}, layers)
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
    tables = (shapes_to_table(part, provenance) for part in parts)
    with whole_file(path, overwrite=overwrite) as partial, ExitStack() as stack:
        pending = next(tables)
        writer = stack.enter_context(pq.ParquetWriter(partial, pending.schema, compression="zstd"))
        for table in tables:
            pending = pa.concat_tables([pending, table])
            while len(pending) > _ROWS_PER_GROUP:
                writer.write_table(pending[:_ROWS_PER_GROUP].combine_chunks())
                pending = pending[_ROWS_PER_GROUP:]
        writer.write_table(pending.combine_chunks(), row_group_size=_ROWS_PER_GROUP)


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
        return np.asarray(read_column(file.read(["event_index"]), "event_index", np.int64))


def read_shapes(path: Path) -> ShowerShapes:
    """Read the shower shapes of a Parquet file.

    Args:
        path: The file.

    Returns:
        The shower shapes.

    Raises:
        FileNotFoundError: If there is no such file.
        ShapesFileError: If it does not hold valid shower shapes, or those of layers alone.
    """
    shapes = read_shapes_file(path).shapes
    if shapes is None:
        raise ShapesFileError(
            f"{path}: expected shower shapes, got shapes of layers alone, of a detector without "
            "strips or a middle layer"
        )
    return shapes


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
            return table_to_shapes(table)
        except ValueError as problem:
            raise ShapesFileError(f"{path}: {problem}") from None
