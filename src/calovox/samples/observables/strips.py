r"""Observables of EMB1 as ATLAS defines them, beside those of the note.

The profile is that of two rows in phi (`reconstruction.strips`), E_i the energy of strip i and
i_0 the hottest strip of EMB1:

$$w_{s3} = \sqrt{\frac{\sum E_i (i - i_0)^2}{\sum E_i}}, \; |i - i_0| \le 1, \qquad
f_{side} = \frac{E(7) - E(3)}{E(3)}.$$

Candidates for the second maximum are strips that are higher than both their neighbours, do not
touch i_0, and lie within 20 strips of it. ATLAS takes the highest; the note takes the one with the
largest sum of three strips. Delta E is its energy above the lowest strip between it and i_0, and
E_ratio = (E_1 - E_2) / (E_1 + E_2). Without a second maximum, E_2 and Delta E are 0.

References:
    ATLAS Collaboration, *Electron and photon performance measurements with the ATLAS detector*,
    2019, https://arxiv.org/abs/1908.00005, Table 1
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.samples.observables.table import ratio_or_zero

__all__ = ["StripObservables", "strip_observables"]

_SEARCH: Final = 20
"""How far from the hottest strip the second maximum is searched, in strips."""


@dataclass(frozen=True)
class StripObservables:
    """ATLAS's observables of EMB1.

    Attributes:
        w_s3: Width over three strips, in strips.
        f_side: Energy outside the inner three of seven strips over that inside.
        delta_e: Second maximum above the lowest strip between the two maxima in MeV.
        e_ratio: Difference of the two maxima over their sum.
    """

    w_s3: Float64[Array, " event"]
    f_side: Float64[Array, " event"]
    delta_e: Float64[Array, " event"]
    e_ratio: Float64[Array, " event"]


def strip_observables(profile: Float64[Array, "event strip"]) -> StripObservables:
    """Compute ATLAS's observables of the strip layer.

    Args:
        profile: Energy of the strips in MeV, the hottest in the middle; 41 strips or more.

    Returns:
        The observables of each event; 0 where a denominator is not positive.

    Raises:
        ValueError: If the profile is too short, or has no middle.
    """
    n_strips = profile.shape[1]
    if n_strips < 2 * _SEARCH + 1 or n_strips % 2 == 0:
        raise ValueError(
            f"profile: expected an odd number of strips, {2 * _SEARCH + 1} or more, got {n_strips}"
        )
    middle = n_strips // 2
    three = profile[:, middle - 1 : middle + 2]
    seven = profile[:, middle - 3 : middle + 4]
    e_3, e_7 = three.sum(axis=1), seven.sum(axis=1)
    variance = ratio_or_zero(three[:, 0] + three[:, 2], e_3)
    e_1, (e_2, valley) = profile[:, middle], _second_maximum(profile)
    return StripObservables(
        w_s3=np.sqrt(np.maximum(variance, 0.0)),
        f_side=ratio_or_zero(e_7 - e_3, e_3),
        delta_e=e_2 - valley,
        e_ratio=ratio_or_zero(e_1 - e_2, e_1 + e_2),
    )


def _second_maximum(
    profile: Float64[Array, "event strip"],
) -> tuple[Float64[Array, " event"], Float64[Array, " event"]]:
    """Find the height of the second maximum and of the valley before it; zeros without one."""
    middle = profile.shape[1] // 2
    sides = []
    for side in (profile[:, middle:], profile[:, middle::-1]):
        # column 0 is the hottest strip; one more strip lets the last be compared with both sides
        padded = np.pad(side, ((0, 0), (0, 1)))
        inner = padded[:, 2 : _SEARCH + 1]
        lowest = np.minimum.accumulate(padded[:, 1:_SEARCH], axis=1)
        peak = (inner > padded[:, 1:_SEARCH]) & (inner > padded[:, 3 : _SEARCH + 2]) & (inner > 0)
        height = np.where(peak, inner, 0.0)
        best = np.argmax(height, axis=1)[:, None]
        height = np.take_along_axis(height, best, axis=1)[:, 0]
        valley = np.take_along_axis(lowest, best, axis=1)[:, 0]
        sides.append((height, np.where(height > 0, valley, 0.0)))
    (right, right_valley), (left, left_valley) = sides
    # of two equal maxima, the one with the deeper valley
    is_left = (left > right) | ((left == right) & (left_valley < right_valley))
    return np.where(is_left, left, right), np.where(is_left, left_valley, right_valley)
