r"""Rows of cells in order, inside compiled kernels.

A radix sort by six bits at a time: faster for the some hundred cells of a shower than numba's
own sorting, which takes seconds to compile, and than longer digits, whose tables take longer to
clear than the rows to sort.
"""

from typing import Final

import numpy as np

from calovox.arrays import Array
from calovox.kernels import kernel

__all__ = ["sort_rows"]

_BITS: Final = 6
_N_DIGITS: Final = 1 << _BITS


@kernel()
def _sort_by_digit(rows: Array, target: Array, shift: int, places: Array) -> None:
    """Copy rows to the target, in the order of one digit; `places` is scratch."""
    places[:] = 0
    for place in range(rows.size):
        places[(rows[place] >> shift) & (_N_DIGITS - 1)] += 1
    total = 0
    for digit in range(_N_DIGITS):
        number = places[digit]
        places[digit] = total
        total += number
    for place in range(rows.size):
        digit = (rows[place] >> shift) & (_N_DIGITS - 1)
        target[places[digit]] = rows[place]
        places[digit] += 1


@kernel()
def sort_rows(rows: Array, start: int, stop: int) -> None:
    """Sort a part of an array in place.

    Args:
        rows: Rows of a cell table, 0 or above.
        start: Where the part begins.
        stop: Where it ends.
    """
    part, largest = rows[start:stop], 0
    for place in range(part.size):
        largest = max(largest, part[place])
    other, places = np.empty_like(part), np.empty(_N_DIGITS, dtype=np.int32)
    shift = 0
    while shift == 0 or largest >> shift > 0:  # there and back
        _sort_by_digit(part, other, shift, places)
        _sort_by_digit(other, part, shift + _BITS, places)
        shift += 2 * _BITS
