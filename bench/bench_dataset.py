"""Rates and sizes of dataset and hits files on one core, for each compression and rounding.

Run from the repository: ``python -m bench.bench_dataset``; ratios are of one run. Rates are per
second of processor time, best of three. Showers are toy showers of 256 MeV to 4 TeV, with voxels
varied so that no two showers are alike; real ones have more empty voxels, and smaller files.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.timing import best_time, count, run
from calovox.dataset import DatasetReader, DatasetWriter
from calovox.hits import Hits, HitsReader, HitsWriter
from calovox.voxelization import VoxelGrid, Voxels, hits_to_voxels
from tests.toy_showers import toy_showers

BATCH = 1000


def best_rate(count: int, function: Callable[[], Any]) -> float:
    return count / best_time(function, repeats=3)


def toy_voxels(grid: VoxelGrid, n_events: int) -> Voxels:
    rng = np.random.default_rng(1)
    n_different = count(500)
    energies = 256.0 * 2.0 ** rng.uniform(0, 14, n_different)
    sample = hits_to_voxels(toy_showers(n_different, n_hits=count(1000), energy=energies), grid)
    many = sample[rng.integers(0, n_different, n_events)]
    factors = rng.lognormal(0.0, 0.2, many.energy.shape)
    return replace(many, energy=(many.energy * factors).astype(np.float32))


def write_dataset(path: Path, voxels: Voxels, **options: Any) -> None:
    with DatasetWriter(path, voxels.grid, provenance={}, overwrite=True, **options) as writer:
        for first in range(0, len(voxels), BATCH):
            writer.append(voxels[first : first + BATCH])


def write_hits(path: Path, hits: Hits, **options: Any) -> None:
    with HitsWriter(path, provenance={}, overwrite=True, **options) as writer:
        for first in range(0, len(hits), 20):
            writer.append(hits[first : first + 20])


def exhaust(batches: Iterator[Any]) -> None:
    for _ in batches:
        pass


def bench_dataset(folder: Path, voxels: Voxels) -> None:
    reference = 0.0
    print(f"\n{voxels!r}")
    print("compression  bits   write [/s]   of plain   read [/s]   bytes per event")
    for compression in ("none", "blosc2", "gzip"):
        for bits in (None, 12, 8):
            path = folder / f"{compression}-{bits}.h5"
            options = {"precision_bits": bits, "compression": compression}
            write = best_rate(len(voxels), lambda: write_dataset(path, voxels, **options))  # noqa: B023
            read = best_rate(len(voxels), lambda: exhaust(DatasetReader(path).batches()))  # noqa: B023
            reference = reference or write
            print(
                f"{compression:11s}{bits or 23:6d}{write:13.0f}{write / reference:11.2f}"
                f"{read:12.0f}{path.stat().st_size / len(voxels):18.0f}"
            )


def bench_hits(folder: Path, hits: Hits) -> None:
    print(f"\n{hits!r}")
    print("bits  positions   write [M hits/s]   read [M hits/s]   bytes per hit")
    for bits, rounded in ((None, False), (12, False), (12, True), (8, True)):
        path = folder / f"hits-{bits}-{rounded}.h5"
        options = {"precision_bits": bits, "round_positions": rounded}
        write = best_rate(hits.n_hits, lambda: write_hits(path, hits, **options))  # noqa: B023
        read = best_rate(hits.n_hits, lambda: exhaust(HitsReader(path).batches()))  # noqa: B023
        print(
            f"{bits or 23:4d}{'rounded' if rounded else 'exact':>11s}{write / 1e6:19.1f}"
            f"{read / 1e6:18.1f}{path.stat().st_size / hits.n_hits:16.2f}"
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench_dataset(Path(folder), toy_voxels(VoxelGrid.optimal(), count(40_000)))
    with tempfile.TemporaryDirectory() as folder:
        bench_dataset(Path(folder), toy_voxels(VoxelGrid.regular(), count(10_000)))
    with tempfile.TemporaryDirectory() as folder:
        bench_hits(Path(folder), toy_showers(count(300), n_hits=count(10_000)))


if __name__ == "__main__":
    run(main)
