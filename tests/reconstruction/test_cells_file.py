"""Cells for other programs."""

import awkward as ak
import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot
from typer.testing import CliRunner

from calovox.cli import app
from calovox.geometry import barrel_cells
from calovox.hits import concatenate_hits
from calovox.hits.file import HitsWriter, read_hits
from calovox.reconstruction import hits_to_cells
from calovox.reconstruction.cells_file import write_cells

BLOSC2 = 32026  # its number among the registered filters of HDF5


def read(path):
    if path.suffix == ".root":
        return uproot.open(path)["cells"].arrays()
    return ak.Array(pq.read_table(path).to_pylist())


@pytest.mark.parametrize("name", ["cells.root", "cells.parquet"])
def test_cells_of_several_batches_come_back(toy_hits, tmp_path, name):
    table = barrel_cells()
    with write_cells(tmp_path / name, table) as write:
        for part in (toy_hits[:3], toy_hits[3:3], toy_hits[3:]):
            write(hits_to_cells(part, table), part.photons)
    found, expected = read(tmp_path / name), hits_to_cells(toy_hits, table)
    assert ak.num(found.cell_id).tolist() == np.diff(expected.event_offsets).tolist()
    flat = {
        column: ak.to_numpy(ak.flatten(found[f"cell_{column}"])) for column in ("id", "energy")
    }
    np.testing.assert_array_equal(flat["id"], table.id[expected.cell])
    np.testing.assert_array_equal(flat["energy"], expected.energy)
    for column in ("layer", "eta", "phi"):
        values = ak.to_numpy(ak.flatten(found[f"cell_{column}"]))
        np.testing.assert_allclose(values, getattr(table, column)[expected.cell], rtol=1e-6)
    np.testing.assert_array_equal(found.photon_energy, toy_hits.photons.energy)
    np.testing.assert_array_equal(found.event_index, toy_hits.photons.index)
    np.testing.assert_allclose(found.outside, expected.outside)


@pytest.mark.parametrize("name", ["cells.root", "cells.parquet"])
def test_reconstruct_writes_shapes_and_cells(toy_hits, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with HitsWriter(tmp_path / "hits.h5", provenance={}) as writer:
        writer.append(toy_hits)
    words = ["reconstruct", "hits.h5", "--cells", name, "-o", "shapes.parquet"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    found, shapes = read(tmp_path / name), pq.read_table(tmp_path / "shapes.parquet")
    in_middle = ak.sum(found.cell_energy[found.cell_layer == 2], axis=1)
    np.testing.assert_allclose(in_middle, shapes["layer_energy_2"].to_numpy(), rtol=1e-5)
    assert CliRunner().invoke(app, words).exit_code == 2  # both are there


def test_names_of_other_formats_are_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with HitsWriter(tmp_path / "hits.h5", provenance={}):
        pass
    words = ["reconstruct", "hits.h5", "--cells", "cells.csv", "-o", "shapes.parquet"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "ends with .root or .parquet" in " ".join(result.output.split())
    assert [path.name for path in tmp_path.iterdir()] == ["hits.h5"]


def test_hits_in_gzip_need_no_plugin(toy_hits, tmp_path):
    with HitsWriter(tmp_path / "hits.h5", provenance={}, compression="gzip") as writer:
        writer.append(toy_hits)
    with h5py.File(tmp_path / "hits.h5") as file:
        filters = {file[name].compression for name in ("layer", "energy", "event/eta")}
    assert filters == {"gzip"}
    assert read_hits(tmp_path / "hits.h5").n_hits == concatenate_hits([toy_hits]).n_hits


@pytest.mark.parametrize("compression", ["gzip", "blosc2"])
def test_voxelize_and_simulate_compress_as_told(toy_hits, tmp_path, monkeypatch, compression):
    monkeypatch.chdir(tmp_path)
    with HitsWriter(tmp_path / "hits.h5", provenance={}) as writer:
        writer.append(toy_hits)
    told = ["--compression", compression]
    commands = [
        ["voxelize", "hits.h5", "--no-cells", *told, "-o", "photons.h5"],
        ["simulate", "--model", "photons.h5", "--hits", "new_hits.h5", *told, "-o", "new.h5"],
    ]
    for words in commands:
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
    columns = {"photons.h5": "energy_layer_1", "new.h5": "energy_layer_1", "new_hits.h5": "energy"}
    for name, column in columns.items():
        with h5py.File(tmp_path / name) as file:
            filters = file[column].id.get_create_plist()
            number = filters.get_filter(filters.get_nfilters() - 1)[0]
            assert number == (h5py.h5z.FILTER_DEFLATE if compression == "gzip" else BLOSC2)
