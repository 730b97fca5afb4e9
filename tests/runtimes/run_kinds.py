"""Draw the showers of every kind; needs numpy and any ONNX Runtime, and nothing of ours.

usage: run_kinds.py KINDS RESULTS
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read while it is imported

import onnxruntime


def run(folder: Path) -> np.ndarray:
    shapes = json.loads((folder / "shapes.json").read_text())
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    inputs = {
        name: np.fromfile(folder / f"{name}.bin", dtype=np.float32).reshape(shape)
        for name, shape in shapes.items()
        if name != "voxels"
    }
    n_events = shapes["voxels"][0]
    fixed = session.get_inputs()[0].shape[0]
    step = fixed if isinstance(fixed, int) else n_events
    parts = [
        session.run(None, {name: values[k : k + step] for name, values in inputs.items()})[0]
        for k in range(0, n_events, step)
    ]
    return np.concatenate(parts)


if __name__ == "__main__":
    kinds, results = Path(sys.argv[1]), Path(sys.argv[2])
    for folder in sorted(kinds.iterdir()):
        print(onnxruntime.__version__, folder.name, flush=True)
        run(folder).tofile(results / f"{folder.name}.bin")
