from dataclasses import replace

import numpy as np
import pytest

from calovox.geometry import barrel_cells
from calovox.geometry.cells import CellTable
from calovox.geometry.lookup import TableLookup
from calovox.patterns import PatternMaker, voxels_to_cells, voxels_to_pattern_hits
from calovox.phi_modulation import PhiModulation, apply_phi_modulation
from calovox.reconstruction import hits_to_cells
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.patterns.showers import DONORS, GRID, known_voxels, toy_library, toy_voxels
from tests.reference.patterns import patterns_by_bin, voxels_to_pattern_hits_twin

GRIDS = pytest.mark.parametrize("grid", [GRID, VoxelGrid.regular()], ids=["optimal", "regular"])


@GRIDS
def test_hits_are_those_of_the_slow_twin(grid):
    library = toy_library(grid)
    voxels = known_voxels(library, toy_voxels(grid))
    hits, counts = voxels_to_pattern_hits(voxels, library, seed=5)
    event, layer, eta, phi, energy = map(
        np.array, zip(*voxels_to_pattern_hits_twin(voxels, library, 5), strict=True)
    )
    assert np.array_equal(np.repeat(np.arange(6), np.diff(hits.event_offsets)), event)
    assert np.array_equal(hits.layer, layer)
    assert hits.eta == pytest.approx(eta, abs=3e-7)
    assert np.abs((hits.phi - phi + np.pi) % (2 * np.pi) - np.pi).max() < 5e-7
    assert hits.energy == pytest.approx(energy, rel=1e-6)
    assert counts.n_without == 0


@GRIDS
def test_hits_stay_in_their_voxel_with_its_energy(grid):
    voxels = toy_voxels(grid)
    hits, _ = voxels_to_pattern_hits(voxels, toy_library(grid), seed=1)
    again = hits_to_voxels(hits, grid, center="photon")
    assert again.energy == pytest.approx(voxels.energy, rel=1e-6, abs=1e-12)


def test_events_depend_on_the_seed_and_their_index_alone():
    voxels, library = toy_voxels(), toy_library()
    whole, _ = voxels_to_pattern_hits(voxels, library, seed=1)
    part, _ = voxels_to_pattern_hits(voxels[2:5], library, seed=1)
    other, _ = voxels_to_pattern_hits(voxels, library, seed=2)
    assert np.array_equal(part.eta, whole[2:5].eta)
    assert np.array_equal(part.energy, whole[2:5].energy)
    assert not np.array_equal(other.eta[:50], whole.eta[:50])


def test_voxels_without_patterns_are_counted_and_filled_anywhere():
    maker = PatternMaker(GRID)
    maker.add(replace(DONORS, energy=np.where(DONORS.layer == 2, DONORS.energy, np.float32(0))))
    voxels = toy_voxels()
    hits, counts = voxels_to_pattern_hits(voxels, maker.library(), seed=1)
    energy = voxels.energy * voxels.incident_energy[:, None]
    known = maker.library().counts[0, 0][maker.library().bins.of_voxel] > 0
    assert counts.n_voxels == np.count_nonzero(energy)
    assert counts.n_without == np.count_nonzero(energy[:, ~known]) > 0
    assert counts.energy_without == pytest.approx(energy[:, ~known].sum(), rel=1e-6)
    assert hits.energy.sum(dtype=np.float64) == pytest.approx(energy.sum(), rel=1e-6)


def test_voxels_take_patterns_of_the_nearest_energy_that_encloses_theirs():
    library = toy_library()
    voxels = known_voxels(library, toy_voxels())
    _, counts = voxels_to_pattern_hits(voxels, library, seed=1)
    found = patterns_by_bin(library)
    nearest = (voxels.incident_energy > 2**15.5).astype(int)
    n_lent = 0
    for event, voxel in np.argwhere(voxels.energy > 0):
        energy = float(voxels.energy[event, voxel]) * voxels.incident_energy[event]
        own, other = (
            [pattern[0] for pattern in found.get((0, stored, library.bins.of_voxel[voxel]), [])]
            for stored in (nearest[event], 1 - nearest[event])
        )
        inside, elsewhere = (
            len(known) > 0 and known[0] <= energy <= known[-1] for known in (own, other)
        )
        n_lent += not inside and (elsewhere or not own)
    assert counts.n_lent == n_lent > 0
    assert "by patterns of other showers" in str(counts)
    assert (counts + counts).n_lent == 2 * counts.n_lent


