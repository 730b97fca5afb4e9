"""Efficiency of workers of a scheduler: measured for one and two, played for more.

Run from the repository: ``python -m bench.bench_scheduler``. Parts of `calovox simulate` run on
one worker and on two of dask.distributed on this machine. For more workers, tasks of the measured
times are given to whichever worker is free, as the scheduler does, one each `OVERHEAD` seconds at
most; then one process merges the parts, at the measured rate. Efficiency is the time of all tasks
over that of all workers until the result is there.
"""

import heapq
import itertools
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from distributed import LocalCluster

from bench.timing import count, run
from calovox.cli.command import Job
from calovox.cli.commands.simulate import SimulateSettings, simulate
from calovox.jobs.scheduler import Part, PartsOfRun, dask_executor

MODEL = "calodit"
EVENTS = 4000
PART = 500
OVERHEAD = 1e-3  # of the scheduler for a task, as its documentation says
WORKERS = (16, 100, 1000)
TASKS = (1_000, 10_000)


def make(folder: Path, part: Part) -> None:
    started = time.monotonic()
    settings = SimulateSettings(
        output=part.outputs[0],
        model=MODEL,
        energy="log:256MeV:2TeV",
        eta="abs:0:1.3",
        number=part.number,
        first_event=part.first,
    )
    simulate(settings, Job(overwrite=True, provenance={"settings": {"number": part.number}}))
    (folder / f"{part.first}.txt").write_text(f"{time.monotonic() - started}")


def measure(n_workers: int, folder: Path) -> tuple[float, float, np.ndarray]:
    """Give the times of all parts together, of merging, and of each part, in seconds."""
    parts = PartsOfRun.cut(0, count(EVENTS), count(PART), [folder / "simulated.h5"])
    with (
        LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=None) as cluster,
        parts.kept({}),
        dask_executor(cluster.scheduler_address) as executor,
    ):
        warm = [executor.submit(make, folder, Part(n, 2, (folder / f"w{n}.h5",))) for n in (0, 2)]
        for future in warm:  # kernels and models are read once in each process
            future.result()
        started = time.monotonic()
        parts.run(executor, partial(make, folder))
        ran = time.monotonic()
        parts.merge()
        merged = time.monotonic()
    seconds = [float((folder / f"{part.first}.txt").read_text()) for part in parts.parts]
    return ran - started, merged - ran, np.array(seconds)


def play(seconds: np.ndarray, n_workers: int, merging: float) -> float:
    """Give the efficiency of a scheduler that hands out one task after the other."""
    free = [0.0] * n_workers
    clock = itertools.count()
    for task in seconds:
        start = max(heapq.heappop(free), OVERHEAD * next(clock))
        heapq.heappush(free, start + task)
    return float(seconds.sum() / (n_workers * (max(free) + merging)))


def main() -> None:
    measured: dict[int, tuple[float, float, np.ndarray]] = {}
    for n_workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            measured[n_workers] = measure(n_workers, Path(folder))
    wall, merging, seconds = measured[1]
    print(f"{len(seconds)} parts of {count(PART)} showers: {seconds.mean():.2f} s each")
    print(f"one worker: {wall:.1f} s, efficiency {seconds.sum() / wall:.2f}")
    both, _, _ = measured[2]
    print(f"two workers: {both:.1f} s, {wall / both:.2f} times as fast")
    per_part = merging / len(seconds)
    print(f"merging: {per_part:.3f} s a part, by one process")
    rng = np.random.default_rng(1)
    print("workers   tasks   efficiency   without merging")
    for n_workers, n_tasks in itertools.product(WORKERS, TASKS):
        drawn = rng.choice(seconds, n_tasks)
        with_merging = play(drawn, n_workers, per_part * n_tasks)
        print(
            f"{n_workers:7d} {n_tasks:7d} {with_merging:12.2f} {play(drawn, n_workers, 0.0):17.2f}"
        )


if __name__ == "__main__":
    run(main)
