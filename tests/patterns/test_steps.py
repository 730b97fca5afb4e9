from dataclasses import replace

import numpy as np
import pytest

from calovox.geometry import atlas_barrel, barrel_cells
from calovox.patterns import (
    DensityStep,
    PatternLibrary,
    PatternMaker,
    voxels_to_cells,
    voxels_to_pattern_hits,
)
from calovox.patterns.beyond import shares_beyond
from calovox.patterns.tables import pattern_tables
from calovox.reconstruction import hits_to_cells
from calovox.voxelization import Ring, VoxelGrid, Voxels, hits_to_voxels
from tests.patterns.showers import DONORS, GRID, known_voxels, toy_library, toy_voxels
from tests.reference.patterns import voxels_to_pattern_hits_twin

STEPS = DensityStep(3, 0.8, 0.1), DensityStep(2, 0.8, 1.5), DensityStep(2, 0.81, 0.7)
LIBRARY = replace(toy_library(), steps=STEPS)
ETA = np.array([0.78, -0.78, 0.795, -0.81, 0.8, 0.83])


def voxels_near(eta=ETA, library=LIBRARY):
    return replace(known_voxels(library, toy_voxels()), eta_center=np.asarray(eta, dtype=float))


def test_hits_near_steps_are_those_of_the_slow_twin():
    hits, _ = voxels_to_pattern_hits(voxels_near(), LIBRARY, seed=5)
    _, layer, eta, _, energy = map(
        np.array, zip(*voxels_to_pattern_hits_twin(voxels_near(), LIBRARY, 5), strict=True)
    )
    assert np.array_equal(hits.layer, layer)
    assert hits.eta == pytest.approx(eta, abs=3e-7)
    assert hits.energy == pytest.approx(energy, rel=1e-6)


def test_voxels_of_other_layers_do_not_know_of_steps():
    hits, _ = voxels_to_pattern_hits(voxels_near(), LIBRARY, seed=5)
    plain, _ = voxels_to_pattern_hits(voxels_near(), toy_library(), seed=5)
    others, same = (~np.isin(one.layer, [2, 3]) for one in (hits, plain))
    assert not np.array_equal(hits.energy[~others], plain.energy[~same])
    for values in ("eta", "phi", "energy"):
        expected = getattr(plain, values)[same]
        assert np.array_equal(getattr(hits, values)[others], expected), values


@pytest.mark.parametrize("ratio", [0.1, 4.0])
def test_patterns_are_taken_as_often_as_a_step_leaves_of_them(ratio):
    rng, n_patterns = np.random.default_rng(1), 50
    library = PatternLibrary(  # one deposit each: no share of it can be moved
        grid=VoxelGrid({3: (Ring(0.0, 100.0, 100.0, 1),)}),
        energies=np.array([65e3]),
        n_showers=np.array([[n_patterns]]),
        counts=np.array([[[n_patterns]]]),
        energy=np.linspace(1.0, 2.0, n_patterns, dtype=np.float32),
        sides=np.zeros((n_patterns, 6), dtype=np.uint8),
        n_deposits=np.ones(n_patterns, dtype=np.int64),
        r=rng.integers(0, 256, n_patterns, dtype=np.uint8),
        alpha=rng.integers(0, 256, n_patterns, dtype=np.uint8),
        share=np.zeros(n_patterns, dtype=np.uint8),
        steps=(DensityStep(3, 0.8, ratio),),
    )
    n_events = 20_000
    voxels = Voxels(
        energy=rng.uniform(1.2 / 65e3, 1.8 / 65e3, (n_events, 1)).astype(np.float32),
        incident_energy=np.full(n_events, 65e3),
        eta_center=np.full(n_events, 0.79),
        phi_center=np.zeros(n_events),
        index=np.arange(n_events),
        grid=library.grid,
    )
    hits, _ = voxels_to_pattern_hits(voxels, library, seed=1)
    share = shares_beyond(voxels, library, 3, 0.8, atlas_barrel())[:, 0]
    expected = ratio * share / (1.0 - share + ratio * share)
    error = np.sqrt(np.sum(expected * (1.0 - expected))) / n_events
    assert np.mean(np.abs(hits.eta) >= 0.8) == pytest.approx(expected.mean(), abs=4 * error)


