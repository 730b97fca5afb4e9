"""Other grids than those of the path, looked at in the same way.

Their hits are placed by patterns of the donors, and as in the note, with the sub-voxel
probabilities of the donors. Deposits are those of the search: a voxel that is no union of voxels
of its start has some of the squares at its edges on the wrong side.
"""

from collections.abc import Iterator, Mapping

from calovox.arrays import Array
from calovox.binned_shower import average_sub_voxels, voxels_to_hits
from calovox.geometry import Detector
from calovox.geometry.cell_energies import CellEnergies, concatenate_cells
from calovox.grid_search.path import OtherGrid
from calovox.grid_search.search import GridSearch
from calovox.grid_search.showers import SearchShowers
from calovox.patterns import PatternMaker, voxels_to_cells
from calovox.reconstruction import hits_to_cells
from calovox.voxelization import VoxelGrid, hits_to_voxels

__all__ = ["judge_grid"]

_BATCH = 50


def judge_grid(
    grid: VoxelGrid, showers: SearchShowers, search: GridSearch, detector: Detector, *, seed: int
) -> Iterator[OtherGrid]:
    """Look at a grid with both placements.

    Args:
        grid: Any grid with the layers of the hits.
        showers: The showers of the search.
        search: The search, whose cells and observables are used.
        detector: Its layers and cells.
        seed: Seed of the placement.

    Yields:
        What is seen with patterns, then with the note's placement.

    Raises:
        ValueError: If the grid lacks a layer of a hit, or no energy has enough donors for
            sub-voxel probabilities.
    """
    donors = showers.donors.all_hits()
    maker = PatternMaker(grid, center="photon", detector=detector)
    maker.add(donors)
    voxels = hits_to_voxels(showers.seen.all_hits(), grid, center="photon", detector=detector)
    cells, _ = voxels_to_cells(
        voxels, maker.library(), detector.cells, seed=seed, detector=detector
    )
    yield _verdict(grid, "patterns", search, cells)
    probabilities = average_sub_voxels([donors], grid, center="photon", detector=detector)
    placed = [
        hits_to_cells(
            voxels_to_hits(voxels[i : i + _BATCH], probabilities, seed=seed, detector=detector),
            detector.cells,
        )
        for i in range(0, len(voxels), _BATCH)
    ]
    yield _verdict(grid, "note", search, concatenate_cells(placed))


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
        error=sum(one.error**2 for one in seen) ** 0.5,
        auc=auc,
        auc_error=auc_error,
    )
