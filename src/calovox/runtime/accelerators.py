"""Where ONNX Runtime computes: on the CPU, or on a GPU through its CUDA provider.

Where its CUDA provider cannot be used, ONNX Runtime goes on with the CPU, and only its log says
so; after an error on a GPU, it computes the rest there. Here both are errors. Nodes that the CUDA
provider lacks are computed on the CPU.

Products of single precision are those of single precision on a GPU, too: without TF32, which
rounds their factors to ten bits.

References:
    ONNX Runtime, *CUDA Execution Provider*,
    https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
"""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final, Literal

from calovox.files.damage import one_line
from calovox.runtime.onnx_runtime import onnxruntime

__all__ = ["PROVIDERS", "Accelerator", "AcceleratorError", "not_for", "open_session"]

Accelerator = Literal["cpu", "cuda"]
"""Where to compute."""

PROVIDERS: Final[dict[Accelerator, list[tuple[str, dict[str, str]]]]] = {
    "cpu": [("CPUExecutionProvider", {})],
    "cuda": [("CUDAExecutionProvider", {"use_tf32": "0"}), ("CPUExecutionProvider", {})],
}
"""Providers of ONNX Runtime with their options; a node runs on the first one that has it."""


class AcceleratorError(ValueError):
    """An accelerator that cannot be used, and why."""


def not_for(name: str | Path, kind: str) -> str:
    """Say that something is no ONNX file, which an accelerator is for.

    Args:
        name: What was named instead.
        kind: What it is.

    Returns:
        The message of an error.
    """
    return f"--accelerator is for ONNX files, and {name} is {kind}: leave it out"


def open_session(
    path: Path, options: onnxruntime.SessionOptions, accelerator: Accelerator
) -> onnxruntime.InferenceSession:
    """Open a model where it was asked for, and nowhere else.

    Args:
        path: An ONNX file.
        options: How to run it; for a GPU, deterministic kernels are asked for as well.
        accelerator: Where to run it.

    Returns:
        The session.

    Raises:
        AcceleratorError: If ONNX Runtime, its libraries or the machine lack the accelerator.
    """
    wanted = PROVIDERS[accelerator][0][0]
    _check_installed(wanted, accelerator)
    if accelerator == "cuda":
        options.use_deterministic_compute = True
        with redirect_stdout(sys.stderr):  # where it says what is missing
            onnxruntime.preload_dlls()  # CUDA libraries that pip has installed
    try:
        session = onnxruntime.InferenceSession(
            path, options, providers=PROVIDERS[accelerator], enable_fallback=0
        )
    except Exception as problem:  # ONNX Runtime has a dozen types, without a common one
        if "CUDA failure" not in str(problem):
            raise
        raise AcceleratorError(
            f"--accelerator {accelerator}: expected a GPU and its driver, got `"
            f"{one_line(problem)}`: use a machine with a GPU, or leave the option out"
        ) from problem
    if wanted not in session.get_providers():
        raise AcceleratorError(
            f"--accelerator {accelerator}: expected {path.name} on {wanted}, got "
            f"{', '.join(session.get_providers())}: install the driver of the GPU and the "
            "libraries of CUDA and cuDNN (pip install 'onnxruntime-gpu[cuda,cudnn]'), or leave "
            "the option out"
        )
    return session


def _check_installed(wanted: str, accelerator: Accelerator) -> None:
    available = onnxruntime.get_available_providers()
    if wanted not in available:
        raise AcceleratorError(
            f"--accelerator {accelerator}: expected an ONNX Runtime with {wanted}, got "
            f"{onnxruntime.__version__} with {', '.join(available)}: install onnxruntime-gpu in "
            "place of onnxruntime, or leave the option out"
        )
