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

import numpy as np
import pytest

from calovox.geant4 import TruePhiModulation
from calovox.hits import HitsWriter
from calovox.phi_modulation import PhiModulation, apply_phi_modulation
from tests.cli.commands.test_chain import succeed
from tests.export.toy_runs import write_runs
from tests.toy_showers import toy_showers

SCRIPT = Path(__file__).with_name("killed.py")
LOOP = (
    *("--data", "photons.h5", "--validation", "photons.h5", "--batch-size", "16", "--steps", "12"),
    *("--checkpoint-every", "2", "--validate-every", "4", "--log-every", "1", "--threads", "1"),
)
TINY = ("--width", "8", "--averaging", "0.9")
COMMANDS = {
    "geant4": "geant4 --energy 1GeV --eta 0.2 -n 12 --seed 5 --workers 2 --force -o out.h5",
    "voxelize": "voxelize hits.h5 --sub-voxels out.root --force -o out.h5",
    "fit": "phi-modulation fit hits.h5 --steps 20 --bootstrap 2 --eta-edges 0,1.4 --root out "
    "--force -o out.h5",
    "remove": "phi-modulation remove hits.h5 --curve curve.h5 --force -o out.h5",
    "train": " ".join(("train cfm", *TINY, *LOOP, "-o out")),
    "distill": " ".join(("distill teacher", *LOOP, "-o out")),
    "export": "export toys/inn toys/cfm --no-fastcalosim --force -o out",
    "simulate": "simulate --model photons.h5 --sub-voxels sub.root --cells --hits out_hits.h5 "
    "--force -o out.h5",
    "reconstruct": "reconstruct photons.h5 --force -o out.parquet",
    "evaluate": "evaluate photons.h5 a=simulated.h5 --hits hits.h5 --force -o out",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all commands read."""
    folder = tmp_path_factory.mktemp("inputs")
    truth = TruePhiModulation()
    hits = toy_showers(48, n_hits=200, energy=2.0 ** np.linspace(16.8, 17.8, 48))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        stored = truth.to_dict() | {"state": "present"}
        with HitsWriter(Path("hits.h5"), provenance={}, phi_modulation=stored) as writer:
            writer.append(apply_phi_modulation(hits, PhiModulation.from_function(truth)))
        succeed("voxelize", "hits.h5", "--sub-voxels", "sub.root", "-o", "photons.h5")
        succeed(*COMMANDS["fit"].replace("--root out", "--replay 20").split(), "-o", "curve.h5")
        succeed("simulate", "--model", "photons.h5", "--cells", "-o", "simulated.h5")
        succeed("train", "cfm", *TINY, *LOOP, "--steps", "2", "-o", "teacher")
        Path("toys").mkdir()
        write_runs(Path("toys"))
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
    words = [sys.executable, str(SCRIPT), str(zlib.crc32(name.encode())), *COMMANDS[name].split()]
    done = subprocess.run(
        words,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    codes = json.loads(done.stdout.splitlines()[-1])["codes"]
    assert codes.count(-signal.SIGKILL) >= 2, done.stdout
