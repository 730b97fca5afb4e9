import math
from dataclasses import fields, replace

import numpy as np
import pytest

from calovox.geometry import aligned_barrel_cells, barrel_cells
from calovox.phi_modulation import PERIOD, PhiModulation, apply_phi_modulation, phi_phase
from calovox.phi_modulation.phases import center_phases, phi_in_cells
from calovox.phi_modulation.profile import hits_to_profiles
from tests.phi_modulation.test_curve import cosine
from tests.reference.phi_modulation import phi_in_cells_twin
from tests.toy_showers import toy_showers

CELLS = aligned_barrel_cells()
HITS = toy_showers(6, n_hits=200)


def columns(hits):
    return hits.layer, hits.eta, hits.phi


def test_built_in_barrel_leaves_azimuths_as_they_are():
    assert phi_in_cells(*columns(HITS), None) is HITS.phi
    assert phi_in_cells(*columns(HITS), barrel_cells()) is HITS.phi


def test_built_in_barrel_given_as_a_table_changes_no_bit():
    curve = PhiModulation.from_function(cosine)
    plain = apply_phi_modulation(HITS, curve)
    given = apply_phi_modulation(HITS, curve, barrel_cells())
    assert np.array_equal(plain.energy, given.energy)
    before, after = hits_to_profiles(HITS), hits_to_profiles(HITS, cells=barrel_cells())
    assert np.array_equal(before.energy, after.energy)
    assert np.array_equal(before.center_phase, after.center_phase)


def test_azimuths_count_from_the_cell_that_holds_the_hit():
    found = phi_in_cells(*columns(HITS), CELLS)
    expected = phi_in_cells_twin(*columns(HITS), CELLS)
    assert found == pytest.approx(expected, abs=1e-12)
    ideal = phi_phase(HITS.phi)[HITS.layer == 2]
    off = np.abs(phi_phase(found)[HITS.layer == 2] - ideal)
    assert np.mean(np.minimum(off, PERIOD - off) > 0.1 * PERIOD) > 0.5


@pytest.mark.parametrize("layer", [0, 1, 2, 3])
def test_centres_of_displaced_cells_have_phase_zero(layer):
    rows = np.flatnonzero(CELLS.layer == layer)[::37]
    found = phi_in_cells(CELLS.layer[rows], CELLS.eta[rows], CELLS.phi[rows], CELLS)
    assert np.array_equal(found, np.zeros(len(rows)))


def test_hits_beyond_the_last_cell_take_the_nearest_one():
    eta = np.array([0.0, 1.6, -1.6])
    phi = np.array([3.1, -3.1, 0.5])
    layer = np.full(3, 1, dtype=np.uint8)
    assert np.all(CELLS.lookup().find(layer, eta, phi) < 0)
    half_width = math.pi / 64
    assert np.all(np.abs(phi_in_cells(layer, eta, phi, CELLS)) < 1.05 * half_width)


def test_layers_without_cells_are_refused():
    table = without_layer(CELLS, 2)
    with pytest.raises(ValueError, match="expected some in layer 2, got none"):
        center_phases(np.array([0.2]), np.array([0.1]), table)


def without_layer(table, missing):
    """The table without the cells of a layer."""
    kept = table.layer != missing
    names = [entry.name for entry in fields(table) if entry.name not in ("name", "layers")]
    return replace(table, **{name: getattr(table, name)[kept] for name in names})
