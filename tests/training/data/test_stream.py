import tracemalloc
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.training.data.showers import ShowerFiles, voxels_to_showers
from calovox.training.data.stream import Share, ShowerStream
from calovox.voxelization import VoxelGrid, hits_to_voxels
from calovox.voxelization.reflection import mirrored_voxels
from tests.toy_showers import toy_showers

N_EVENTS = 103


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> DatasetReader:
    path: Path = tmp_path_factory.mktemp("dataset") / "a.h5"
    with DatasetWriter(path, VoxelGrid.optimal(), provenance={}) as writer:
        writer.append(hits_to_voxels(toy_showers(N_EVENTS, n_hits=50), VoxelGrid.optimal()))
    return DatasetReader(path)


STREAMS = {
    "in memory": {"buffer_size": 1000, "block_size": 7},
    "streamed": {"buffer_size": 30, "block_size": 7},
    "one batch at a time": {"buffer_size": 1, "block_size": 1000},
}


@pytest.mark.parametrize("sizes", STREAMS.values(), ids=STREAMS)
def test_an_epoch_has_every_event_once_in_a_new_order(
    reader: DatasetReader, sizes: dict[str, int]
) -> None:
    stream = ShowerStream(ShowerFiles([reader]), batch_size=10, seed=1, **sizes)
    assert stream.n_batches == 11
    batches = list(islice(stream.batches(), 33))
    epochs = [np.concatenate([b.events for b in batches[k : k + 11]]) for k in (0, 11, 22)]
    for rows in epochs:
        np.testing.assert_array_equal(np.sort(rows), np.arange(N_EVENTS))
    assert not np.array_equal(epochs[0], epochs[1])
    assert [len(b.events) for b in batches[:11]] == [10] * 10 + [3]


@pytest.mark.parametrize("sizes", STREAMS.values(), ids=STREAMS)
def test_batches_hold_the_showers_of_their_events(
    reader: DatasetReader, sizes: dict[str, int]
) -> None:
    everything = voxels_to_showers(reader.read())
    for batch in islice(
        ShowerStream(ShowerFiles([reader]), batch_size=10, seed=1, **sizes).batches(), 12
    ):
        rows = torch.from_numpy(batch.events)
        assert torch.equal(batch.showers.voxels, everything.voxels[rows])
        assert torch.equal(batch.showers.layer_energy, everything.layer_energy[rows])
        assert torch.equal(batch.showers.conditions.energy, everything.conditions.energy[rows])
        assert torch.equal(batch.showers.conditions.eta, everything.conditions.eta[rows])


@pytest.mark.parametrize("sizes", STREAMS.values(), ids=STREAMS)
def test_half_of_the_showers_are_reflected(reader: DatasetReader, sizes: dict[str, int]) -> None:
    everything = voxels_to_showers(reader.read())
    mirror = torch.from_numpy(mirrored_voxels(reader.grid))
    stream = ShowerStream(ShowerFiles([reader]), batch_size=10, seed=1, reflect=True, **sizes)
    batches = list(islice(stream.batches(), 22))
    for batch in batches:
        voxels = everything.voxels[torch.from_numpy(batch.events)]
        mirrored = torch.from_numpy(batch.mirrored)[:, None]
        expected = torch.where(mirrored, voxels[:, mirror], voxels)
        assert torch.equal(batch.showers.voxels, expected)
    epochs = [np.concatenate([b.mirrored for b in batches[k : k + 11]]) for k in (0, 11)]
    assert 0.3 < epochs[0].mean() < 0.7
    assert not np.array_equal(epochs[0], epochs[1])
    assert torch.equal(stream.files.read(np.arange(N_EVENTS)).voxels, everything.voxels)


