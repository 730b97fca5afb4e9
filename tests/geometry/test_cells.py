from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import uproot

from calovox.geometry import CellTable, barrel_cells, wrap_phi
from calovox.geometry.alignment import aligned_barrel_cells
from calovox.geometry.barrel import BARREL_LAYERS, BARREL_NUMBERS, read_barrel

NAMES = {"deta": "d_eta", "dphi": "d_phi", "dr": "d_r"}
TILE = BARREL_LAYERS[4:]
BRANCHES = ("id", "layer", "eta", "phi", "r", "z", "deta", "dphi", "dr")


def write_root(path: Path, table: CellTable, rows: np.ndarray, leave_out: str = "") -> Path:
    with uproot.recreate(path) as file:
        columns = {name: getattr(table, NAMES.get(name, name))[rows] for name in BRANCHES}
        columns["layer"] = columns["layer"].astype(np.uint32)
        columns.pop(leave_out, None)
        file["caloDetCells"] = columns
    return path


@pytest.fixture(scope="module")
def real(shared) -> CellTable:
    return read_barrel(shared / "atlas" / "CaloCells.root").cells


def test_shuffled_file_gives_back_the_table(tmp_path):
    table = aligned_barrel_cells()
    rows = np.flatnonzero((table.layer == 3) | (table.layer == 12))
    shuffled = np.random.default_rng(0).permutation(rows)
    back = CellTable.from_root(write_root(tmp_path / "cells.root", table, shuffled), BARREL_LAYERS)
    for name in ("id", "layer", "eta", "phi", "r", "z", "d_eta", "d_phi", "d_r"):
        np.testing.assert_array_equal(getattr(back, name), getattr(table, name)[rows])
    assert back.grid_shape(3) == table.grid_shape(3)
    assert back.grid_shape(2) == (0, 0)


def test_max_abs_eta_keeps_full_rows_of_cells(tmp_path):
    table = aligned_barrel_cells()
    path = write_root(tmp_path / "cells.root", table, np.flatnonzero(table.layer == 12))
    back = CellTable.from_root(path, TILE, max_abs_eta=0.5)
    assert back.grid_shape(12) == (10, 64)
    assert np.abs(back.eta).max() < 0.5


def test_index_grid_is_the_inverse_of_the_positions():
    table = barrel_cells()
    for layer in BARREL_NUMBERS:
        rows = np.flatnonzero(table.layer == layer)
        grid = table.index_grid(layer)
        np.testing.assert_array_equal(grid[table.eta_index[rows], table.phi_index[rows]], rows)
        row = table.at(layer, 3, 5 - grid.shape[1])
        assert (table.layer[row], table.eta_index[row], table.phi_index[row]) == (layer, 3, 5)
        assert table.at(layer, grid.shape[0], 0) == table.at(layer, -1, 0) == -1


def test_file_errors_say_what_is_missing(tmp_path):
    table = barrel_cells()
    tile = np.flatnonzero(table.layer == 12)
    path = write_root(tmp_path / "no_dr.root", table, tile, leave_out="dr")
    with pytest.raises(
        ValueError, match=r"no_dr.root: the TTree `caloDetCells` lacks the branches dr"
    ):
        CellTable.from_root(path, BARREL_LAYERS)
    with uproot.recreate(tmp_path / "other.root") as file:
        file["tree"] = {"x": np.zeros(2)}
    with pytest.raises(ValueError, match=r"other.root: the TTree `caloDetCells` lacks .*dphi, dr"):
        CellTable.from_root(tmp_path / "other.root", BARREL_LAYERS)
    (tmp_path / "text.root").write_text("no ROOT file at all")
    with pytest.raises(ValueError, match=r"text.root is no readable ROOT file"):
        CellTable.from_root(tmp_path / "text.root", BARREL_LAYERS)
    with pytest.raises(FileNotFoundError):
        CellTable.from_root(tmp_path / "nothing.root", BARREL_LAYERS)
    with pytest.raises(ValueError, match=r"no_tile.root: expected cells of layers \(12,\)"):
        path = write_root(tmp_path / "no_tile.root", table, np.arange(4))
        CellTable.from_root(path, TILE)
    with pytest.raises(ValueError, match="expected as many cells at each of 64 phi positions"):
        CellTable.from_root(write_root(tmp_path / "holes.root", table, tile[:-1]), BARREL_LAYERS)


def test_table_refuses_cells_in_disorder():
    table = barrel_cells()
    with pytest.raises(ValueError, match="sorted by layer"):
        replace(table, layer=table.layer[::-1].copy())
    with pytest.raises(ValueError, match="CellTable layer 0: expected a full grid"):
        replace(table, phi_index=table.phi_index[::-1].copy())


def test_real_detector_has_the_same_cells(real):
    table = barrel_cells()
    for name in ("layer", "eta_index", "phi_index"):
        np.testing.assert_array_equal(getattr(real, name), getattr(table, name))
    np.testing.assert_allclose(real.d_eta, table.d_eta, rtol=1e-6)
    np.testing.assert_allclose(real.d_phi, table.d_phi, rtol=1e-6)


def test_aligned_barrel_reproduces_the_real_cells(real):
    aligned = aligned_barrel_cells()
    assert np.abs(real.eta - aligned.eta).max() < 0.0005
    assert np.abs(wrap_phi(real.phi - aligned.phi)).max() < 0.00001
    assert np.abs(real.r - aligned.r).max() < 1.0
    assert np.abs(real.d_r - aligned.d_r).max() < 2.0


def test_ideal_barrel_differs_from_the_real_cells_by_the_alignment_only(real):
    table = barrel_cells()
    central = np.abs(table.eta) < 1.35
    d_eta = np.abs(real.eta - table.eta)[central]
    d_phi = np.abs(wrap_phi(real.phi - table.phi))[central]
    d_r = np.abs(real.r - table.r)[central]
    assert np.mean(d_eta > 0.003) < 0.003
    assert d_eta.max() < 0.0033
    assert np.mean(d_phi > 0.004) < 0.35
    assert d_phi.max() < 0.006  # of which pi / 1024 = 0.0031 is the turn of the half barrels
    assert np.count_nonzero(d_r > 5) < 20
    assert d_r.max() < 5.1
    assert np.abs(real.d_r - table.d_r)[central].max() < 5


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e308, -1e300])
@pytest.mark.parametrize("branch", ["eta", "phi", "deta", "dr"])
def test_cells_out_of_range_are_refused_by_branch(branch, value, tmp_path):
    table = barrel_cells()
    path = tmp_path / "cells.root"
    write_root(path, table, np.flatnonzero(table.layer == 12)[:8])
    with uproot.open(path) as file:
        columns = file["caloDetCells"].arrays(library="np")
    columns[branch][3] = value
    with uproot.recreate(path) as file:
        file["caloDetCells"] = columns
    with pytest.raises(ValueError, match=f"`{branch}`, got .* in row 3"):
        CellTable.from_root(path, BARREL_LAYERS)


def test_a_position_continues_around_phi_and_ends_in_eta():
    table = barrel_cells()
    n_eta, n_phi = table.grid_shape(2)
    assert table.at(2, 3, n_phi) == table.at(2, 3, 0)
    assert table.at(2, 3, -1) == table.at(2, 3, n_phi - 1)
    assert (table.at(2, -1, 0), table.at(2, n_eta, 0)) == (-1, -1)
