"""A command that was killed at any moment and is called again ends as if nothing had happened."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from tests.cli.every_command import COMMANDS, write_inputs

SCRIPT = Path(__file__).with_name("killed.py")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_inputs()
    return folder


@pytest.fixture
def geant4_data(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Path(__file__).resolve().parents[3] / "shared" / "geant4-data"
    if importlib.util.find_spec("calzone") is None:
        pytest.skip("needs calzone: pip install calovox[geant4]")
    if "GEANT4_DATA_DIR" not in os.environ:
        if not shared.is_dir():
            pytest.skip("needs Geant4 data: set GEANT4_DATA_DIR")
        monkeypatch.setenv("GEANT4_DATA_DIR", str(shared))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_ends_as_one_that_was_left_alone(
    name: str, inputs: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if name == "geant4":
        request.getfixturevalue("geant4_data")
    for folder in ("whole", "again", "killed"):
        shutil.copytree(inputs, tmp_path / folder)
    seed, words = zlib.crc32(name.encode()), COMMANDS[name].split()
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(seed), *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    codes = json.loads(done.stdout.splitlines()[-1])["codes"]
    assert codes.count(-signal.SIGKILL) >= 2, done.stdout
