import dataclasses
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from calovox.dataset import DatasetError, DatasetReader, DatasetWriter, read_dataset
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.voxelization import VoxelGrid, Voxels, concatenate_voxels, hits_to_voxels
from tests.geometry.test_cell_energies import toy_cells
from tests.toy_showers import toy_showers
from tests.voxelization.test_grid import shuffled

GRID = VoxelGrid.optimal()


@pytest.fixture(scope="module")
def voxels() -> Voxels:
    return hits_to_voxels(toy_showers(12, n_hits=100), GRID)


def write(path: Path, voxels: Voxels, *, step: int = 5, **options: object) -> Path:
    with DatasetWriter(path, voxels.grid, provenance={"seed": 1}, **options) as writer:
        for start in range(0, len(voxels), step):
            writer.append(voxels[start : start + step])
    return path


def write_public(path: Path, voxels: Voxels, dtype: str, **storage: object) -> Path:
    """A file with the keys of Table A.1 alone, as someone else would write it."""
    grid = voxels.grid
    with h5py.File(path, "w") as file:
        file.create_dataset("incident_energy", data=voxels.incident_energy[:, None].astype(dtype))
        file.create_dataset("eta_center", data=voxels.eta_center.astype(dtype))
        for layer in BARREL_NUMBERS:
            of_layer = grid.layer_slice(layer)
            columns = {
                "energy": voxels.energy,
                "binstart_alpha": grid.alpha_min,
                "binsize_alpha": grid.alpha_max - grid.alpha_min,
                "binstart_radius": grid.r_min,
                "binsize_radius": grid.r_max - grid.r_min,
            }
            for name, values in columns.items():
                data = values[..., of_layer].astype(dtype)
                file.create_dataset(f"{name}_layer_{layer}", data=data, **storage)
    return path


def assert_same(a: Voxels, b: Voxels) -> None:
    assert a.grid == b.grid
    for field in dataclasses.fields(Voxels)[1:]:
        np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name))


@pytest.mark.parametrize("grid", [GRID, VoxelGrid.regular(), shuffled(GRID)], ids=repr)
@pytest.mark.parametrize("compression", ["blosc2", "gzip", "none"])
def test_written_voxels_read_back_unchanged(
    tmp_path: Path, grid: VoxelGrid, compression: str
) -> None:
    voxels = hits_to_voxels(toy_showers(7, n_hits=60), grid)
    path = write(tmp_path / "a.h5", voxels, step=3, compression=compression)
    assert_same(read_dataset(path), voxels)
    reader = DatasetReader(path)
    assert len(reader) == 7
    assert reader.provenance == {"seed": 1}
    assert reader.grid.name == grid.name
    assert reader.summary()["events"] == "7"
    assert_same(reader.read(slice(2, 5)), voxels[2:5])
    assert [len(batch) for batch in reader.batches(3)] == [3, 3, 1]


def test_the_root_has_the_keys_of_the_note_and_groups(tmp_path: Path, voxels: Voxels) -> None:
    path = write(tmp_path / "a.h5", voxels)
    edges = [f"bin{a}_{b}" for a in ("start", "size") for b in ("alpha", "radius")]
    expected = {f"{name}_layer_{layer}" for name in ("energy", *edges) for layer in BARREL_NUMBERS}
    expected |= {"incident_energy", "eta_center", "center_eta", "event", "meta"}
    with h5py.File(path) as file:
        assert set(file) == expected
        assert file["energy_layer_1"].shape == (12, 164)
        np.testing.assert_array_equal(file["center_eta"], file["eta_center"])
        assert file["binstart_alpha_layer_2"].dtype == np.float32


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("storage", [{}, {"compression": "gzip", "chunks": True}], ids=str)
@pytest.mark.parametrize("grid", [GRID, shuffled(GRID)], ids=repr)
def test_files_with_the_notes_keys_alone_load(
    tmp_path: Path, grid: VoxelGrid, dtype: str, storage: dict[str, object]
) -> None:
    voxels = hits_to_voxels(toy_showers(5, n_hits=60), grid)
    found = read_dataset(write_public(tmp_path / "a.h5", voxels, dtype, **storage))
    assert found.grid == grid
    np.testing.assert_array_equal(found.energy, voxels.energy)
    np.testing.assert_allclose(found.eta_center, voxels.eta_center, rtol=1e-6)
    assert found.phi_center is found.index is found.photon_eta is None
    reader = DatasetReader(tmp_path / "a.h5")
    assert reader.cells() is None
    assert reader.phi_mod() is None
    assert reader.attached("calibration") is None
    assert reader.provenance == {}


def test_a_file_with_the_librarys_name_of_eta_loads(tmp_path: Path, voxels: Voxels) -> None:
    path = write(tmp_path / "a.h5", voxels)
    with h5py.File(path, "r+") as file:
        del file["eta_center"]
    assert_same(read_dataset(path), voxels)