def test_patterns_of_the_range_of_abs_eta_are_taken():
    maker = PatternMaker(GRID, eta_borders=(0.1, 0.3))
    maker.add(DONORS)
    library = maker.library()
    assert library.n_showers.shape == (3, 2)
    assert library.n_showers.sum() == len(DONORS)
    voxels = known_voxels(library, toy_voxels())
    hits, _ = voxels_to_pattern_hits(voxels, library, seed=5)
    *_, energy = map(np.array, zip(*voxels_to_pattern_hits_twin(voxels, library, 5), strict=True))
    assert hits.energy == pytest.approx(energy, rel=1e-6)


@pytest.mark.parametrize("borders", [(0.0, 1.0), (0.5, 0.4)])
def test_borders_that_do_not_rise_are_refused(borders):
    with pytest.raises(ValueError, match="expected `eta_borders` that rise from above 0"):
        PatternMaker(GRID, eta_borders=borders)


@pytest.mark.parametrize("regular", [True, False], ids=["ideal", "displaced"])
def test_cells_are_those_of_the_hits(regular, monkeypatch):
    table = barrel_cells()
    if not regular:
        lookup = TableLookup.from_table(table)
        monkeypatch.setattr(CellTable, "lookup", lambda self: lookup)
    hits, counts = voxels_to_pattern_hits(toy_voxels(), toy_library(), seed=4)
    expected = hits_to_cells(hits, table)
    cells, same = voxels_to_cells(toy_voxels(), toy_library(), table, seed=4)
    assert same == counts
    assert_same_cells(cells, expected)


def assert_same_cells(cells, expected):
    assert np.array_equal(cells.cell, expected.cell)
    assert np.array_equal(cells.event_offsets, expected.event_offsets)
    assert cells.energy == pytest.approx(expected.energy, rel=1e-6)
    assert cells.outside == pytest.approx(expected.outside, rel=1e-6)


def test_cells_with_the_phi_modulation_are_those_of_modulated_hits():
    eta_edges = (0.0, 0.15, 0.3, 1.5)
    curve = PhiModulation.from_function(
        lambda layer, phi: 1.0 + 0.02 * (layer + 1) * np.cos(1024 * phi), eta_edges=eta_edges
    )
    curve = replace(curve, values=curve.values * np.array([1.0, 1.1, 1.2])[:, None, None])
    voxels, library, table = toy_voxels(), toy_library(), barrel_cells()
    hits, _ = voxels_to_pattern_hits(voxels, library, seed=4)
    expected = hits_to_cells(apply_phi_modulation(hits, curve), table)
    cells, _ = voxels_to_cells(voxels, library, table, seed=4, phi_modulation=curve)
    assert_same_cells(cells, expected)


def test_the_phi_modulation_of_displaced_cells_needs_hits():
    table = barrel_cells()
    turned = replace(table, phi=table.phi + 1e-4, name="turned")
    curve = PhiModulation.from_function(lambda layer, phi: 1.0 + 0.1 * np.cos(1024 * phi))
    with pytest.raises(ValueError, match="cells 'turned': expected centres at whole periods"):
        voxels_to_cells(toy_voxels(), toy_library(), turned, seed=4, phi_modulation=curve)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phi_center": None}, "`phi_center` is needed"),
        ({"index": None}, "`index` is needed"),
        ({"energy": np.full((6, 382), np.nan, dtype=np.float32)}, "finite and not negative"),
        ({"energy": np.full((6, 382), -1.0, dtype=np.float32)}, "finite and not negative"),
    ],
)
def test_voxels_that_cannot_be_placed_are_refused(change, message):
    voxels = replace(toy_voxels(), **change)
    for place in (
        lambda: voxels_to_pattern_hits(voxels, toy_library(), seed=1),
        lambda: voxels_to_cells(voxels, toy_library(), barrel_cells(), seed=1),
    ):
        with pytest.raises(ValueError, match=message):
            place()


def test_patterns_of_another_grid_are_refused():
    with pytest.raises(ValueError, match=r"expected those of the voxels' grid \(382 voxels\)"):
        voxels_to_pattern_hits(toy_voxels(), toy_library(VoxelGrid.regular()), seed=1)
