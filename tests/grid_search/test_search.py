from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from calovox.geometry.cell_energies import CellEnergies
from calovox.grid_search import GridSearch, SearchSettings, fine_grid, read_showers, search_grid
from calovox.grid_search.showers import divide
from calovox.grid_search.steps import single_bins, steps_of, total_voxels
from calovox.hits import concatenate_hits
from calovox.patterns import PatternMaker
from calovox.voxelization import Ring
from tests.grid_search.searches import (
    DETECTORS,
    VOXELS,
    hits_of,
    path_of,
    search_of,
    showers_of,
    start_of,
)

EVERYWHERE = pytest.mark.parametrize("name", DETECTORS)


def test_steps_save_voxels_and_join_those_of_the_start():
    start = start_of("three")
    finest = rings = single_bins(start)[4]
    rng = np.random.default_rng(1)
    while steps := list(steps_of(rings, finest)):
        step = steps[rng.integers(len(steps))]
        assert total_voxels(step.rings) == total_voxels(rings) - step.saved < total_voxels(rings)
        for ring in step.rings:
            inside = [r for r in finest if r.r_min >= ring.r_min and r.r_max <= ring.r_max]
            assert (inside[0].r_min, inside[-1].r_max) == (ring.r_min, ring.r_max)
            assert all(r.n_alpha % ring.n_alpha == 0 for r in inside)
        rings = step.rings
    assert rings == (Ring(0.0, 1000.0, 1000.0, 1),)


@EVERYWHERE
def test_half_of_the_showers_are_looked_at_with_all_their_energy(name):
    hits, showers = hits_of(name, 100), showers_of(name)
    event = np.repeat(np.arange(100), np.diff(hits.event_offsets))
    assert np.array_equal(showers.seen.centers.energy, hits.photons.energy[::2])
    assert np.array_equal(showers.donors.centers.energy, hits.photons.energy[1::2])
    for first, part in ((0, showers.seen), (1, showers.donors)):
        for number, deposits in part.layers.items():
            expected = hits.energy[(hits.layer == number) & (event % 2 == first)].sum()
            assert deposits.energy.sum() == pytest.approx(expected, rel=1e-5)


def test_patterns_of_merged_deposits_are_those_of_all_hits():
    detector, hits = DETECTORS["barrel"], hits_of("barrel", 100)
    showers, grid = showers_of("barrel"), path_of("barrel").grid(9, "coarse")
    donors = concatenate_hits([divide(hits[i : i + 1], i)[1] for i in range(1, 100, 2)])
    libraries = []
    for center, parts in (
        ("hits", [donors]),
        ("photon", [showers.donors.hits(k, 0.0, 1000.0) for k in grid.numbers]),
    ):
        maker = PatternMaker(grid, center=center, detector=detector)
        for part in parts:
            maker.add(part)
        libraries.append(maker.library())
    # but for rounding at the edges of squares and voxels
    assert np.abs(libraries[0].counts - libraries[1].counts).max() <= 2
    assert len(libraries[0].r) == pytest.approx(len(libraries[1].r), rel=0.01)
    sums = [library.energy.sum(dtype=np.float64) for library in libraries]
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)


@EVERYWHERE
def test_placed_cells_hold_the_energy_of_their_bins(name):
    search = search_of(name)
    for layer in search.layers.values():
        placed = layer.placed.cells(layer.finest)
        assert placed.sum() == pytest.approx(layer.reference.sum(), rel=0.02)


def test_a_bin_that_no_donor_ever_filled_keeps_its_energy():
    showers = showers_of("three")
    none = {
        k: replace(v, **{f: getattr(v, f)[:0] for f in ("event", "r", "eta", "phi", "energy")})
        for k, v in showers.donors.layers.items()
    }
    bare = replace(showers, donors=replace(showers.donors, layers=none))
    search = GridSearch(bare, start_of("three"), DETECTORS["three"], SearchSettings(auc=False))
    layer = search.layers[7]
    energy = showers.seen.layers[7].energy.sum()
    assert layer.placed.cells(layer.finest).sum() == pytest.approx(energy, rel=0.02)


