"""Files that nobody knows are told what is known."""

import h5py
import numpy as np
import pytest

from calovox.files.formats import UnknownFormatError, detect_format

LAYOUTS = {
    "LEMURS and Par04": {
        "showers": (5, 9, 16, 45),
        "incident_energy": (5,),
        "incident_phi": (5,),
        "incident_theta": (5,),
    },
    "HGCal": {"showers": (5, 28, 8), "gen_info": (5, 3)},
    "CaloGAN": {
        "layer_0": (5, 3, 96),
        "layer_1": (5, 12, 12),
        "layer_2": (5, 12, 6),
        "energy": (5, 1),
    },
    "showerdata": {"showers": (5, 10, 4), "energies": (5, 1)},
}


def write(path, shapes):
    with h5py.File(path, "w") as file:
        for name, shape in shapes.items():
            file[name] = np.ones(shape)


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_others_are_named(tmp_path, name):
    write(tmp_path / "a.h5", LAYOUTS[name])
    with pytest.raises(UnknownFormatError, match="expected a file of calovox") as caught:
        detect_format(tmp_path / "a.h5")
    assert f"the layout of {name}: " in f"{caught.value}"
    assert all(key in f"{caught.value}" for key in LAYOUTS[name])


def test_keys_of_unknown_files_are_named(tmp_path):
    write(tmp_path / "a.h5", {"x": (3,), "y": (3,)})
    with pytest.raises(UnknownFormatError, match=r"an HDF5 file with x, y; .*`calovox import`"):
        detect_format(tmp_path / "a.h5")


def test_showers_with_more_axes_are_told_to_be_reshaped(tmp_path):
    write(tmp_path / "a.h5", {"showers": (5, 45, 16, 9), "incident_energies": (5, 1)})
    with pytest.raises(UnknownFormatError, match=r"reshape it to .5, 6480."):
        detect_format(tmp_path / "a.h5")
