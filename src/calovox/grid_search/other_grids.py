"""Other grids than those of the path, looked at in the same way.

Their hits are placed by patterns of the donors, and as in the note, with the sub-voxel
probabilities of the donors.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from calovox.arrays import Array
from calovox.binned_shower import average_sub_voxels, voxels_to_hits
from calovox.geometry import Detector
from calovox.geometry.cell_energies import CellEnergies, concatenate_cells
from calovox.grid_search.path import OtherGrid
from calovox.grid_search.search import GridSearch
from calovox.grid_search.showers import divide
from calovox.hits import Hits
from calovox.patterns import PatternMaker, voxels_to_cells
from calovox.reconstruction import hits_to_cells
from calovox.voxelization import VoxelGrid, hits_to_voxels
from calovox.voxelization.voxels import concatenate_voxels

__all__ = ["judge_grid"]

Read = Callable[[str], Iterable[Hits]]


def judge_grid(
    grid: VoxelGrid, read: Read, search: GridSearch, detector: Detector, *, seed: int
) -> Iterator[OtherGrid]:
    """Look at a grid with both placements.

    Args:
        grid: Any grid with the layers of the hits.
        read: Gives batches of hits, those of the search; called with a title of the work.
        search: The search, whose cells and observables are used.
        detector: Its layers and cells.
        seed: Seed of the placement.

    Yields:
        What is seen with patterns, then with the note's placement.

    Raises:
        ValueError: If the grid lacks a layer of a hit, or no energy has enough donors for
            sub-voxel probabilities.
    """
    maker = PatternMaker(grid, detector=detector)
    parts = []
    for seen, donors in _halves(read(f"{grid.name}, voxels")):
        maker.add(donors)
        parts.append(hits_to_voxels(seen, grid, detector=detector))
    voxels = concatenate_voxels(parts)
    cells, _ = voxels_to_cells(
        voxels, maker.library(), detector.cells, seed=seed, detector=detector
    )
    yield _verdict(grid, "patterns", search, cells)
    donors_alone = (donors for _, donors in _halves(read(f"{grid.name}, sub-voxels")))
    probabilities = average_sub_voxels(donors_alone, grid, detector=detector)
    placed = [
        hits_to_cells(
            voxels_to_hits(voxels[i : i + 50], probabilities, seed=seed, detector=detector),
            detector.cells,
        )
        for i in range(0, len(voxels), 50)
    ]
    yield _verdict(grid, "note", search, concatenate_cells(placed))


def _halves(batches: Iterable[Hits]) -> Iterator[tuple[Hits, Hits]]:
    n_read = 0
    for batch in batches:
        yield divide(batch, n_read)
        n_read += len(batch)


def _verdict(
    grid: VoxelGrid, placement: str, search: GridSearch, cells: CellEnergies
) -> OtherGrid:
    energies: Mapping[int, Array] = {
        number: layer.window.energies(cells) for number, layer in search.layers.items()
    }
    seen = [layer.measure(energies[number]) for number, layer in search.layers.items()]
    auc, auc_error = search.auc(energies) if search.trains_trees else (None, None)
    return OtherGrid(
        name=grid.name,
        placement=placement,
        n_voxels=grid.n_voxels,
        separation=sum(one.separation for one in seen),
        error=sum(layer.error(energies[number]) ** 2 for number, layer in search.layers.items())
        ** 0.5,
        auc=auc,
        auc_error=auc_error,
    )
