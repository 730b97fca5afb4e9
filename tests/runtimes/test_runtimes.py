"""Every export loads in old and new runtimes, each in an environment of its own.

`make test-runtimes` makes the environments, below build/runtimes, and runs this.
"""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from calovox.runtime.metadata import LOWEST_RUNTIME
from tests.runtimes.kinds import SHIPPED, write_kinds

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / "build" / "runtimes"
RUNTIMES = ("1.15.1", "1.17.3", "1.20.1", "1.24.4", "newest", "node")
HERE = Path(__file__).parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kinds")
    names = write_kinds(folder)
    assert len(names) == len(set(names)) >= 9 + len(SHIPPED)
    return folder


def command(runtime: str) -> list[Path | str]:
    """Give the command that runs all kinds; skip where the runtime is not there."""
    folder = ENVIRONMENTS / runtime
    if runtime == "node":
        if shutil.which("node") is None or not (folder / "node_modules").is_dir():
            pytest.skip("needs node and onnxruntime-node: make test-runtimes")
        return ["node", HERE / "run_kinds.mjs", folder / "node_modules"]
    python = folder / "bin" / "python"
    if not python.exists():
        pytest.skip(f"needs ONNX Runtime {runtime} in {folder}: make test-runtimes")
    return [python, "-I", HERE / "run_kinds.py"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_kind_gives_the_same_showers(runtime: str, kinds: Path, tmp_path: Path) -> None:
    words = [*map(str, command(runtime)), str(kinds), str(tmp_path)]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stdout[-300:] + done.stderr[-2000:]
    for kind in sorted(kinds.iterdir()):
        found = np.fromfile(tmp_path / f"{kind.name}.bin", dtype=np.float32)
        assert_same_showers(kind, found)


def assert_same_showers(kind: Path, found: np.ndarray) -> None:
    """Kernels round in other ways: 1e-3 of a voxel, or 1e-6 of the kinetic energy, is allowed."""
    shapes = json.loads((kind / "shapes.json").read_text())
    expected = np.fromfile(kind / "voxels.bin", dtype=np.float32).reshape(shapes["voxels"])
    energy = np.fromfile(kind / "inn_einc_in.bin", dtype=np.float32)[:, None]
    found = found.reshape(expected.shape)
    assert np.isfinite(found).all(), kind.name
    allowed = 1e-3 * np.maximum(found, expected) + 1e-6 * energy
    wrong = np.abs(found - expected) > allowed
    assert not wrong.any(), f"{kind.name}: {wrong.sum()} voxels differ"
    assert not ((found > 0.0) & (found < 1.29e-7 * energy)).any(), kind.name


def test_the_lowest_version_that_we_name_is_among_them() -> None:
    assert RUNTIMES[0] == LOWEST_RUNTIME
