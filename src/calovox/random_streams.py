r"""Random numbers that depend on (seed, purpose, event index) and on nothing else.

Each event has a 64-bit key; its k-th random number is the k-th output of SplitMix64 started from
that key. Results therefore do not depend on batch size, number of workers or order.

References:
    G. L. Steele, D. Lea, C. H. Flood, *Fast splittable pseudorandom number generators*,
    OOPSLA 2014, https://doi.org/10.1145/2660193.2660195
    G. E. P. Box, M. E. Muller, *A note on the generation of random normal deviates*, 1958,
    https://doi.org/10.1214/aoms/1177706645
"""

import math
from enum import IntEnum

import numpy as np

from calovox.arrays import Array, Float32, Float64, Int, UInt64
from calovox.kernels import kernel

__all__ = [
    "Stream",
    "check_seed",
    "event_key",
    "event_keys",
    "event_normals",
    "event_uniforms",
    "next_uniform",
]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53


class Stream(IntEnum):
    """What the numbers are for: different purposes never share a stream."""

    PHOTONS = 1
    GEANT4 = 2
    SUB_VOXELS = 3
    MATCHING = 4
    PLACEMENT = 5
    MODEL = 6
    HITS = 7
    TIES = 8
    NOISE = 9
    CHOICE = 10
    PATTERNS = 11
    CENTERS = 12
    START = 13


@kernel(inline="always")
def _mix(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    return value ^ (value >> np.uint64(31))


@kernel(inline="always")
def next_uniform(state: np.uint64) -> tuple[np.uint64, float]:
    """Advance a stream by one number, inside a compiled kernel.

    Args:
        state: The event's key at first, then the state returned by the previous call.

    Returns:
        The new state, and a number in [0, 1) with 53 random bits.
    """
    state = state + _GOLDEN
    return state, (_mix(state) >> np.uint64(11)) * _TO_UNIT


@kernel(inline="always")
def event_key(seed: np.uint64, stream: np.uint64, event_index: int) -> np.uint64:
    """Derive the key of one event's stream, inside a compiled kernel; see `event_keys`."""
    # mixed at each step: seeds, streams or indices that differ by 1 share no part of a stream
    base = _mix(_mix(seed + _GOLDEN) + stream * _GOLDEN)
    return _mix(base + (np.uint64(event_index) + np.uint64(1)) * _GOLDEN)


@kernel()
def _keys_kernel(seed: np.uint64, stream: np.uint64, event_indices: Array, keys: Array) -> None:
    for position in range(event_indices.size):
        keys[position] = event_key(seed, stream, event_indices[position])


def check_seed(seed: int) -> np.uint64:
    """Refuse a seed that is out of range.

    Args:
        seed: Seed of a run.

    Returns:
        The seed, as kernels take it.

    Raises:
        ValueError: If it is not from 0 to 2^63 - 1.
    """
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed: expected an integer from 0 to 2^63 - 1, got {seed}")
    return np.uint64(seed)


@kernel()
def _uniforms_kernel(keys: Array, numbers: Array) -> None:
    for event in range(keys.size):
        state = keys[event]
        for draw in range(numbers.shape[1]):
            state, numbers[event, draw] = next_uniform(state)


@kernel()
def _normals_kernel(keys: Array, numbers: Array) -> None:
    n_draws = numbers.shape[1]
    for event in range(keys.size):
        state = keys[event]
        for draw in range(0, n_draws, 2):
            state, first = next_uniform(state)
            state, second = next_uniform(state)
            radius = math.sqrt(-2.0 * math.log(1.0 - first))  # 1 - first is never 0
            angle = 2.0 * math.pi * second
            numbers[event, draw] = radius * math.cos(angle)
            if draw + 1 < n_draws:
                numbers[event, draw + 1] = radius * math.sin(angle)


def event_keys(
    seed: int, stream: Stream, event_indices: Int[Array, " event"]
) -> UInt64[Array, " event"]:
    """Derive the key of each event's stream.

    Args:
        seed: Seed of the run, 0 to 2^63 - 1.
        stream: What the numbers are for.
        event_indices: Index of each event in the whole run, not in the batch.

    Returns:
        One key per event, to be passed to `event_uniforms` or to a kernel.

    Raises:
        ValueError: If the seed is out of range.
    """
    checked = check_seed(seed)
    keys = np.empty(len(event_indices), dtype=np.uint64)
    indices = np.ascontiguousarray(event_indices, dtype=np.int64)
    _keys_kernel(checked, np.uint64(stream), indices, keys)
    return keys


def event_uniforms(keys: UInt64[Array, " event"], count: int) -> Float64[Array, "event draw"]:
    """Draw the first numbers of every event's stream.

    Args:
        keys: Keys from `event_keys`.
        count: How many numbers per event.

    Returns:
        Uniform numbers in [0, 1).
    """
    numbers = np.empty((len(keys), count), dtype=np.float64)
    _uniforms_kernel(keys, numbers)
    return numbers


def event_normals(keys: UInt64[Array, " event"], count: int) -> Float32[Array, "event draw"]:
    """Draw standard normal numbers from every event's stream.

    Two numbers come from two uniform ones, by Box and Muller; none is beyond 8.6.

    Args:
        keys: Keys from `event_keys`.
        count: How many numbers per event; the first ones do not depend on it.

    Returns:
        Standard normal numbers.
    """
    numbers = np.empty((len(keys), count), dtype=np.float32)
    _normals_kernel(keys, numbers)
    return numbers