def test_cells_attachments_and_phi_mod_read_back(tmp_path: Path, voxels: Voxels) -> None:
    cells = toy_cells(12)
    phi_mod = np.linspace(0.0, 0.006, 12)
    path = tmp_path / "a.h5"
    calibration = {"weights": np.ones((2, 5)), "offset": 3.5, "n_events": np.int64(12)}
    with DatasetWriter(path, GRID, provenance={}, cell_table="barrel") as writer:
        for start in (0, 4, 8):
            events = slice(start, start + 4)
            writer.append(voxels[events], cells[events], phi_mod=phi_mod[events])
        writer.attach("calibration", calibration)
    reader = DatasetReader(path)
    for events in (slice(None), slice(3, 9), slice(0, 0)):
        found = reader.cells(events)
        assert found is not None
        for name in ("cell", "energy", "event_offsets", "outside"):
            np.testing.assert_array_equal(getattr(found, name), getattr(cells[events], name))
    assert reader.cell_table == "barrel"
    np.testing.assert_array_equal(reader.phi_mod(slice(3, 5)), phi_mod[3:5])
    attached = reader.attached("calibration")
    assert attached is not None
    assert attached["weights"].shape == (2, 5)
    assert attached["offset"] == 3.5
    assert reader.summary()["attached"] == "calibration"


def test_rounding_is_recorded_and_within_its_error(tmp_path: Path, voxels: Voxels) -> None:
    path = write(tmp_path / "a.h5", voxels, precision_bits=12)
    np.testing.assert_allclose(read_dataset(path).energy, voxels.energy, rtol=2.0**-13)
    assert '"precision_bits": 12' in DatasetReader(path).attributes["rounding"]
    with pytest.raises(ValueError, match="expected 1 to 23, got 30"):
        write(tmp_path / "b.h5", voxels, precision_bits=30)


def test_memory_does_not_grow_with_the_file(tmp_path: Path, voxels: Voxels) -> None:
    peaks = []
    for repeat in (10, 100):
        many = voxels[np.arange(12 * repeat * 5) % 12]
        reader = DatasetReader(write(tmp_path / f"{repeat}.h5", many, step=600))
        sum(len(batch) for batch in reader.batches(100))
        tracemalloc.start()
        assert sum(len(batch) for batch in reader.batches(100)) == len(many)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < 2e6


def test_an_empty_dataset_reads_back(tmp_path: Path, voxels: Voxels) -> None:
    path = write(tmp_path / "a.h5", voxels[:0])
    assert len(read_dataset(path)) == 0
    assert list(DatasetReader(path).batches()) == []


def test_the_writer_refuses_what_does_not_fit(tmp_path: Path, voxels: Voxels) -> None:
    path = write(tmp_path / "a.h5", voxels)
    bare = dataclasses.replace(voxels, photon_eta=None)
    negative = dataclasses.replace(voxels, energy=voxels.energy - 1)
    other = hits_to_voxels(toy_showers(1, n_hits=20), VoxelGrid.regular())
    for wrong, message in (
        (other, "expected voxels of .*optimal.*, got those of .*regular"),
        (bare, "the columns of the first batch in all batches, differing: photon_eta"),
        (negative, "expected finite voxel energies, none negative"),
    ):
        with (
            pytest.raises(ValueError, match=message),
            DatasetWriter(path, GRID, provenance={}, overwrite=True) as writer,
        ):
            writer.append(voxels)
            writer.append(wrong)
    with (
        pytest.raises(ValueError, match="expected `cells` of 12 events, got 3"),
        DatasetWriter(path, GRID, provenance={}, overwrite=True) as writer,
    ):
        writer.append(voxels, toy_cells(3))
    with pytest.raises(FileExistsError, match="exists"):
        write(path, voxels)
    assert_same(read_dataset(path), voxels)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.h5"]


def replaced(key: str, shape: tuple[int, ...]) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[key]
        file[key] = np.ones(shape)

    return change


def assigned(key: str, place: int | tuple[int, int], value: float) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[key][place] = value

    return change


