import numpy as np
import pytest

from calovox.geometry.barrel import barrel_cells
from calovox.reconstruction.shapes import cells_to_shapes
from calovox.reconstruction.strips import SEARCH_STRIPS, strip_profile, strip_shapes
from tests.reconstruction.hand_made import make_cells, strips
from tests.reference import shapes as slow

MIDDLE = 24


def shapes_of(profile: dict[int, float]):
    """Strip shapes of a profile, given by distance from the brightest strip."""
    profiles = np.zeros((2, 2 * MIDDLE + 1))
    for step, energy in profile.items():
        profiles[0, MIDDLE + step] = energy
        profiles[1, MIDDLE - step] = energy
    shapes = strip_shapes(profiles)
    for name in ("delta_e", "e_ratio", "w_eta1", "fracs1"):
        both = getattr(shapes, name)
        assert both[0] == pytest.approx(both[1]), f"{name} changes under the mirror"
    return shapes


CASES = {
    "one strip": ({0: 10}, 0, 1),
    "falling": ({-2: 1, -1: 5, 0: 10, 1: 6, 2: 2}, 0, 1),
    "a second maximum": ({0: 10, 1: 4, 2: 1, 3: 3}, 2, 7 / 13),
    "over an empty strip": ({0: 10, 5: 3}, 3, 7 / 13),
    "the larger sum of three, not the higher strip": (
        {0: 20, -5: 4, 4: 2, 5: 3, 6: 2},
        3,
        17 / 23,
    ),
    "equal sums of three: the higher strip": ({0: 20, -5: 4, 4: 1, 5: 3}, 4, 16 / 24),
    "equal strips: the deeper valley": ({0: 20, -1: 2, -2: 4, 1: 1, 2: 4, 3: 1}, 3, 16 / 24),
    "a plateau is one maximum": ({0: 10, 3: 2, 4: 2}, 2, 8 / 12),
    "a step is none": ({0: 10, 1: 4, 2: 4, 3: 1}, 0, 1),
    "two equal brightest strips": ({0: 10, 2: 10}, 10, 0),
    "neighbours of equal energy": ({0: 10, 1: 10}, 0, 1),
    "at the end of the search": ({0: 10, SEARCH_STRIPS: 2}, 2, 8 / 12),
    "beyond the search": ({0: 10, SEARCH_STRIPS + 1: 2}, 0, 1),
    "a slope that ends beyond the search": ({0: 10, SEARCH_STRIPS: 2, SEARCH_STRIPS + 1: 3}, 0, 1),
    "the lowest strip of several valleys": ({0: 10, 1: 3, 2: 5, 3: 1, 4: 9}, 8, 1 / 19),
    "a negative valley": ({0: 10, 1: -1, 2: 4}, 5, 6 / 14),
    "a maximum below zero is none": ({0: 10, 1: -3, 2: -1, 3: -2}, 0, 1),
    "nothing": ({}, 0, 0),
}


@pytest.mark.parametrize(("profile", "delta_e", "e_ratio"), CASES.values(), ids=CASES.keys())
def test_second_maximum_of_known_profiles(profile, delta_e, e_ratio):
    shapes = shapes_of(profile)
    assert shapes.delta_e[0] == pytest.approx(delta_e)
    assert shapes.e_ratio[0] == pytest.approx(e_ratio)


def test_widths_of_a_known_profile():
    shapes = shapes_of({-4: 50, -3: 1, -1: 2, 0: 100, 1: 3, 2: 4, 3: 5})
    assert shapes.w_eta1[0] == pytest.approx(np.sqrt((9 + 2 + 3 + 16 + 45) / 115))
    assert shapes.fracs1[0] == pytest.approx(10 / 105)


def test_strips_equal_the_slow_twin_with_many_equal_energies():
    rng = np.random.default_rng(7)
    profiles = rng.integers(-1, 5, size=(300, 2 * MIDDLE + 1)) * (rng.random((300, 49)) < 0.7)
    profiles = profiles.astype(np.float64)
    profiles[:, MIDDLE] = rng.integers(3, 6, 300)
    shapes = strip_shapes(profiles)
    twins = [slow.strip_shapes(dict(zip(range(-24, 25), row, strict=True))) for row in profiles]
    for name in twins[0]:
        np.testing.assert_allclose(getattr(shapes, name), slow.as_array(twins, name), err_msg=name)


def test_the_profile_takes_the_row_of_the_brightest_strip_or_the_better_neighbour_too():
    table = barrel_cells()
    event = strips([0, 10, 0, 0, 4]) | strips([1, 1, 0, 6, 5], row=11) | strips([0, 3], row=9)
    event |= {(1, 420, 9): 9.0}
    cells = make_cells(table, event)
    one, two = (cells_to_shapes(cells, table, strip_rows=rows) for rows in (1, 2))
    assert one.e_ratio[0] == pytest.approx(6 / 14)
    assert two.e_ratio[0] == pytest.approx((11 - 9) / (11 + 9))
    assert two.delta_e[0] == pytest.approx(9)


def test_rows_and_profiles_are_checked():
    with pytest.raises((ValueError, TypeError), match=r"1 or 2, got 3|Literal"):
        strip_profile(np.zeros((1, 3, 49)), 3)
    with pytest.raises(ValueError, match="expected an odd number of strips, 47 or more, got 45"):
        strip_shapes(np.zeros((1, 45)))
