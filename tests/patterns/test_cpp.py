"""The C++ program of docs/patterns.md chooses the patterns that ours does.

It needs a compiler, and the headers and the library of HDF5 where the compiler looks, or in the
folders HDF5_INCLUDE and HDF5_LIBRARY.
"""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovox.patterns import DensityStep
from calovox.patterns.file import read_patterns, write_patterns
from tests.patterns.showers import toy_library
from tests.reference.patterns import candidates, choose, density, patterns_by_bin

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cpp")
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    text = (ROOT / "docs" / "patterns.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```cpp\n(.*?)```", text, re.DOTALL)
    (folder / "pattern.cpp").write_text(code)
    folders = os.environ.get("HDF5_INCLUDE"), os.environ.get("HDF5_LIBRARY")
    include = [] if folders[0] is None else [f"-I{folders[0]}"]
    library = [] if folders[1] is None else [f"-L{folders[1]}", f"-Wl,-rpath,{folders[1]}"]
    probe = [compiler, *include, *library, "-x", "c++", "-", "-lhdf5", "-o", "/dev/null"]
    source = "#include <hdf5.h>\nint main() { return H5open(); }\n"
    if subprocess.run(probe, input=source, capture_output=True, text=True, check=False).returncode:
        pytest.skip("needs the headers and the library of HDF5: set HDF5_INCLUDE, HDF5_LIBRARY")
    flags = ["-std=c++17", "-Wall", "-Werror", *include, "-o", str(folder / "pattern")]
    words = [compiler, *flags, str(folder / "pattern.cpp"), *library, "-lhdf5"]
    subprocess.run(words, check=True)
    return folder / "pattern"


@pytest.mark.parametrize("u", [0.0, 0.3, 0.99])
@pytest.mark.parametrize("steps", [(), (DensityStep(2, 0.2, 0.1), DensityStep(2, 0.201, 3.0))])
def test_program_of_the_page_chooses_our_patterns(program, tmp_path, u, steps):
    write_patterns(tmp_path / "patterns.h5", replace(toy_library(), steps=steps))
    library = read_patterns(tmp_path / "patterns.h5")
    key = 0, 1, int(np.argmax(library.counts[0, 1] * (library.bins.layer == 2)))
    patterns = patterns_by_bin(library)[key]
    energy = 0.5 * (patterns[4][0] + patterns[5][0])
    words = [program, tmp_path / "patterns.h5", 60000, 0.2, key[2], repr(energy), u, 1.5, 1700]
    around = energy * np.array([0.1, 0.7, 3.0, 0.2, 0.5, 0.0])
    levels = np.minimum(16 * around / (around + energy), 15).astype(int)
    words += [] if steps else [repr(float(beyond)) for beyond in around]
    done = subprocess.run(map(str, words), capture_output=True, text=True, check=True)
    found = np.array(done.stdout.split(), dtype=np.float64).reshape(-1, 3)
    images, sides = zip(*candidates(patterns, energy, 1.5), strict=True)
    images = [np.array(image) for image in images]
    distances = [np.sum((levels - side) ** 2) for side in sides]
    for image in images:
        eta = 0.2 + image[:, 0] * np.cos(image[:, 1]) / 1700
        image[:, 2] *= [density(library, 2, place) for place in eta]
    left = [image[:, 2].sum() for image in images]
    nearest = [float(distance == min(distances)) for distance in distances]
    expected = images[choose(left if steps else nearest, u)]
    expected[:, 2] *= energy / expected[:, 2].sum()
    assert found == pytest.approx(expected, rel=1e-7)
