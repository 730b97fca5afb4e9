"""From hits to shower shapes, as a user of the library does it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovox.dataset import DatasetReader
from calovox.dataset.cells import open_cells, read_calibration
from calovox.dataset.make import make_dataset
from calovox.geometry import barrel_cells
from calovox.hits import HitsWriter
from calovox.phi_modulation.bare_hits import BareHits
from calovox.reconstruction import Calibration, cells_to_shapes, hits_to_cells, read_shapes_file
from calovox.reconstruction.file import reconstruct_file
from calovox.voxelization import VoxelGrid, hits_to_voxels

GRID = VoxelGrid.optimal()


@pytest.fixture
def hits(tmp_path, toy_hits):
    with HitsWriter(tmp_path / "hits.h5", provenance={"seed": 1}) as writer:
        writer.append(toy_hits)
    return tmp_path / "hits.h5"


def test_hits_become_a_dataset_with_cells_and_calibration(tmp_path, hits, toy_hits):
    output, table = tmp_path / "photons.h5", barrel_cells()
    content = make_dataset(BareHits([hits]), output, GRID, table=table, provenance={"a": 1})
    reader = DatasetReader(output)
    expected = hits_to_voxels(toy_hits, GRID)
    assert content.n_events == len(reader) == len(toy_hits)
    assert content.dropped == pytest.approx(expected.dropped_fraction.mean(), abs=1e-6)
    assert reader.read().energy == pytest.approx(expected.energy, rel=1e-5, abs=1e-4)
    assert reader.provenance["hits"] == [{"seed": 1}]
    stored = Calibration.from_arrays(reader.attached("calibration"))
    for name, values in content.calibration.to_arrays().items():
        assert np.array_equal(stored.to_arrays()[name], values)


def test_without_cells_there_is_no_calibration(tmp_path, hits):
    output = tmp_path / "photons.h5"
    content = make_dataset(BareHits([hits]), output, GRID)
    assert content.calibration is None
    assert read_calibration(output) is None
    with pytest.raises(ValueError, match="has no cell energies"):
        open_cells(output, barrel_cells())


def test_nothing_is_written_if_one_of_the_files_cannot_be(tmp_path, hits):
    with pytest.raises(ValueError, match="expected at least 20 showers"):
        make_dataset(BareHits([hits]), tmp_path / "a.h5", GRID, sub_voxels=tmp_path / "sub.root")
    assert [path.name for path in tmp_path.iterdir()] == ["hits.h5"]


def test_hits_and_their_dataset_have_the_same_shapes(tmp_path, hits, toy_hits):
    dataset, table = tmp_path / "photons.h5", barrel_cells()
    make_dataset(BareHits([hits]), dataset, GRID, table=table)
    calibration = read_calibration(dataset)
    for source in (hits, dataset):
        output = source.with_suffix(".parquet")
        cells = open_cells(source, table)
        reconstruct_file(cells, output, calibration=calibration, provenance={"a": 1})
        content = read_shapes_file(output)
        expected = cells_to_shapes(hits_to_cells(toy_hits, table), table, calibration=calibration)
        assert content.shapes.e_cal == pytest.approx(expected.e_cal, rel=1e-4)
        assert content.provenance["a"] == 1


def test_cells_of_another_file_are_refused(tmp_path):
    (tmp_path / "grid.toml").write_text("")
    with pytest.raises(ValueError, match="expected a hits file or a dataset, got a file of"):
        open_cells(tmp_path / "grid.toml", barrel_cells())


@pytest.fixture
def weighted_hits(tmp_path, toy_hits):
    weight = np.linspace(0.5, 1.5, len(toy_hits))
    photons = replace(
        toy_hits.photons, weight=weight, interaction_radius=np.full(len(weight), np.inf)
    )
    with HitsWriter(tmp_path / "weighted.h5", provenance={}) as writer:
        writer.append(replace(toy_hits, photons=photons))
    return tmp_path / "weighted.h5"


def test_weights_go_from_hits_to_voxels(tmp_path, weighted_hits, toy_hits):
    output = tmp_path / "photons.h5"
    content = make_dataset(BareHits([weighted_hits], takes_weights=True), output, GRID)
    voxels = DatasetReader(output, takes_weights=True).read()
    weight = np.linspace(0.5, 1.5, len(toy_hits))
    np.testing.assert_array_equal(voxels.weight, weight)
    np.testing.assert_array_equal(voxels.interaction_radius, np.full(len(weight), np.inf))
    total = np.average(voxels.total_fraction + voxels.dropped_fraction, weights=weight)
    assert content.shares.total == pytest.approx(total, rel=1e-4)
    dropped = np.average(voxels.dropped_fraction, weights=weight)
    assert content.dropped == pytest.approx(dropped, abs=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": barrel_cells()}, "alike for cells.*--no-cells"),
        ({"sub_voxels": Path("a.root")}, "alike for sub-voxels.*--sub-voxels"),
        ({"patterns": Path("a.h5")}, "alike for patterns.*--patterns"),
    ],
)
def test_what_takes_no_weights_refuses_them(tmp_path, weighted_hits, options, message):
    hits = BareHits([weighted_hits], takes_weights=True)
    with pytest.raises(ValueError, match=message):
        make_dataset(hits, tmp_path / "photons.h5", GRID, **options)
    assert not (tmp_path / "photons.h5").exists()
