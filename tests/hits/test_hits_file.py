import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest

from calovox.hits import Hits, HitsFileError, HitsReader, HitsWriter, read_hits
from tests.toy_showers import toy_showers


def write(path: Path, hits: Hits, **options: object) -> Path:
    with HitsWriter(path, provenance={"seed": 1, "command": "toy"}, **options) as writer:
        for start in range(0, len(hits), 3):
            writer.append(hits[start : start + 3])
    return path


def assert_same(a: Hits, b: Hits) -> None:
    for name in ("layer", "eta", "phi", "r", "energy", "event_offsets"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    for name in ("energy", "eta", "phi", "index"):
        np.testing.assert_array_equal(getattr(a.photons, name), getattr(b.photons, name))


def test_written_hits_read_back_unchanged(tmp_path: Path) -> None:
    hits = toy_showers(10, n_hits=50)
    path = write(tmp_path / "a.h5", hits, phi_modulation={"amplitude": [0.1, 0.2]})
    assert_same(read_hits(path), hits)
    reader = HitsReader(path)
    assert len(reader) == 10
    assert reader.provenance == {"seed": 1, "command": "toy"}
    assert reader.phi_modulation == {"amplitude": [0.1, 0.2]}
    assert reader.summary()["events"] == "10"
    assert not list(tmp_path.glob(".*"))


def test_batches_hold_at_most_so_many_hits_and_all_events(tmp_path: Path) -> None:
    hits = toy_showers(20, n_hits=100)
    reader = HitsReader(write(tmp_path / "a.h5", hits))
    batches = list(reader.batches(max_hits=350))
    assert all(batch.n_hits <= 350 for batch in batches)
    assert [len(batch) for batch in batches] != [1] * 20
    assert np.concatenate([batch.energy for batch in batches]).tolist() == hits.energy.tolist()
    assert [len(batch) for batch in reader.batches(max_hits=1)] == [1] * 20


def test_hits_written_in_several_pieces_read_back_unchanged(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("calovox.hits.file._BUFFERED_HITS", 1)
    hits = toy_showers(10, n_hits=50)
    assert_same(read_hits(write(tmp_path / "a.h5", hits)), hits)


def test_a_batch_may_have_exactly_as_many_hits_as_allowed(tmp_path: Path) -> None:
    hits = toy_showers(3, n_hits=50)
    reader = HitsReader(write(tmp_path / "a.h5", hits))
    first, rest = reader.batches(max_hits=int(hits.event_offsets[2]))
    assert (len(first), len(rest)) == (2, 1)


def test_a_file_without_events_reads_back(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", toy_showers(1)[:0])
    assert len(read_hits(path)) == 0
    assert list(HitsReader(path).batches()) == []
    assert HitsReader(path).summary()["hits"] == "0"


def test_rounding_stays_within_its_documented_error(tmp_path: Path) -> None:
    hits = toy_showers(10, n_hits=200)
    path = write(tmp_path / "a.h5", hits, precision_bits=12, round_positions=True)
    rounded = read_hits(path)
    np.testing.assert_allclose(rounded.energy, hits.energy, rtol=2.0**-13)
    for name in ("eta", "phi", "r"):
        error = getattr(rounded, name).astype(float) - getattr(hits, name)
        assert np.max(np.abs(error) * (1.0 if name == "r" else 1900.0)) < 0.005
    assert np.all(np.abs(rounded.phi) < np.pi)
    assert path.stat().st_size < write(tmp_path / "b.h5", hits).stat().st_size


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    hits = toy_showers(2, n_hits=30)
    path = write(tmp_path / "a.h5", hits)
    bad = dataclasses.replace(hits, energy=np.full_like(hits.energy, np.nan))
    with pytest.raises(ValueError, match="finite numbers in `energy`, got nan in hit 0"):
        write(path, bad, overwrite=True)
    assert_same(read_hits(path), hits)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.h5"]
    with pytest.raises(FileExistsError, match=r"a\.h5 exists"):
        write(path, hits)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.__delitem__("eta"), "the dataset `eta` is missing"),
        (lambda f: f["phi"].resize(10, axis=0), "rows of `phi`, got 10"),
        (lambda f: f["event/eta"].resize(1, axis=0), "expected 4 rows of `event/eta`, got 1"),
        (lambda f: f["r"].__setitem__(3, np.nan), "finite numbers in `r`, got nan in hit 3"),
        (lambda f: f["layer"].__setitem__(0, 255), "expected numbers of layers, got 255"),
        (lambda f: f["event/energy"].__setitem__(1, -5), "energies above 0, got -5.0 in event 1"),
        (lambda f: f["event_offsets"].__setitem__(1, 10**6), "must rise from 0"),
        (lambda f: f.attrs.__setitem__("version", 9), "expected version 1 .* got 9"),
        (lambda f: f.attrs.__delitem__("format"), "is no hits file"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, change, message: str) -> None:
    path = write(tmp_path / "a.h5", toy_showers(4, n_hits=30))
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(HitsFileError, match=message) as caught:
        read_hits(path)
    assert "\n" not in str(caught.value)


def test_files_that_are_truncated_or_something_else_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", toy_showers(20, n_hits=300))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HitsFileError, match="truncated or damaged"):
        read_hits(path)
    path.write_text("something else")
    with pytest.raises(HitsFileError, match="is no HDF5 file"):
        read_hits(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_hits(tmp_path / "b.h5")


def weighted_showers(n_events: int, *, n_hits: int = 50) -> Hits:
    hits = toy_showers(n_events, n_hits=n_hits)
    photons = dataclasses.replace(
        hits.photons,
        weight=np.linspace(0.1, 2.0, n_events),
        interaction_radius=np.append(np.linspace(1200.0, 1600.0, n_events - 1), np.inf),
    )
    return dataclasses.replace(hits, photons=photons)


def test_weights_and_interactions_read_back_unchanged(tmp_path: Path) -> None:
    hits = weighted_showers(10)
    reader = HitsReader(write(tmp_path / "a.h5", hits), takes_weights=True)
    assert reader.optional == ("weight", "interaction_radius")
    for photons in (reader.read().photons, reader.photons(), reader.read(slice(2, 10)).photons):
        first = int(photons.index[0] - hits.photons.index[0])
        for name in reader.optional:
            expected = getattr(hits.photons, name)[first:]
            np.testing.assert_array_equal(getattr(photons, name), expected)


def test_weights_are_refused_where_nobody_takes_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", weighted_showers(3))
    with pytest.raises(HitsFileError, match=r"a\.h5: expected showers that count alike"):
        HitsReader(path)


def test_a_file_has_weights_for_all_events_or_for_none(tmp_path: Path) -> None:
    writer = HitsWriter(tmp_path / "a.h5", provenance={})
    with pytest.raises(ValueError, match="differing: weight"), writer:
        writer.append(toy_showers(2, n_hits=10))
        writer._flush()
        photons = dataclasses.replace(toy_showers(2, n_hits=10).photons, weight=np.ones(2))
        writer.append(dataclasses.replace(toy_showers(2, n_hits=10), photons=photons))
    assert not (tmp_path / "a.h5").exists()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("weight", 0.0, "weights above 0"), ("interaction_radius", np.nan, "radii of 0 or more")],
)
def test_impossible_weights_and_radii_are_refused(tmp_path, name, value, message) -> None:
    path = write(tmp_path / "a.h5", weighted_showers(3))
    with h5py.File(path, "r+") as file:
        file["event"][name][1] = value
    with pytest.raises(HitsFileError, match=message):
        HitsReader(path, takes_weights=True).read()
