import numpy as np
import pytest

from calovox.patterns.tables import AHEAD, GUIDE, pattern_tables
from tests.patterns.showers import GRID, toy_library


def test_guide_counts_the_patterns_below_each_part():
    library, tables = toy_library(), pattern_tables(toy_library())
    key, radial = np.unravel_index(np.argmax(tables.keys["number"]), tables.keys.shape)
    of_key = tables.keys[key, radial]
    own = library.energy[of_key["first"] :][: of_key["number"]]
    bits = own.view(np.int32) - of_key["lowest"]
    parts = (bits.astype(np.float32) * of_key["scale"]).astype(int)
    assert (parts[0], parts[-1]) == (0, GUIDE - 1)
    below = [np.count_nonzero(parts < part) for part in range(GUIDE)]
    assert tables.guide[key, radial].tolist() == below


def test_energies_of_keys_end_with_infinities():
    library, tables = toy_library(), pattern_tables(toy_library())
    assert np.count_nonzero(np.isinf(tables.energy)) == AHEAD * library.counts.size
    assert np.array_equal(tables.energy[np.isfinite(tables.energy)], library.energy)


def test_shares_of_a_pattern_add_up_to_one():
    library, tables = toy_library(), pattern_tables(toy_library())
    shares = tables.weights[library.share] * np.repeat(
        tables.patterns["scale"], library.n_deposits
    )
    sums = np.add.reduceat(shares, tables.patterns["first"])
    assert sums == pytest.approx(np.ones(len(library)), rel=1e-6)


def test_places_are_those_of_the_bytes():
    tables = pattern_tables(toy_library())
    first = tables.voxels[0]
    assert first["r"] == pytest.approx(first["d_r"] / 2)
    assert first["r"] + 255.5 * first["d_r"] == pytest.approx(GRID.r_max[0])
    assert np.hypot(*np.moveaxis(tables.angles, 2, 0)) == pytest.approx(1.0)


def test_keys_are_looked_for_in_energy_first():
    order = pattern_tables(toy_library()).order
    assert order.tolist() == [[0, 1], [1, 0]]


def test_tables_are_made_once():
    assert pattern_tables(toy_library()) is pattern_tables(toy_library())
