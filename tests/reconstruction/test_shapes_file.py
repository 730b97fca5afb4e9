import dataclasses
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calovox.geometry.barrel import barrel_cells
from calovox.reconstruction.calibration import fit_calibration
from calovox.reconstruction.deposit import hits_to_cells
from calovox.reconstruction.shapes import ShowerShapes, cells_to_shapes
from calovox.reconstruction.shapes_file import (
    ShapesFileError,
    read_shapes,
    read_shapes_file,
    write_shapes,
)
from tests.toy_showers import toy_showers


@pytest.fixture(scope="module")
def photons_and_shapes():
    hits = toy_showers(6, n_hits=300)
    return hits.photons, cells_to_shapes(hits_to_cells(hits, barrel_cells()), barrel_cells())


@pytest.fixture
def written(tmp_path, photons_and_shapes):
    path = tmp_path / "shapes.parquet"
    write_shapes(path, photons_and_shapes[1], photons=photons_and_shapes[0])
    return path


def assert_same(one: ShowerShapes, other: ShowerShapes) -> None:
    for field in dataclasses.fields(ShowerShapes):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def test_round_trip_with_everything(tmp_path, photons_and_shapes):
    photons, shapes = photons_and_shapes
    calibration = fit_calibration(shapes.cluster_energy, photons.energy, shapes.cluster_eta)
    calibrated = shapes.calibrated(calibration)
    path = tmp_path / "shapes.parquet"
    write_shapes(
        path, calibrated, photons=photons, calibration=calibration, provenance={"seed": 1}
    )
    back = read_shapes_file(path)
    assert_same(back.shapes, calibrated)
    np.testing.assert_array_equal(back.photons.energy, photons.energy)
    np.testing.assert_array_equal(back.photons.index, photons.index)
    assert back.calibration == calibration
    assert back.provenance == {"seed": 1}


def test_round_trip_without_calibration_and_photons(tmp_path, photons_and_shapes):
    path = tmp_path / "shapes.parquet"
    write_shapes(path, photons_and_shapes[1])
    back = read_shapes_file(path)
    assert_same(back.shapes, photons_and_shapes[1])
    assert back.photons is None
    assert back.calibration is None
    assert read_shapes(path).e_cal is None


def test_columns_carry_units(written):
    schema = pq.read_schema(written)
    for name, unit in (("e_raw", b"MeV"), ("layer_energy_12", b"MeV"), ("r_eta", b"1")):
        assert schema.field(name).metadata[b"unit"] == unit


def test_an_existing_file_is_kept(written, photons_and_shapes):
    before = written.read_bytes()
    with pytest.raises(FileExistsError):
        write_shapes(written, photons_and_shapes[1])
    assert written.read_bytes() == before
    write_shapes(written, photons_and_shapes[1], overwrite=True)
    assert list(written.parent.iterdir()) == [written]


def test_wrong_input_is_not_written(tmp_path, photons_and_shapes):
    photons, shapes = photons_and_shapes
    path = tmp_path / "shapes.parquet"
    with pytest.raises(ValueError, match="photons: expected 6, one per event, got 5"):
        write_shapes(path, shapes, photons=photons[:5])
    bad = dataclasses.replace(shapes, f1=np.full(6, np.nan))
    with pytest.raises(ValueError, match="`f1`: expected finite numbers, got nan in event 0"):
        write_shapes(path, bad)
    assert list(tmp_path.iterdir()) == []


def without(table: pa.Table, name: str) -> pa.Table:
    return table.drop_columns([name])


def with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def with_metadata(table: pa.Table, **changes: object) -> pa.Table:
    metadata = json.loads(table.schema.metadata[b"calovox"]) | changes
    return table.replace_schema_metadata({"calovox": json.dumps(metadata)})


DAMAGES = {
    "one column `f1`, got 0": lambda table: without(table, "f1"),
    "one column `layer_energy_2`, got 0": lambda table: without(table, "layer_energy_2"),
    "one column `photon_eta`, got 0": lambda table: without(table, "photon_eta"),
    "`f1`: expected type double, got float": lambda table: with_column(
        table, "f1", table["f1"].cast(pa.float32())
    ),
    "`f1`: expected finite numbers, got inf": lambda table: with_column(
        table, "f1", pa.array([np.inf] * 6)
    ),
    "`f1`: 6 values are missing": lambda table: with_column(
        table, "f1", pa.array([None] * 6, pa.float64())
    ),
    "metadata `calovox` is missing": lambda table: table.replace_schema_metadata({}),
    "or of another kind": lambda table: with_metadata(table, format="cat"),
    "expected version 1 of the format, got 2": lambda table: with_metadata(table, version=2),
    "lacks a valid `provenance`": lambda table: with_metadata(table, provenance=3),
    "`eta_edges` is missing": lambda table: with_metadata(table, calibration={}),
}


@pytest.mark.parametrize(("message", "damage"), DAMAGES.items(), ids=DAMAGES.keys())
def test_damaged_files_get_one_clear_line(written, message, damage):
    pq.write_table(damage(pq.read_table(written)), written)
    with pytest.raises(ShapesFileError, match=message) as error:
        read_shapes_file(written)
    assert str(written) in str(error.value)
    assert "\n" not in str(error.value)


def test_truncated_missing_and_foreign_files_are_refused(written, tmp_path):
    written.write_bytes(written.read_bytes()[:-20])
    with pytest.raises(ShapesFileError, match="no Parquet file, or a damaged one"):
        read_shapes(written)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_shapes(tmp_path / "none.parquet")
