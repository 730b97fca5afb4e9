"""Jobs of `calovox geant4` share a run."""

from pathlib import Path

import pytest

from tests.cli.commands.test_chain import succeed


@pytest.mark.slow
def test_jobs_of_geant4_give_the_file_of_one_job(
    geant4_data: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = "geant4 --energy 500MeV:1GeV --eta 0.2 --precision-bits 12"
    for name, first, number in (("a", 0, 2), ("b", 2, 1), ("c", 3, 2), ("all", 0, 5)):
        succeed(*f"{command} --first-event {first} -n {number} -o {name}.h5".split())
    succeed("merge", "c.h5", "a.h5", "b.h5", "-o", "merged.h5")
    assert Path("merged.h5").read_bytes() == Path("all.h5").read_bytes()


@pytest.mark.slow
def test_workers_of_a_scheduler_give_the_file_of_one_process(
    geant4_data: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("calovox.geant4.shards.SHARD_ENERGY", 2e3)  # several shards
    command = "geant4 --energy 500MeV:1GeV --eta 0.2 --precision-bits 12 -n 6"
    succeed(*f"{command} -o one.h5".split())
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        succeed(*f"{command} --scheduler {cluster.scheduler_address} -o two.h5".split())
    assert Path("two.h5").read_bytes() == Path("one.h5").read_bytes()
    assert not list(tmp_path.glob("*.shards"))
