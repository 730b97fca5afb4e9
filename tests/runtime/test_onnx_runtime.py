"""ONNX Runtime reports nothing home."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIMULATE = """
import os
from calovox.cli import app
photons = ["--energy", "65GeV", "--eta", "0.2", "-n", "2"]
app(["simulate", "--model", "calodit", *photons, "-o", "out.h5"], standalone_mode=False)
print(sorted(name for name in os.environ if "TELEMETRY" in name))
"""


def test_simulating_leaves_no_file_in_an_empty_home(tmp_path):
    home, output = tmp_path / "home", tmp_path / "output"
    home.mkdir()
    output.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "NUMBA_CACHE_DIR") if name in os.environ}
    environment = {**kept, "PYTHONPATH": str(ROOT / "src"), "HOME": str(home)}
    result = subprocess.run(
        [sys.executable, "-c", SIMULATE],
        env=environment,
        cwd=output,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines()[-1] == "[]"
    assert (output / "out.h5").is_file()
    assert not list(home.rglob("*"))


def test_onnx_runtime_is_imported_without_telemetry_alone():
    texts = {path: path.read_text() for path in (ROOT / "src").rglob("*.py")}
    texts |= {path: path.read_text() for path in (ROOT / "tests").rglob("*.py")}
    found = {path.name for path, text in texts.items() if "\nimport onnxruntime" in text}
    # in processes of their own, with the variable set
    assert found == {"memory.py", "run_kinds.py"}