@EVERYWHERE
def test_each_step_saves_voxels_down_to_half_of_the_chosen_grid(name):
    path = path_of(name)
    n_voxels = [step.n_voxels for step in path.steps]
    assert np.all(np.diff(n_voxels) < 0)
    chosen = n_voxels[path.chosen]
    assert chosen <= VOXELS[name] < n_voxels[path.chosen - 1]
    assert n_voxels[-1] <= chosen / 2
    grid = path.grid(path.chosen, "chosen")
    assert grid.n_voxels == chosen
    assert grid.layer_names == start_of(name).layer_names
    assert path.steps[0].layer is None


def test_a_search_that_goes_on_ends_like_one_that_was_never_stopped():
    whole = path_of("three")
    for n_done in (1, 9, len(whole.steps)):
        path = search_grid(search_of("three", voxels=20), done=whole.steps[:n_done])
        assert path.steps == whole.steps
        assert path.least_found == whole.least_found


def test_patterns_depend_on_the_seed():
    other = search_grid(search_of("three", voxels=20, seed=2))
    assert other.steps != path_of("three").steps


def one_ring(n_alpha=1):
    return (Ring(0.0, 1000.0, 1000.0, n_alpha),)


@cache
def showers_with_a_line():
    """Every shower of `three` has half of its energy within a millimetre of its centre."""
    hits = hits_of("three", 600)
    event = np.repeat(np.arange(600), np.diff(hits.event_offsets))
    shrink = np.where(np.random.default_rng(1).random(hits.n_hits) < 0.5, 0.02, 1.5)
    eta, phi = hits.photons.eta[event], hits.photons.phi[event]
    away = (hits.phi - phi + np.pi) % (2 * np.pi) - np.pi
    moved = replace(
        hits,
        eta=(eta + shrink * (hits.eta - eta)).astype(np.float32),
        phi=((phi + shrink * away + np.pi) % (2 * np.pi) - np.pi).astype(np.float32),
    )
    return read_showers([moved], start_of("three"), DETECTORS["three"])


def test_a_ring_that_is_too_wide_is_an_artefact():
    settings = SearchSettings(auc=False)
    search = GridSearch(showers_with_a_line(), start_of("three"), DETECTORS["three"], settings)
    layer = search.layers[4]
    fine, wide = (layer.measure(layer.placed.cells(r)) for r in (layer.finest, one_ring(2)))
    assert fine.worst.beyond_chance < 0.08 < wide.worst.beyond_chance
    assert wide.separation > fine.separation + 0.1


def test_without_a_number_the_search_stops_before_the_first_artefact():
    settings = SearchSettings(auc=False, max_shift=0.03)
    search = GridSearch(showers_with_a_line(), start_of("three"), DETECTORS["three"], settings)
    path = search_grid(search)
    artefacts = [step.artefact > 0.03 for step in path.steps]
    assert path.chosen < len(path.steps) - 1
    assert not any(artefacts[: path.chosen + 1])
    assert artefacts[path.chosen + 1]
    assert path.least_found > 0.05


def test_the_fine_grid_follows_the_cells_of_any_detector():
    for detector in DETECTORS.values():
        grid = fine_grid(detector)
        assert grid.numbers == detector.numbers
        assert grid.layer_names == tuple(layer.name for layer in detector.layers)
        assert {rings[-1].r_max for rings in grid.layers.values()} == {1000.0}
        assert all(r.n_alpha in (4, 8, 16) for rings in grid.layers.values() for r in rings)


def test_cells_are_counted_once():
    search = search_of("three")
    reference = showers_of("three").reference
    assert isinstance(reference, CellEnergies)
    total = sum(layer.reference.sum() for layer in search.layers.values())
    assert total <= reference.energy.sum() * (1 + 1e-5)


def test_few_showers_are_refused():
    with pytest.raises(ValueError, match="200 showers or more for boosted trees, got 100"):
        search_of("three", auc=True)
    with pytest.raises(ValueError, match="max_shift: expected above 0, got 0"):
        SearchSettings(max_shift=0.0)
