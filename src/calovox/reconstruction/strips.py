r"""Shower shapes of the strip layer EMB1, from the energy profile in eta (note, Table 4).

The profile $E_i$ is the row in phi of the brightest strip; ATLAS adds the more energetic
of the two neighbour rows (compared over the 7 strips around the brightest one), which is an
option here. $E_1$ is the brightest strip of the profile, $i_{max}$ its index.

*Second maximum.* A local maximum is a strip of positive energy that is higher than the next strip
of different energy on either side. Among the local maxima that lie within `SEARCH_STRIPS` of the
brightest strip of EMB1, are not its neighbours and are separated from it by a lower strip, the
second maximum is the one with the largest sum of three strips (then the highest strip, then the
deepest valley). The range is that of ATLAS, 40 strips or 5 cells of EMB2: a lone hit further away
says nothing about a second photon.

$$\Delta E = E_2 - \min_{i \text{ between the maxima}} E_i, \qquad
E_{ratio} = \frac{E_1 - E_2}{E_1 + E_2},$$

where $E_2$ is the energy of the second maximum's strip, as in ATLAS; the sum of three strips
only selects it. Without a second maximum $E_2 = 0, \Delta E = 0, E_{ratio} = 1$.

$$w_{\eta 1} = \sqrt{\frac{\sum E_i (i - i_{max})^2}{\sum E_i}}, \quad |i - i_{max}| \le 3,
\qquad fracs_1 = \frac{E(7) - E(3)}{E(3)}$$

with sums over 7 and 3 strips around $i_{max}$. Ratios with a denominator that is not
positive are 0, so all strip shapes of an event without energy in EMB1 are 0.

References:
    ATLAS Collaboration, *Electron and photon performance measurements with the ATLAS detector*,
    2019, https://arxiv.org/abs/1908.00005
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from calovox.arrays import Array, Float64
from calovox.kernels import kernel

__all__ = ["SEARCH_STRIPS", "StripShapes", "strip_profile", "strip_shapes"]

SEARCH_STRIPS: Final = 20
"""How far from the brightest strip the second maximum is searched (20 strips: 0.0625 in eta)."""

_WIDTH_STRIPS: Final = 3


@dataclass(frozen=True)
class StripShapes:
    """Shower shapes of EMB1.

    Attributes:
        delta_e: Second maximum over the lowest strip between the maxima in MeV.
        e_ratio: Difference of the two maxima over their sum.
        w_eta1: Width in eta over 7 strips, in strips.
        fracs1: Energy in the outer four of 7 strips over that in the inner three.
    """

    delta_e: Float64[Array, " event"]
    e_ratio: Float64[Array, " event"]
    w_eta1: Float64[Array, " event"]
    fracs1: Float64[Array, " event"]


def strip_profile(
    strips: Float64[Array, "event strip_row strip"], rows: Literal[1, 2]
) -> Float64[Array, "event strip"]:
    """Project the strips around the brightest one onto eta.

    Args:
        strips: Three rows in phi, the brightest strip in the middle.
        rows: How many rows to add: that of the brightest strip, or also the more energetic of its
            neighbours.

    Returns:
        Energy of each strip in MeV.

    Raises:
        ValueError: If `rows` is neither 1 nor 2.
    """
    if rows not in (1, 2):
        raise ValueError(f"strip_rows: expected 1 or 2, got {rows}")
    below, center, above = strips[:, 0], strips[:, 1], strips[:, 2]
    if rows == 1:
        return center
    middle = strips.shape[2] // 2
    near = slice(middle - _WIDTH_STRIPS, middle + _WIDTH_STRIPS + 1)
    is_above = above[:, near].sum(axis=1) > below[:, near].sum(axis=1)
    return center + np.where(is_above[:, None], above, below)


def strip_shapes(profile: Float64[Array, "event strip"]) -> StripShapes:
    """Compute the shower shapes of the strip layer.

    Args:
        profile: Energy of the strips in MeV, the brightest strip of EMB1 in the middle.

    Returns:
        The shapes of each event.

    Raises:
        ValueError: If the profile is too short for the search and the width.
    """
    needed = 2 * (SEARCH_STRIPS + _WIDTH_STRIPS) + 1
    if profile.shape[1] < needed or profile.shape[1] % 2 == 0:
        raise ValueError(
            f"profile: expected an odd number of strips, {needed} or more, got {profile.shape[1]}"
        )
    shapes = np.empty((4, len(profile)))
    _strips_kernel(np.ascontiguousarray(profile), shapes)
    delta_e, e_ratio, w_eta1, fracs1 = shapes
    return StripShapes(delta_e=delta_e, e_ratio=e_ratio, w_eta1=w_eta1, fracs1=fracs1)


@kernel()
def _strips_kernel(profiles: Array, shapes: Array) -> None:
    middle = profiles.shape[1] // 2
    for event in range(profiles.shape[0]):
        profile = profiles[event]
        # with two rows added, the brightest strip of the profile may be another one
        first = middle
        for strip in range(middle - SEARCH_STRIPS, middle + SEARCH_STRIPS + 1):
            if profile[strip] > profile[first]:
                first = strip
        e_2, delta_e = _second_maximum(profile, first, middle)
        shapes[0, event] = delta_e
        shapes[1, event] = _ratio(profile[first] - e_2, profile[first] + e_2)
        e_3 = 0.0
        e_7 = 0.0
        moment = 0.0
        for step in range(-_WIDTH_STRIPS, _WIDTH_STRIPS + 1):
            energy = profile[first + step]
            e_7 += energy
            moment += energy * step * step
            if abs(step) <= 1:
                e_3 += energy
        shapes[2, event] = np.sqrt(max(0.0, _ratio(moment, e_7)))
        shapes[3, event] = _ratio(e_7 - e_3, e_3)


@kernel(inline="always")
def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0.0 else 0.0


@kernel()
def _second_maximum(profile: Array, first: int, middle: int) -> tuple[float, float]:
    """Return the energy of the second maximum and its height over the valley, or zeros."""
    best = (-np.inf, 0.0, 0.0)
    for direction in (-1, 1):
        lowest = np.inf
        strip = first + direction
        while abs(strip - middle) <= SEARCH_STRIPS:
            energy = profile[strip]
            # a lower strip must lie between: a shoulder of the brightest strip is no maximum
            if energy > max(0.0, lowest) and _is_maximum(profile, strip):
                # the neighbours first: the sum is the same to the last bit for a mirrored profile
                three = (profile[strip - 1] + profile[strip + 1]) + energy
                candidate = (three, energy, energy - lowest)
                if candidate > best:
                    best = candidate
            lowest = min(lowest, energy)
            strip += direction
    return best[1], best[2]


@kernel()
def _is_maximum(profile: Array, strip: int) -> bool:
    return _falls(profile, strip, -1) and _falls(profile, strip, 1)


@kernel()
def _falls(profile: Array, strip: int, direction: int) -> bool:
    """Return whether the next different strip in a direction is lower, zero beyond the profile."""
    neighbour = strip + direction
    while 0 <= neighbour < profile.size and profile[neighbour] == profile[strip]:
        neighbour += direction
    if neighbour < 0 or neighbour >= profile.size:
        return True
    return bool(profile[neighbour] < profile[strip])
