"""Keys of report.json and scores.json: others script against them."""

import json

from calovox.samples.layout import VoxelLayout
from calovox.samples.observables import voxel_observables
from calovox.voxelization import VoxelGrid
from tests.keys import json_keys


def test_interface_of_a_report_is_kept(check_interface, written):
    lines = []
    for name in ("report.json", "scores.json"):
        content = json.loads((written[1] / name).read_text(encoding="utf-8"))
        lines += [f"{name} {key}" for key in json_keys(content)]
    check_interface("report.txt", lines)


def test_names_of_the_observables_are_kept(check_interface):
    layout = VoxelLayout.from_grid(VoxelGrid.optimal())
    check_interface("observables.txt", [entry.name for entry in voxel_observables(layout)])
