"""The C++ program of docs/cpp.md draws the showers of our runtime.

It needs a compiler, the headers of ONNX Runtime, in the folder ONNXRUNTIME_INCLUDE or where the
compiler looks, and the shared library that its Python package brings along.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from calovox.export.passes.fixed_shapes import fix_batch
from calovox.models.base import Conditions
from calovox.runtime import OnnxModel
from calovox.runtime.onnx_runtime import onnxruntime

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cpp")
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    library = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*"), None)
    if library is None:
        pytest.skip("needs a Python package of ONNX Runtime with its shared library")
    folder_of_headers = os.environ.get("ONNXRUNTIME_INCLUDE")
    include = [] if folder_of_headers is None else [f"-I{folder_of_headers}"]
    check = [compiler, *include, "-E", "-x", "c++", "-"]
    header = "#include <onnxruntime_cxx_api.h>\n"
    if subprocess.run(check, input=header, capture_output=True, text=True, check=False).returncode:
        pytest.skip("needs the headers of ONNX Runtime: set ONNXRUNTIME_INCLUDE to their folder")
    text = (ROOT / "docs" / "cpp.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```cpp\n(.*?)```", text, re.DOTALL)
    (folder / "shower.cpp").write_text(code)
    flags = ["-std=c++17", "-Wall", "-Werror", *include, "-o", str(folder / "shower")]
    (folder / "libonnxruntime.so.1").symlink_to(library)  # the name by which programs look for it
    linked = [str(library), f"-Wl,-rpath,{folder}"]
    subprocess.run([compiler, *flags, str(folder / "shower.cpp"), *linked], check=True)
    return folder / "shower"


def run(program: Path, model: Path, *, energy: float, seed: int) -> np.ndarray:
    words = [str(program), str(model), str(energy), "0.2", str(seed)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return np.array(done.stdout.split(), dtype=np.float64)


@pytest.mark.slow
def test_program_of_the_page_draws_showers_like_ours(
    program: Path, exported: Path, tmp_path: Path
) -> None:
    path = exported / "photon_eta_000_070.onnx"
    fix_batch(path, tmp_path / "fixed.onnx")
    showers = np.array(
        [run(program, tmp_path / "fixed.onnx", energy=65536.0, seed=seed) for seed in range(200)]
    )
    model = OnnxModel(path)
    assert showers.shape[1] == model.grid.n_voxels
    assert (run(program, tmp_path / "fixed.onnx", energy=65536.0, seed=3) == showers[3]).all()
    total = showers.sum(axis=1) / 65536.0
    noise = np.random.default_rng(1).standard_normal((2000, *model.noise_shape))
    photons = Conditions(np.full(2000, 65536.0), np.full(2000, 0.2))
    expected = model.sample(photons, noise.astype(np.float32)).sum(axis=1)
    error = expected.std() * np.sqrt(1 / 200 + 1 / 2000)
    assert abs(total.mean() - expected.mean()) < 5.0 * error
