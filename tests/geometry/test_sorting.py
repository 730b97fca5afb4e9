import numpy as np
import pytest

from calovox.geometry.sorting import sort_rows


@pytest.mark.parametrize("size", [0, 1, 2, 13, 14, 500, 20_000])
@pytest.mark.parametrize("largest", [200_000, 2**31 - 1])
def test_a_part_is_sorted_and_the_rest_stays(size, largest):
    rows = np.random.default_rng(size).integers(0, largest, size + 5).astype(np.int32)
    before = rows.copy()
    sort_rows(rows, 3, 3 + size)
    assert np.array_equal(rows[3 : 3 + size], np.sort(before[3 : 3 + size]))
    assert np.array_equal(rows[:3], before[:3])
    assert np.array_equal(rows[3 + size :], before[3 + size :])
