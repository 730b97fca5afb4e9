"""A table of cells of any detector: csv, Parquet, or a ROOT file like ``CaloCells.root``.

Columns are named as the branches of ``CaloCells.root``: ``layer``, ``eta``, ``phi`` (rad),
``deta`` and ``dphi``. ``id``, ``r``, ``z`` and ``dr`` (mm) may be missing: they then follow from
the layers, and from the order of the rows. The cells of a layer are of one size, all round and
the same at every phi.
"""

from pathlib import Path
from typing import Final

import numpy as np

from calovox.arrays import Array
from calovox.files.damage import reading
from calovox.geometry.cells import CellFileError, CellTable, check_ranges
from calovox.geometry.layers import Layer

__all__ = ["read_cells"]

_NEEDED: Final = ("layer", "eta", "phi", "deta", "dphi")
_DERIVED: Final = ("id", "r", "z", "dr")
_LEAST_APART: Final = 0.9


def read_cells(path: Path, layers: tuple[Layer, ...], name: str) -> CellTable:
    """Read the cells of a detector.

    Args:
        path: The table.
        layers: The layers, by rising number.
        name: What to call the detector.

    Returns:
        The cells.

    Raises:
        FileNotFoundError: If there is no such file.
        CellFileError: If it is no such table, or has cells of other layers, or none of a layer.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.suffix == ".root":
        columns = CellTable.columns_of_root(path)
    else:
        columns = _read_table(path, layers)
    numbers = [layer.number for layer in layers]
    found = np.unique(columns["layer"]).tolist()
    if found != numbers:
        raise CellFileError(f"{path}: expected cells of the layers {numbers}, got {found}")
    for number in numbers:
        rows = columns["layer"] == number
        sizes = np.stack([columns["deta"][rows], columns["dphi"][rows]]).round(6)
        if len(np.unique(sizes, axis=1).T) > 1:
            raise CellFileError(
                f"{path}: expected cells of one size in layer {number}, got several"
            )
    try:
        table = CellTable.from_columns(columns, layers, name)
    except ValueError as problem:
        raise CellFileError(f"{path}: {problem}") from problem
    for number in numbers:
        grid = table.index_grid(number)
        apart = np.diff(table.eta[grid], axis=0) >= _LEAST_APART * table.d_eta[grid[1:]]
        if not apart.all():
            raise CellFileError(
                f"{path}: expected cells side by side in layer {number}, got some at the same eta "
                "and phi"
            )
    return table


def _read_table(path: Path, layers: tuple[Layer, ...]) -> dict[str, Array]:
    import pyarrow as pa  # slow to import, and few detectors have tables
    import pyarrow.csv
    import pyarrow.parquet

    with reading(path, CellFileError, "is no table of cells"):
        if path.suffix == ".parquet":
            with pa.OSFile(str(path)) as source:
                table = pyarrow.parquet.read_table(source)
        else:
            table = pyarrow.csv.read_csv(path)
    names = table.column_names
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise CellFileError(
            f"{path}: expected the columns {', '.join(_NEEDED)}, got none called {missing[0]}"
        )
    columns: dict[str, Array] = {}
    for name in (*_NEEDED, *(name for name in _DERIVED if name in names)):
        kind = table.schema.field(name).type
        if names.count(name) > 1 or not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise CellFileError(f"{path}: expected one column `{name}` of numbers, got {kind}")
        columns[name] = table.column(name).to_numpy().astype(np.float64)
    check_ranges(path, columns)
    if np.any(columns["layer"] % 1.0):
        raise CellFileError(f"{path}: expected whole numbers in `layer`")
    columns["layer"] = columns["layer"].astype(np.uint64)
    return _with_derived(columns, layers)


def _with_derived(columns: dict[str, Array], layers: tuple[Layer, ...]) -> dict[str, Array]:
    """Add what the table does not say."""
    n_cells = len(columns["layer"])
    r, thickness = np.zeros(n_cells), np.zeros(n_cells)
    for layer in layers:
        rows = columns["layer"] == layer.number
        r[rows] = layer.position.radius(columns["eta"][rows])
        thickness[rows] = layer.position.thickness(columns["eta"][rows])
    columns.setdefault("r", r)
    columns.setdefault("z", columns["r"] * np.sinh(columns["eta"]))
    columns.setdefault("dr", thickness)
    columns.setdefault("id", np.arange(n_cells, dtype=np.float64))
    columns["id"] = columns["id"].astype(np.uint64)
    return columns