@pytest.mark.parametrize("n_ranks", [2, 3, 7])
def test_shares_of_a_batch_make_up_the_batch(reader: DatasetReader, n_ranks: int) -> None:
    stream = ShowerStream(ShowerFiles([reader]), batch_size=10, seed=1)
    shares = [islice(stream.batches(share=Share(rank, n_ranks)), 11) for rank in range(n_ranks)]
    for whole, *parts in zip(stream.batches(), *shares, strict=False):
        counted = [part for part in parts if part.weight > 0]
        events = np.concatenate([part.events for part in counted])
        assert sorted(events) == sorted(whole.events)
        assert sum(part.weight for part in parts) == pytest.approx(n_ranks)
        assert all(len(part.events) > 0 for part in parts)


def test_several_files_are_one_with_the_showers_in_the_ranges(
    tmp_path: Path, reader: DatasetReader
) -> None:
    voxels = reader.read()
    paths = [tmp_path / "a.h5", tmp_path / "b.h5"]
    for path, part in zip(paths, (voxels[:40], voxels[40:]), strict=True):
        with DatasetWriter(path, reader.grid, provenance={}) as writer:
            writer.append(part)
    files = ShowerFiles([DatasetReader(path) for path in paths], eta_range=(0.3, 0.8))
    rows = np.flatnonzero((np.abs(voxels.eta_center) >= 0.3) & (np.abs(voxels.eta_center) < 0.8))
    assert len(files) == len(rows) < N_EVENTS
    order = np.random.default_rng(1).permutation(len(files))
    expected = torch.from_numpy(voxels.energy[rows[order]])
    assert torch.equal(files.read(order).voxels, expected)
    parts = torch.cat([part.voxels for part in files.batches(9)])
    assert torch.equal(parts, torch.from_numpy(voxels.energy[rows]))
    places = [(paths[int(row >= 40)], row - 40 * (row >= 40)) for row in rows]
    assert [files.locate(number) for number in range(len(files))] == places


def test_showers_beyond_a_range_of_energies_cover_it(tmp_path: Path) -> None:
    """Although the last of those within may lie far below its end."""
    path = tmp_path / "sparse.h5"
    with DatasetWriter(path, VoxelGrid.optimal(), provenance={}) as writer:
        hits = toy_showers(4, n_hits=50, energy=np.array([1e3, 1e4, 3e5, 5e5]))
        writer.append(hits_to_voxels(hits, VoxelGrid.optimal()))
    files = ShowerFiles([DatasetReader(path)], energy_range=(1e3, 4e5))
    assert files.energy_range == pytest.approx((1e3, 3e5))
    assert files.covered_range == pytest.approx((1e3, 5e5))


def test_files_that_do_not_fit_are_refused(tmp_path: Path, reader: DatasetReader) -> None:
    path = tmp_path / "regular.h5"
    with DatasetWriter(path, VoxelGrid.regular(), provenance={}) as writer:
        writer.append(hits_to_voxels(toy_showers(2, n_hits=50), VoxelGrid.regular()))
    with pytest.raises(ValueError, match=r"regular\.h5: expected the voxels of .*a\.h5"):
        ShowerFiles([reader, DatasetReader(path)])
    with pytest.raises(ValueError, match=r"got none of 103"):
        ShowerFiles([reader], eta_range=(5.0, 6.0))


