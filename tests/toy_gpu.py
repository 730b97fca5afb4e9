"""A GPU that is none: sessions say that they use the CUDA provider, and compute on the CPU."""

from typing import Any

import pytest

from calovox.runtime.onnx_runtime import onnxruntime

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


class ToyGpu:
    """What was asked of ONNX Runtime.

    Attributes:
        asked: Providers and other options of each session.
        sizes: Number of events of each call.
    """

    def __init__(self, used: list[str]) -> None:
        self.used = used
        self.asked: list[dict[str, Any]] = []
        self.sizes: list[int] = []


def pretend_gpu(monkeypatch: pytest.MonkeyPatch, *, used: tuple[str, ...] = (CUDA, CPU)) -> ToyGpu:
    """Let ONNX Runtime have a CUDA provider, and let sessions say that they use some."""
    gpu = ToyGpu(list(used))

    class Session(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, path: Any, options: Any, **asked: Any) -> None:
            gpu.asked.append({**asked, "deterministic": options.use_deterministic_compute})
            super().__init__(path, options, providers=[CPU])

        def get_providers(self) -> list[str]:
            return gpu.used

        def run(self, names: Any, inputs: Any, options: Any = None) -> Any:
            gpu.sizes.append(len(inputs["inn_einc_in"]))
            return super().run(names, inputs, options)

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    return gpu
