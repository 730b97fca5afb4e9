from calovox.patterns.shipped import shipped_patterns
from calovox.voxelization import VoxelGrid
from calovox.voxelization.choice import choose_grid


def test_all_models_of_a_grid_share_one_library():
    library = shipped_patterns(choose_grid("optimal"))
    assert library is shipped_patterns(choose_grid("optimal"))
    assert library.grid == choose_grid("optimal")


def test_grids_without_a_library_have_none():
    assert shipped_patterns(VoxelGrid.regular()) is None