@pytest.mark.parametrize("sizes", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("start", [0, 1, 5, 10, 11, 27])
def test_a_stream_goes_on_anywhere(
    reader: DatasetReader, sizes: dict[str, int], start: int
) -> None:
    stream = ShowerStream(ShowerFiles([reader]), batch_size=10, seed=4, reflect=True, **sizes)
    whole = list(islice(stream.batches(), start + 5))
    later = list(islice(stream.batches(start), 5))
    for expected, found in zip(whole[start:], later, strict=True):
        np.testing.assert_array_equal(found.events, expected.events)
        assert torch.equal(found.showers.voxels, expected.showers.voxels)


def test_layer_energies_are_sums_of_voxels(reader: DatasetReader) -> None:
    showers = voxels_to_showers(reader.read())
    parts = showers.voxels.split(np.diff(reader.grid.layer_boundaries).tolist(), dim=1)
    torch.testing.assert_close(showers.layer_energy, torch.stack([p.sum(1) for p in parts], 1))
    assert showers.voxels.dtype == showers.conditions.energy.dtype == torch.float32


def test_a_streamed_dataset_is_not_held_in_memory(tmp_path: Path, reader: DatasetReader) -> None:
    n_events = 3000
    with DatasetWriter(tmp_path / "large.h5", reader.grid, provenance={}) as writer:
        writer.append(reader.read()[np.arange(n_events) % N_EVENTS])
    files = ShowerFiles([DatasetReader(tmp_path / "large.h5")])
    stream = ShowerStream(files, batch_size=5, seed=1, buffer_size=10, block_size=5)
    for _ in islice(stream.batches(), 3):
        pass
    tracemalloc.start()
    for _ in islice(stream.batches(), 21):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n_events * 382 * 4 / 2


def test_sizes_below_one_are_refused(reader: DatasetReader) -> None:
    with pytest.raises(ValueError, match="sizes of 1 or more, got batch_size=0"):
        ShowerStream(ShowerFiles([reader]), batch_size=0, seed=1)


@pytest.fixture(scope="module")
def weighted(reader: DatasetReader) -> DatasetReader:
    path = reader.path.with_name("weighted.h5")
    weight = np.random.default_rng(1).exponential(1.0, N_EVENTS)
    weight *= N_EVENTS / weight.sum()
    with DatasetWriter(path, reader.grid, provenance={}) as writer:
        writer.append(replace(reader.read(), weight=weight))
    return DatasetReader(path, takes_weights=True)


@pytest.mark.parametrize("sizes", STREAMS.values(), ids=STREAMS)
def test_epochs_have_showers_as_often_as_they_weigh(
    weighted: DatasetReader, sizes: dict[str, int]
) -> None:
    files = ShowerFiles([weighted])
    stream = ShowerStream(files, batch_size=10, seed=1, **sizes)
    n_epochs = 60
    batches = list(islice(stream.batches(), n_epochs * stream.n_batches))
    drawn = np.concatenate([batch.events for batch in batches])
    assert len(drawn) == n_epochs * N_EVENTS == stream.n_showers(len(batches))
    counts = np.bincount(drawn, minlength=N_EVENTS) / n_epochs
    assert files.weights is not None
    assert np.all(np.abs(counts - files.weights) < 5.0 * 0.5 / np.sqrt(n_epochs))
    everything = voxels_to_showers(weighted.read())
    for batch in batches[:12]:
        expected = everything.voxels[torch.from_numpy(batch.events)]
        assert torch.equal(batch.showers.voxels, expected)
    later = next(stream.batches(25))
    np.testing.assert_array_equal(later.events, batches[25].events)


def test_fits_see_showers_as_often_as_they_weigh(
    weighted: DatasetReader, reader: DatasetReader
) -> None:
    files = ShowerFiles([weighted, reader])
    drawn = files.drawn(3)
    assert drawn.weights is None
    assert len(drawn) == 2 * N_EVENTS
    energies = torch.cat([part.conditions.energy for part in drawn.batches(50)])
    np.testing.assert_allclose(energies.numpy(), drawn.energies(), rtol=1e-6)
    counts = np.bincount(drawn.rows, minlength=2 * N_EVENTS)
    assert files.weights is not None
    assert np.all(np.abs(counts - files.weights) < 1.0)
    plain = ShowerFiles([reader])
    assert plain.drawn(3) is plain


def test_late_showers_alone_are_refused(reader: DatasetReader) -> None:
    path = reader.path.with_name("late.h5")
    with DatasetWriter(path, reader.grid, provenance={}) as writer:
        writer.append(replace(reader.read(), weight=np.full(N_EVENTS, 0.08)))
    with pytest.raises(ValueError, match=r"late\.h5: expected a sample of all showers.*share"):
        ShowerFiles([DatasetReader(path, takes_weights=True)])
