"""Cells for other programs: one row per event, in a ROOT TTree or a Parquet file.

An event has its photon, if it is known, the energy `outside` of all cells, and one list for each
of `CELL_COLUMNS`, with an entry per cell that was hit. In ROOT they are the branches ``cell_id``,
``cell_energy`` and so on of the tree ``cells``, with their number ``ncell``; in Parquet, list
columns of the same names. Energies are in MeV, angles in rad.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol, runtime_checkable

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

from calovox.arrays import Array
from calovox.files.whole import whole_file
from calovox.geometry import CellTable
from calovox.geometry.cell_energies import CellEnergies
from calovox.photons import Photons

__all__ = ["CELL_COLUMNS", "SUFFIXES", "CellsWriter", "check_cells_name", "write_cells"]

CELL_COLUMNS: Final = MappingProxyType(
    {"id": "u8", "energy": "f4", "layer": "u1", "eta": "f4", "phi": "f4"}
)
"""What is written of each cell, and the type."""

SUFFIXES: Final = (".root", ".parquet")
"""How names of such files end."""

_PHOTONS: Final = {
    "event_index": "index",
    "photon_energy": "energy",
    "photon_eta": "eta",
    "photon_phi": "phi",
}


@runtime_checkable
class CellsWriter(Protocol):
    """Takes the cells of events, batch by batch."""

    def __call__(self, cells: CellEnergies, photons: Photons | None) -> None:
        """Write events behind those written before."""
        ...


def check_cells_name(path: Path) -> None:
    """Refuse a name whose ending says no format.

    Args:
        path: The file.

    Raises:
        ValueError: If it ends neither with .root nor with .parquet.
    """
    if path.suffix not in SUFFIXES:
        raise ValueError(f"--cells {path}: expected a name that ends with .root or .parquet")


@contextmanager
def write_cells(path: Path, table: CellTable, *, overwrite: bool = False) -> Iterator[CellsWriter]:
    """Open a file of cells, which appears when the ``with`` block ends well.

    Args:
        path: A name that ends with .root or .parquet.
        table: The cells of the detector.
        overwrite: Whether an existing file may be replaced.

    Yields:
        What takes the cells.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ValueError: If the name ends otherwise.
    """
    check_cells_name(path)
    with whole_file(path, overwrite=overwrite) as partial:
        writer = _write_tree if path.suffix == ".root" else _write_parquet
        with writer(partial) as append:

            def take(cells: CellEnergies, photons: Photons | None) -> None:
                if len(cells) == 0:  # the oldest uproot takes the maximum of the numbers of cells
                    return
                append(_events(cells, photons), _cells(cells, table), cells.event_offsets)

            yield take


def _events(cells: CellEnergies, photons: Photons | None) -> dict[str, Array]:
    known = {} if photons is None else {k: getattr(photons, v) for k, v in _PHOTONS.items()}
    return {**known, "outside": cells.outside}


def _cells(cells: CellEnergies, table: CellTable) -> dict[str, Array]:
    rows = cells.cell
    values = {"energy": cells.energy} | {
        name: getattr(table, name)[rows] for name in CELL_COLUMNS if name != "energy"
    }
    return {f"cell_{name}": values[name].astype(kind) for name, kind in CELL_COLUMNS.items()}


@contextmanager
def _write_tree(path: Path) -> Iterator[Any]:
    with uproot.recreate(path) as file:
        tree = None

        def append(
            events: Mapping[str, Array], cells: Mapping[str, Array], offsets: Array
        ) -> None:
            nonlocal tree
            counts = np.diff(offsets)
            lists = {
                name.removeprefix("cell_"): ak.unflatten(values, counts)
                for name, values in cells.items()
            }
            columns = {**events, "cell": ak.zip(lists)}
            if tree is None:
                types = {name: values.dtype for name, values in events.items()}
                tree = file.mktree("cells", {**types, "cell": columns["cell"].type.content})
            tree.extend(columns)

        yield append


@contextmanager
def _write_parquet(path: Path) -> Iterator[Any]:
    with ExitStack() as stack:
        writer: pq.ParquetWriter | None = None

        def append(
            events: Mapping[str, Array], cells: Mapping[str, Array], offsets: Array
        ) -> None:
            nonlocal writer
            starts = pa.array(offsets.astype(np.int32))
            lists = {
                name: pa.ListArray.from_arrays(starts, pa.array(values))
                for name, values in cells.items()
            }
            table = pa.table({**{k: pa.array(v) for k, v in events.items()}, **lists})
            if writer is None:
                made = pq.ParquetWriter(path, table.schema, compression="zstd")
                writer = stack.enter_context(made)
            writer.write_table(table)

        yield append
