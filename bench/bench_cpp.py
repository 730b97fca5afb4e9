"""What a shower costs in C++: time and resident memory of a bare process, as a table.

Run from the repository: ``python -m bench.bench_cpp [MODEL ...]``. It compiles
``bench/shower_cost.cpp`` with g++ against the library that ONNX Runtime's Python package brings;
the folder of its headers may be named by ONNXRUNTIME_INCLUDE, but none are needed. Times are wall
times, the least and the median: run it where nothing else runs, or compare models alone.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.timing import count, run
from calovox.arrays import Array, Float32
from calovox.runtime import ModelSet, OnnxModel, load_models
from calovox.runtime.onnx_runtime import WITHOUT_TELEMETRY, onnxruntime

MODELS = ("calodit", "calodit_teacher", "calocfm")
BATCHES = (1, 100, 1000)
N_LAYERS = 5


class CppCost(NamedTuple):
    """What the program prints: memory in MB, times of a batch in ms, voxels in MeV."""

    before: float
    loaded: float
    after: float
    least: float
    median: float
    voxels: Float32[Array, " voxel"]


def compile_program(folder: Path) -> Path:
    """Compile the program into a folder.

    Raises:
        FileNotFoundError: If there is no compiler, or no library.
    """
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        raise FileNotFoundError("needs a C++ compiler: install g++")
    library = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*"), None)
    if library is None:
        raise FileNotFoundError("needs the library of ONNX Runtime: its Python package has none")
    (folder / "libonnxruntime.so.1").symlink_to(library)  # the name by which programs look for it
    headers = os.environ.get("ONNXRUNTIME_INCLUDE")
    include = [] if headers is None else [f"-I{headers}"]
    program = folder / "shower_cost"
    source = Path(__file__).with_name("shower_cost.cpp")
    flags = ["-std=c++17", "-O2", "-Wall", "-Werror", *include, f"-Wl,-rpath,{folder}"]
    subprocess.run([compiler, *flags, source, library, "-o", program], check=True)
    return program


def measure(program: Path, model: OnnxModel, *, batch: int, repeats: int) -> CppCost:
    """Run the program once."""
    (n_noise,) = model.noise_shape
    numbers = map(str, (batch, repeats, N_LAYERS, n_noise - N_LAYERS))
    environment = os.environ | WITHOUT_TELEMETRY
    command = [program, model.path, *numbers]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    costs, *voxels = done.stdout.splitlines()
    return CppCost(*map(float, costs.split()), np.array(voxels, dtype=np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    print("| model | loaded, after 1, 100, 1000 at once, MB | one shower, ms | of 100, 1000, ms |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        program = compile_program(Path(folder))
        for name in arguments.models:
            models = load_models(name)
            if not isinstance(models, ModelSet):
                raise SystemExit(f"{name}: expected a model of ONNX files")
            costs = []
            for batch in BATCHES:
                repeats = count(max(int(1e3 * arguments.seconds / batch), 2))
                costs.append(measure(program, models.models[0], batch=batch, repeats=repeats))
            memory = ", ".join(
                f"{x - costs[0].before:.0f}" for x in (costs[0].loaded, *(c.after for c in costs))
            )
            single, *many = costs
            several = ", ".join(
                f"{c.median / batch:.2f}" for c, batch in zip(many, BATCHES[1:], strict=True)
            )
            row = f"{memory} | {single.median:.2f}, at least {single.least:.2f} | {several}"
            print(f"| {name} | {row} |", flush=True)


if __name__ == "__main__":
    run(main)