@pytest.mark.parametrize("grid", [GRID, VoxelGrid.regular()], ids=["optimal", "regular"])
def test_voxels_keep_their_energy_near_steps(grid):
    library = replace(toy_library(grid), steps=STEPS)
    voxels = replace(toy_voxels(grid), eta_center=ETA)
    hits, _ = voxels_to_pattern_hits(voxels, library, seed=1)
    again = hits_to_voxels(hits, grid, center="photon")
    assert again.energy == pytest.approx(voxels.energy, rel=1e-6, abs=1e-12)


def test_cells_near_steps_are_those_of_the_hits():
    hits, _ = voxels_to_pattern_hits(voxels_near(), LIBRARY, seed=4)
    expected = hits_to_cells(hits, barrel_cells())
    cells, _ = voxels_to_cells(voxels_near(), LIBRARY, barrel_cells(), seed=4)
    assert np.array_equal(cells.cell, expected.cell)
    assert cells.energy == pytest.approx(expected.energy, rel=1e-6)


def test_steps_are_the_same_on_both_sides_of_the_detector():
    here, _ = voxels_to_pattern_hits(voxels_near(), LIBRARY, seed=2)
    there, _ = voxels_to_pattern_hits(voxels_near(-ETA), LIBRARY, seed=2)
    assert np.array_equal(here.eta, -there.eta)
    assert np.array_equal(here.phi, there.phi)
    assert np.array_equal(here.energy, there.energy)


def test_showers_that_reach_no_step_stay_as_they_are():
    steps = (DensityStep(3, 1.4, 0.1),)  # voxels reach 1 m
    eta = 0.1 * np.arange(6)
    hits, _ = voxels_to_pattern_hits(voxels_near(eta), replace(LIBRARY, steps=steps), seed=1)
    plain, _ = voxels_to_pattern_hits(voxels_near(eta), toy_library(), seed=1)
    for values in ("eta", "phi", "energy", "event_offsets"):
        assert np.array_equal(getattr(hits, values), getattr(plain, values)), values


def test_hits_anywhere_in_voxels_know_of_steps():
    maker = PatternMaker(GRID)
    maker.add(replace(DONORS, energy=np.where(DONORS.layer == 2, DONORS.energy, np.float32(0))))
    voxels = replace(toy_voxels(), eta_center=np.full(6, 0.78))
    library = maker.library()
    hits, plain = (
        voxels_to_pattern_hits(voxels, replace(library, steps=steps), seed=1)[0]
        for steps in (STEPS, ())
    )
    beyond, all_beyond = (
        one.energy[(one.layer == 3) & (np.abs(one.eta) >= 0.8)].sum() for one in (hits, plain)
    )
    assert beyond < 0.5 * all_beyond
    again = hits_to_voxels(hits, GRID, center="photon")
    assert again.energy == pytest.approx(voxels.energy, rel=1e-6, abs=1e-12)


def test_tables_have_the_steps_of_each_layer():
    assert pattern_tables(LIBRARY).steps.tolist() == [
        [[np.inf, 1.0], [np.inf, 1.0]],
        [[np.inf, 1.0], [np.inf, 1.0]],
        [[0.8, 1.5], [0.81, 0.7]],
        [[0.8, 0.1], [np.inf, 1.0]],
        [[np.inf, 1.0], [np.inf, 1.0]],
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((3, 0.8, 0.0), "expected `ratio` above 0, got 0"),
        ((3, np.inf, 1.0), "expected `abs_eta` above 0, got inf"),
        ((4, 0.8, 1.0), "expected steps in layers .*, got layer 4"),
        ((2, 0.8, 0.3), "expected one step at a place, got two"),
    ],
)
def test_steps_that_cannot_be_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        replace(LIBRARY, steps=(*STEPS, DensityStep(*values)))
