"""Names of observables in scores and reports: others script against them."""

from calovox.samples.layout import VoxelLayout
from calovox.samples.observables import voxel_observables
from calovox.voxelization import VoxelGrid


def test_names_of_the_observables_are_kept(check_interface):
    layout = VoxelLayout.from_grid(VoxelGrid.optimal())
    check_interface("observables.txt", [entry.name for entry in voxel_observables(layout)])