def to_text(file: h5py.File) -> None:
    del file["eta_center"], file["center_eta"]
    file["eta_center"] = [b"0.1"] * 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.__delitem__("incident_energy"), "the key `incident_energy` is missing"),
        (lambda f: f.__delitem__("energy_layer_12"), "the key `energy_layer_12` is missing"),
        (lambda f: f.__delitem__("binsize_radius_layer_1"), "`binsize_radius_layer_1` is missing"),
        (to_text, "expected numbers in `eta_center`"),
        (replaced("energy_layer_2", (12, 111)), r"`energy_layer_2` of shape \(12, 110\), got"),
        (replaced("energy_layer_2", (11, 110)), r"`energy_layer_2` of shape .*got \(11, 110\)"),
        (replaced("incident_energy", (12, 2)), r"`incident_energy` of shape \(12,\), got"),
        (replaced("event/phi_center", (3,)), r"`event/phi_center` of shape .* got \(3,\)"),
        (replaced("cells/outside", (3,)), r"`cells/outside` of shape .* got \(3,\)"),
        (replaced("binstart_alpha_layer_0", (36, 2)), "`binstart_alpha_layer_0` as a flat column"),
        (assigned("binstart_alpha_layer_0", 3, 0.0), "layer 0 .*overlap or leave a hole"),
        (assigned("energy_layer_1", (5, 7), np.nan), "got nan in event 5, voxel 7"),
        (assigned("energy_layer_1", (5, 7), np.inf), "got inf in event 5, voxel 7"),
        (assigned("energy_layer_1", (5, 7), -0.5), "got -0.5 in event 5, voxel 7"),
        (assigned("incident_energy", 3, np.nan), "`incident_energy`, got nan in row 3"),
        (assigned("incident_energy", 3, 0.0), "`incident_energy` above 0, got 0.0 in event 3"),
        (assigned("eta_center", 3, np.nan), "`eta_center`, got nan in row 3"),
        (assigned("cells/event_offsets", 3, 10**6), "`event_offsets` must rise"),
        (assigned("cells/energy", 3, np.nan), "`cells/energy`, got nan in row 3"),
        (lambda f: f["meta"].attrs.__setitem__("version", 9), "expected version 1 .* got 9"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(
    tmp_path: Path, voxels: Voxels, change: Callable[[h5py.File], None], message: str
) -> None:
    path = tmp_path / "a.h5"
    with DatasetWriter(path, GRID, provenance={}) as writer:
        writer.append(voxels, toy_cells(12))
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(DatasetError, match=message) as caught:
        list(DatasetReader(path).batches(4)), DatasetReader(path).cells()
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_truncated_files_and_other_files_are_refused(tmp_path: Path, voxels: Voxels) -> None:
    path = write(tmp_path / "a.h5", voxels)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError, match="truncated or damaged") as caught:
        read_dataset(path)
    assert "\n" not in str(caught.value)
    path.write_bytes(b"PK" + content[2:])
    with pytest.raises(DatasetError, match="is no HDF5 file"):
        read_dataset(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_dataset(tmp_path / "b.h5")


def test_damage_anywhere_is_read_or_refused_in_one_line(tmp_path: Path, voxels: Voxels) -> None:
    path = write(tmp_path / "a.h5", voxels)
    content = path.read_bytes()
    rng = np.random.default_rng(4)
    messages = []
    for place in rng.integers(0, len(content), 20):
        damaged = bytearray(content)
        damaged[place : place + 64] = rng.bytes(len(damaged[place : place + 64]))
        path.write_bytes(bytes(damaged))
        try:
            read_dataset(path)
        except DatasetError as problem:
            messages.append(str(problem))
    assert messages
    assert not any("\n" in message for message in messages)


def test_flags_of_extrapolated_photons_read_back(tmp_path: Path, voxels: Voxels) -> None:
    flags = np.arange(12) % 3 == 0
    flagged = dataclasses.replace(voxels, extrapolated=flags)
    found = read_dataset(write(tmp_path / "a.h5", flagged))
    assert_same(found, flagged)
    assert found.extrapolated.dtype == bool


def weighted(voxels: Voxels) -> Voxels:
    radius = np.append(np.linspace(1200.0, 1600.0, len(voxels) - 1), np.inf)
    weight = np.linspace(0.1, 2.0, len(voxels))
    return dataclasses.replace(voxels, weight=weight, interaction_radius=radius)


def test_weights_and_interactions_read_back_unchanged(tmp_path: Path, voxels: Voxels) -> None:
    path = write(tmp_path / "a.h5", weighted(voxels))
    reader = DatasetReader(path, takes_weights=True)
    assert_same(reader.read(), weighted(voxels))
    np.testing.assert_array_equal(reader.weights(), weighted(voxels).weight)
    with pytest.raises(DatasetError, match=r"a\.h5: expected showers that count alike"):
        DatasetReader(path)
    plain = DatasetReader(write(tmp_path / "b.h5", voxels))
    np.testing.assert_array_equal(plain.weights(), np.ones(len(voxels)))


def test_impossible_weights_are_refused(tmp_path: Path, voxels: Voxels) -> None:
    path = write(tmp_path / "a.h5", weighted(voxels))
    with h5py.File(path, "r+") as file:
        file["event/weight"][2] = -1.0
    with pytest.raises(DatasetError, match=r"weights above 0, got -1\.0 in row 2"):
        DatasetReader(path, takes_weights=True).weights()


def test_joined_voxels_keep_weights(voxels: Voxels) -> None:
    joined = concatenate_voxels([voxels, weighted(voxels)])
    np.testing.assert_array_equal(joined.weight[: len(voxels)], np.ones(len(voxels)))
    np.testing.assert_array_equal(joined.weight[len(voxels) :], weighted(voxels).weight)
    assert joined.interaction_radius is None
