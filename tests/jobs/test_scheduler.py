"""Parts of a run on the workers of a scheduler."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from calovox.dataset import DatasetReader
from calovox.dataset.make import make_dataset
from calovox.dataset.parts import make_part
from calovox.dataset.voxelizing import Voxelizer
from calovox.geometry import atlas_barrel
from calovox.hits import HitsWriter
from calovox.jobs.scheduler import (
    Part,
    PartsOfRun,
    SchedulerError,
    dask_executor,
    dask_side_by_side,
)
from calovox.phi_modulation.bare_hits import BareHits
from calovox.side_by_side import side_by_side
from calovox.voxelization import VoxelGrid
from tests.cli.commands.test_chain import fail, succeed
from tests.jobs.test_merge import toy_folder, write_hits
from tests.toy_showers import toy_showers

distributed = pytest.importorskip("distributed")
COMMAND = "simulate --model toy --energy 65GeV --eta abs:0.2:0.25 --cells"


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as workers:
        yield workers


def write_part(part: Part) -> None:
    write_hits(part.outputs[0], part.first, part.number)


def kill_once(flag: Path, part: Part) -> None:
    """Die as a worker that is taken away does, the first time that the second part is made."""
    if part.first == 2 and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    write_part(part)


def test_workers_of_a_scheduler_give_the_files_of_one_job(cluster, tmp_path, monkeypatch):
    toy_folder(monkeypatch, tmp_path)
    address = cluster.scheduler_address
    succeed(*f"{COMMAND} -n 5 --hits all_hits.h5 -o all.h5".split())
    scheduler = f"--scheduler {address} --part-events 2"
    said = succeed(*f"{COMMAND} -n 5 {scheduler} --hits parts_hits.h5 -o parts.h5".split())
    assert "5 showers of 3 tasks" in said.stdout
    for name in ("", "_hits"):
        assert Path(f"parts{name}.h5").read_bytes() == Path(f"all{name}.h5").read_bytes()
    assert not list(tmp_path.glob("*.parts"))
    fail(*f"{COMMAND} -n 5 {scheduler} -o parts.h5".split(), match="parts.h5 exists")
    fail(*f"simulate --model all.h5 --scheduler {address} -o b.h5".split(), match="expected -n as")


def test_a_lost_worker_costs_nothing_but_time(cluster, tmp_path):
    parts = PartsOfRun.cut(0, 6, 2, [tmp_path / "hits.h5"])
    flag = tmp_path / "flag"
    with parts.kept({}), dask_executor(cluster.scheduler_address) as executor:
        parts.run(executor, partial(kill_once, flag))
        parts.merge()
    assert flag.exists()
    whole = write_hits(tmp_path / "whole.h5", 0, 6)
    assert (tmp_path / "hits.h5").read_bytes() == whole.read_bytes()


def fail_at_four(part: Part) -> None:
    if part.first == 4:
        # a task that runs cannot be cancelled: it would write while the next run writes the same
        others = [part.outputs[0].with_name(name) for name in ("0.h5", "2.h5")]
        while not all(path.exists() for path in others):
            time.sleep(0.05)
        raise ValueError("no more disk")
    write_part(part)


def test_finished_parts_are_kept_and_not_made_again(cluster, tmp_path):
    parts = PartsOfRun.cut(0, 6, 2, [tmp_path / "hits.h5"])
    with (
        pytest.raises(ValueError, match="no more disk"),
        parts.kept({"seed": 1}),
        dask_executor(cluster.scheduler_address) as executor,
    ):
        parts.run(executor, fail_at_four)
    first = parts.parts[0].outputs[0]
    made = first.stat().st_mtime_ns
    with pytest.raises(SchedulerError, match="parts of another run"), parts.kept({"seed": 2}):
        pass
    with parts.kept({"seed": 1}), dask_executor(cluster.scheduler_address) as executor:
        parts.run(executor, write_part)
        assert first.stat().st_mtime_ns == made
        parts.merge()
    assert not first.parent.exists()


def test_a_scheduler_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr("calovox.jobs.scheduler._TIMEOUT", "0.2s")
    with (
        pytest.raises(SchedulerError, match=r"--scheduler: expected the address .* got tcp://loc"),
        dask_executor("tcp://localhost:9"),
    ):
        pass


def test_what_is_done_side_by_side_is_done_by_the_workers(cluster):
    tasks = ((number,) for number in range(4))
    with dask_side_by_side(cluster.scheduler_address):
        found = list(side_by_side(number_and_process, tasks, 4))
    assert [number for number, _ in found] == [0, 1, 2, 3]
    assert os.getpid() not in {process for _, process in found}
    assert {process for _, process in found} <= set(processes_of(cluster))


def number_and_process(number: int) -> tuple[int, int]:
    return number, os.getpid()


def processes_of(cluster) -> list[int]:
    with distributed.Client(cluster) as client:
        return list(client.run(os.getpid).values())


def test_evaluate_asks_the_scheduler(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("calovox.jobs.scheduler._TIMEOUT", "0.2s")
    write_hits(tmp_path / "photons.h5", 0, 2)
    fail(
        *["evaluate", "photons.h5", "--scheduler", "tcp://localhost:9", "-o", "report"],
        match="--scheduler: expected the address",
    )


VOXELIZE = "voxelize first.h5 second.h5 --fastcalosim --precision-bits 12"


@pytest.fixture
def two_files(tmp_path, monkeypatch):
    """Hits of one run in two files."""
    monkeypatch.chdir(tmp_path)
    toy = toy_showers(14, n_hits=50)
    for name, rows in (("first", slice(0, 9)), ("second", slice(9, 14))):
        with HitsWriter(tmp_path / f"{name}.h5", provenance={"source": name}) as writer:
            writer.append(toy[rows])


def test_voxelize_on_workers_gives_the_same_bytes(cluster, two_files, tmp_path):
    """Parts across files, the calibration of all, and patterns beside."""
    beside = "--patterns {0}_p.h5"
    alone = succeed(*f"{VOXELIZE} {beside.format('a')} -o a.h5".split())
    scheduler = f"--scheduler {cluster.scheduler_address} --part-events 4"
    apart = succeed(*f"{VOXELIZE} {scheduler} {beside.format('b')} -o b.h5".split())
    assert alone.stdout.replace("a.h5", "b.h5") == apart.stdout
    for name in (".h5", "_p.h5"):
        assert Path(f"a{name}").read_bytes() == Path(f"b{name}").read_bytes()
    assert DatasetReader(tmp_path / "b.h5").attached("calibration") is not None
    assert not list(tmp_path.glob("*.parts"))


def voxelize_and_be_killed_once(flag: Path, voxelizer, part: Part) -> None:
    if part.first == 4 and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    make_part(voxelizer, slice(part.first, part.first + part.number), part.outputs[0])


def test_a_killed_worker_costs_voxelize_only_time(cluster, two_files, tmp_path):
    hits = BareHits([tmp_path / "first.h5", tmp_path / "second.h5"])
    barrel, grid = atlas_barrel(), VoxelGrid.optimal()
    voxelizer = Voxelizer(hits, grid, "hits", barrel.cells, barrel, False)
    parts = PartsOfRun.cut(0, len(hits), 4, [tmp_path / "b.h5"])
    flag = tmp_path / "flag"
    with parts.kept({}), dask_executor(cluster.scheduler_address) as executor:
        parts.run(executor, partial(voxelize_and_be_killed_once, flag, voxelizer))
        made = [part.outputs[0] for part in parts.parts]
        make_dataset(hits, tmp_path / "b.h5", grid, table=barrel.cells, parts=made)
    assert flag.exists()
    make_dataset(hits, tmp_path / "a.h5", grid, table=barrel.cells)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_parts_of_other_hits_are_refused(cluster, two_files, tmp_path):
    (tmp_path / "b.h5.parts").mkdir()
    (tmp_path / "b.h5.parts" / "run.json").write_text("{}")
    fail(
        *f"{VOXELIZE} --scheduler {cluster.scheduler_address} -o b.h5".split(),
        match="parts of another run",
    )
