"""Parts of a dataset that several jobs make of the same hits.

A part is a dataset of some events, with what they add to the totals of all (`meta/part`): the
calibration is fitted to the events of all parts.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from calovox.dataset.reader import DatasetReader
from calovox.dataset.voxelizing import Totals, VoxelizedShowers, Voxelizer
from calovox.dataset.writer import DatasetWriter
from calovox.tracking import Track, silently

__all__ = ["make_part", "read_parts"]

_BATCH: Final = 4096
_GROUP: Final = "part"


def make_part(voxelizer: Voxelizer, rows: slice, output: Path) -> None:
    """Make a part, with all bits of the energies.

    Args:
        voxelizer: How hits become voxels and cells.
        rows: Which events, in the order of the files of hits.
        output: The part, which replaces an existing file.

    Raises:
        ValueError: If the hits cannot be used.
    """
    table = voxelizer.table
    with DatasetWriter(
        output,
        voxelizer.grid,
        provenance={},
        cell_table=None if table is None else table.name,
        overwrite=True,
    ) as writer:
        totals = voxelizer.totals()
        for batch in voxelizer.batches(totals, rows):
            writer.append(batch.voxels, batch.cells, phi_mod=batch.phi_mod)
        writer.attach(_GROUP, totals.to_arrays())


def read_parts(
    paths: Sequence[Path], totals: Totals, track: Track = silently
) -> Iterator[VoxelizedShowers]:
    """Read parts one after the other.

    Args:
        paths: The parts, in order.
        totals: Counts their events.
        track: Shows the progress.

    Returns:
        Their events.

    Raises:
        DatasetError: If a file is no part.
    """
    readers = [DatasetReader(path, takes_weights=True) for path in paths]
    return track(_batches(readers, totals), "merging", sum(map(len, readers)))


def _batches(readers: Sequence[DatasetReader], totals: Totals) -> Iterator[VoxelizedShowers]:
    for reader in readers:
        for start in range(0, len(reader), _BATCH):
            rows = slice(start, start + _BATCH)
            yield VoxelizedShowers(reader.read(rows), reader.cells(rows), reader.phi_mod(rows))
        totals.add_arrays(reader.attached(_GROUP) or {})
