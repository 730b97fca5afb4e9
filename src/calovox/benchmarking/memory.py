"""Memory that loaded models take.

It is the resident memory of a fresh process, after ONNX Runtime has loaded the models, less
before; the process imports nothing but numpy and ONNX Runtime. For models on a GPU, it is what the
process takes beside the GPU's own memory, and CUDA has a large part in it. For a parametrisation
or a dataset, it is that of the read file, in a process that imported and compiled what reads it.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from calovox.models.parametric.file import is_parametric_file
from calovox.runtime.accelerators import PROVIDERS, Accelerator
from calovox.runtime.onnx_runtime import WITHOUT_TELEMETRY

__all__ = ["measure_memory"]

_LOAD: Final = """
import ast
import os
import sys
import numpy
import onnxruntime

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
providers = ast.literal_eval(sys.argv[1])
wanted = providers[0][0]
if wanted == "CUDAExecutionProvider":
    onnxruntime.preload_dlls()
before = resident()
sessions = [
    onnxruntime.InferenceSession(path, options, providers=providers, enable_fallback=0)
    for path in sys.argv[2:]
]
if any(wanted not in session.get_providers() for session in sessions):
    sys.exit(f"it was not loaded with {wanted}")
print(resident() - before)
"""
_LOAD_PARAMETRIC: Final = """
import os
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[2])
from calovox.models.parametric.file import read_parametric
from calovox.models.parametric.shapes import half_edges

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

half_edges()
before = resident()
model = read_parametric(Path(sys.argv[1]))
print(resident() - before)
"""
_LOAD_LIBRARY: Final = """
import os
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[2])
from calovox.binned_shower import ShowerLibrary
from calovox.dataset import DatasetReader

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

before = resident()
reader = DatasetReader(Path(sys.argv[1]))
showers = ShowerLibrary(reader.read(), reader.phi_mod())
print(resident() - before)
"""


def measure_memory(*paths: Path, accelerator: Accelerator = "cpu") -> float:
    """Measure the memory that loaded models take together, in a bare process.

    Args:
        paths: ONNX files, or one of a parametrisation or a dataset.
        accelerator: Where ONNX files are computed.

    Returns:
        Resident memory after loading less that before, in MB.

    Raises:
        OSError: If the process fails; it needs Linux.
    """
    if paths[0].suffix in (".h5", ".hdf5"):
        script = _LOAD_PARAMETRIC if is_parametric_file(paths[0]) else _LOAD_LIBRARY
        command = [script, str(paths[0]), str(Path(__file__).parents[2])]
    else:
        command = [_LOAD, repr(PROVIDERS[accelerator]), *map(str, paths)]
    result = subprocess.run(
        [sys.executable, "-I", "-c", *command],
        env=os.environ | WITHOUT_TELEMETRY,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise OSError(f"{paths[0]}: its memory could not be measured: {reason}")
    return int(result.stdout) / 1e6
