from dataclasses import replace

import numpy as np
import pytest

from calovox.binned_shower import HitEnergy, ShowerLibrary, average_sub_voxels
from calovox.geometry import atlas_barrel, barrel_cells
from calovox.phi_modulation import PhiModulation
from calovox.photons import Fixed, SignedUniform, draw_photons
from calovox.reconstruction import cells_to_shapes, hits_to_cells
from calovox.simulation.simulate import (
    match_photons,
    simulate_library,
    simulate_photons,
    simulate_voxels,
)
from calovox.voxelization import VoxelGrid, concatenate_voxels, hits_to_voxels
from tests.patterns.showers import toy_library, toy_voxels
from tests.toy_model import ToyModels
from tests.toy_showers import toy_showers

N_EVENTS = 24


@pytest.fixture(scope="module")
def hits():
    return toy_showers(N_EVENTS, n_hits=2000)


@pytest.fixture(scope="module")
def library(hits):
    return ShowerLibrary(hits_to_voxels(hits, VoxelGrid.optimal()))


@pytest.fixture(scope="module")
def probabilities(hits, library):
    return average_sub_voxels([hits], library.voxels.grid)


@pytest.fixture(scope="module")
def photons():
    return draw_photons(np.arange(20), energy=Fixed(65e3), eta=SignedUniform(0.1, 1.2), seed=3)


def joined(batches):
    batches = list(batches)
    return (
        concatenate_voxels([batch.voxels for batch in batches]),
        np.concatenate([batch.hits.eta for batch in batches]),
        np.concatenate([batch.hits.energy for batch in batches]),
        np.concatenate([batch.cells.energy for batch in batches]),
    )


@pytest.mark.parametrize("matching", ["nearest", "random"])
def test_simulation_does_not_depend_on_the_batch_size(library, photons, probabilities, matching):
    whole, *columns = joined(
        simulate_library(
            library, photons, probabilities, matching=matching, seed=5, table=barrel_cells()
        )
    )
    parts, *others = joined(
        simulate_library(
            library,
            photons,
            probabilities,
            matching=matching,
            seed=5,
            table=barrel_cells(),
            batch_size=7,
        )
    )
    assert np.array_equal(whole.energy, parts.energy)
    assert all(np.array_equal(a, b) for a, b in zip(columns, others, strict=True))


@pytest.mark.parametrize("batch_size", [1, 7, 500])
def test_showers_of_a_model_do_not_depend_on_the_batch_size(photons, probabilities, batch_size):
    curve = PhiModulation.from_function(lambda layer, phi: 1.0 + 0.1 * np.cos(1024 * phi))
    chain = {"seed": 5, "table": barrel_cells(), "phi_modulation": curve}
    whole, *columns = joined(simulate_photons(ToyModels(), photons, probabilities, **chain))
    parts, *others = joined(
        simulate_photons(ToyModels(), photons, probabilities, **chain, batch_size=batch_size)
    )
    assert np.array_equal(whole.energy, parts.energy)
    assert all(np.array_equal(a, b) for a, b in zip(columns, others, strict=True))


def test_perfect_matching_does_not_depend_on_the_batch_size(library, probabilities):
    voxels = library.voxels
    whole = list(simulate_voxels([voxels], probabilities, seed=5))
    parts = list(simulate_voxels([voxels[:5], voxels[5:]], probabilities, seed=5))
    assert np.array_equal(whole[0].hits.phi, np.concatenate([batch.hits.phi for batch in parts]))


def test_simulation_depends_on_the_seed(library, photons, probabilities):
    first, second = (
        next(simulate_library(library, photons, probabilities, matching="nearest", seed=seed))
        for seed in (1, 2)
    )
    assert np.array_equal(first.voxels.energy, second.voxels.energy)
    assert not np.array_equal(first.hits.eta, second.hits.eta)


@pytest.mark.parametrize("hit_energy", [None, HitEnergy(default=50.0, transition=50.0)])
def test_energy_is_conserved_from_voxels_to_cells(library, probabilities, hit_energy):
    (batch,) = simulate_voxels(
        [library.voxels], probabilities, seed=1, table=barrel_cells(), hit_energy=hit_energy
    )
    expected = library.voxels.total_fraction * library.voxels.incident_energy
    hit_sums = np.add.reduceat(batch.hits.energy.astype(float), batch.hits.event_offsets[:-1])
    assert hit_sums == pytest.approx(expected, rel=1e-5)
    assert batch.cells.total_energy + batch.cells.outside == pytest.approx(expected, rel=1e-5)


def test_simulated_hits_fall_back_into_their_voxels(library, probabilities):
    (batch,) = simulate_voxels([library.voxels], probabilities, seed=1)
    again = hits_to_voxels(batch.hits, library.voxels.grid, center="hits")
    # the centre of the simulated hits is not quite the stored one: rings are left by a few hits
    assert again.layer_energy == pytest.approx(library.voxels.layer_energy, abs=5e-3)


def test_photons_give_their_energy_and_direction_to_the_showers(library, photons):
    for start, batch in enumerate(
        match_photons(library, photons, matching="random", seed=1, batch_size=1)
    ):
        assert batch.incident_energy[0] == photons.energy[start]
        assert batch.eta_center[0] == photons.eta[start]
        assert batch.index[0] == photons.index[start]


def test_perfect_matching_keeps_the_shower_shapes(hits, library, probabilities):
    table = barrel_cells()
    (batch,) = simulate_voxels([library.voxels], probabilities, seed=1, table=table)
    reference = cells_to_shapes(hits_to_cells(hits, table), table)
    simulated = cells_to_shapes(batch.cells, table)
    for name in ("f1", "r_eta", "r_phi"):
        assert getattr(simulated, name) == pytest.approx(getattr(reference, name), abs=0.05), name


def test_no_cells_are_made_without_a_cell_table(library):
    (batch,) = simulate_voxels([library.voxels], None, seed=1)
    assert batch.cells is None
    assert len(batch) == N_EVENTS


CURVE = PhiModulation.from_function(lambda layer, phi: 1.0 + 0.1 * np.cos(1024 * phi))


@pytest.mark.parametrize("curve", [None, CURVE], ids=["bare", "modulated"])
@pytest.mark.parametrize("shift", [0.0, 1e-4], ids=["ideal", "displaced"])
def test_cells_without_hits_are_those_with_hits(curve, shift):
    detector = atlas_barrel()
    if shift:
        table = replace(detector.cells, phi=detector.cells.phi + shift)
        detector = replace(detector, cells=table)
    chain = {
        "seed": 1,
        "table": detector.cells,
        "detector": detector,
        "phi_modulation": curve,
        "patterns": toy_library(),
    }
    (full,) = simulate_voxels([toy_voxels()], None, **chain)
    (lean,) = simulate_voxels([toy_voxels()], None, **chain, with_hits=False)
    assert len(lean) == len(full)
    assert (lean.hits is None) == (curve is None or shift == 0.0)
    assert lean.placement == full.placement
    assert np.array_equal(lean.cells.cell, full.cells.cell)
    assert lean.cells.energy == pytest.approx(full.cells.energy, rel=1e-5)
    assert lean.cells.outside == pytest.approx(full.cells.outside, rel=1e-5)
