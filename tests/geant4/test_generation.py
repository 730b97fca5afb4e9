import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from calovox.geant4 import Geant4Settings, ShardsError, generate_hits, shards
from calovox.geant4.charge import TruePhiModulation
from calovox.geant4.shards import ShardFolder, shard_ranges
from calovox.hits import HitsReader
from calovox.photons import Photons, photons_digest


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_ENERGY", 1000.0)


def contents(path):
    hits = HitsReader(path).read()
    columns = [hits.layer, hits.eta, hits.phi, hits.r, hits.energy, hits.event_offsets]
    return [column.tobytes() for column in columns]


def test_shards_cover_all_events_once(photons):
    ranges = shard_ranges(photons)
    events = np.concatenate([np.arange(6)[part] for part in ranges])
    np.testing.assert_array_equal(events, np.arange(6))
    assert len(ranges) == 4


def test_digest_sees_every_column(photons):
    changed = Photons(photons.energy, photons.eta, photons.phi + 1e-12, photons.index)
    assert photons_digest([changed]) != photons_digest([photons])


def test_content_does_not_depend_on_workers_or_restart(geant4_data, photons, tmp_path):
    settings = Geant4Settings(seed=3)
    whole, resumed = tmp_path / "whole.h5", tmp_path / "resumed.h5"
    steps = []
    generate_hits(photons, whole, settings, workers=1, on_shard=steps.append)
    assert sum(step.n_events for step in steps) == len(photons)
    _leave_two_shards(photons, resumed, settings)
    steps = []
    generate_hits(photons, resumed, settings, workers=2, on_shard=steps.append)
    assert sum(step.resumed for step in steps) == 2
    assert contents(whole) == contents(resumed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["resumed.h5", "whole.h5"]
    reader = HitsReader(whole)
    assert reader.provenance["seed"] == 3
    assert TruePhiModulation.from_dict(reader.phi_modulation) == TruePhiModulation()


def _leave_two_shards(photons, output, settings):
    """Stop a run after its second shard, as an interrupt does."""
    steps = []

    def interrupt(step):
        steps.append(step)
        if len(steps) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_hits(photons, output, settings, workers=1, on_shard=interrupt)
    assert not output.exists()
    folder = output.with_name(f"{output.name}.shards")
    for extra in sorted(folder.glob("[0-9]*.h5"))[2:]:
        extra.unlink()


def test_other_settings_refuse_to_continue(geant4_data, photons, tmp_path):
    output = tmp_path / "hits.h5"
    settings = Geant4Settings(seed=3)
    with ShardFolder.open(output, settings.provenance(photons)) as folder:
        folder.shard_path(0).touch()
    with pytest.raises(ShardsError, match="other settings"):
        generate_hits(photons, output, Geant4Settings(seed=4))
    record = json.loads((folder.path / "settings.json").read_text())
    assert record["seed"] == 3


def test_failed_start_leaves_nothing_behind(geant4_data, photons, tmp_path, monkeypatch):
    monkeypatch.setenv("GEANT4_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match="python -m calzone download"):
        generate_hits(photons, tmp_path / "hits.h5", Geant4Settings(seed=3))
    assert list(tmp_path.iterdir()) == []


def test_existing_output_is_kept_without_overwrite(photons, tmp_path):
    output = tmp_path / "hits.h5"
    output.write_text("precious")
    with pytest.raises(FileExistsError, match="exists"):
        generate_hits(photons, output, Geant4Settings(seed=3))
    assert output.read_text() == "precious"


def test_generation_refuses_no_photons_and_no_workers(photons, tmp_path):
    with pytest.raises(ValueError, match="at least one photon"):
        generate_hits(photons[:0], tmp_path / "hits.h5", Geant4Settings(seed=3))
    with pytest.raises(ValueError, match="workers: expected 1 or more"):
        generate_hits(photons, tmp_path / "hits.h5", Geant4Settings(seed=3), workers=0)


def test_settings_refuse_a_cut_of_zero():
    with pytest.raises(ValueError, match="cut"):
        Geant4Settings(seed=1, cut=0.0)


SCRIPT = """
import sys, numpy as np
from pathlib import Path
from calovox.geant4 import Geant4Settings, generate_hits, shards
from calovox.photons import Photons
if __name__ == "__main__":
    shards.SHARD_ENERGY = 5000.0
    photons = Photons(np.full(40, 5000.0), np.full(40, 0.2), np.zeros(40), np.arange(40))
    generate_hits(photons, Path(sys.argv[1]), Geant4Settings(seed=1), workers=2)
"""


def _group_ends(group, *, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_killed_run_leaves_whole_shards_and_no_processes(geant4_data, tmp_path):
    script, output = tmp_path / "run.py", tmp_path / "hits.h5"
    script.write_text(SCRIPT)
    folder = tmp_path / "hits.h5.shards"
    process = subprocess.Popen([sys.executable, str(script), str(output)], start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list(folder.glob("[0-9]*.h5"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert _group_ends(process.pid, seconds=30)
    assert not output.exists()
    for path in folder.glob("[0-9]*.h5"):
        assert len(HitsReader(path)) == 1
    subprocess.run([sys.executable, str(script), str(output)], check=True)
    assert len(HitsReader(output)) == 40
    assert not folder.exists()


def test_electrons_give_other_showers_and_the_file_says_so(geant4_data, photons, tmp_path):
    generate_hits(photons, tmp_path / "photons.h5", Geant4Settings(seed=3))
    settings = Geant4Settings(seed=3, particle="electron")
    generate_hits(photons, tmp_path / "electrons.h5", settings)
    readers = [HitsReader(tmp_path / f"{name}.h5") for name in ("photons", "electrons")]
    assert [reader.particle for reader in readers] == ["photon", "electron"]
    assert readers[1].provenance["particle"] == "electron"
    energies = [reader.read().energy.sum() for reader in readers]
    assert energies[0] != energies[1]
    assert energies[1] > 0.5 * photons.energy.sum()
