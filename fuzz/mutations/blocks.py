"""Byte-wise mutations: flip, set, zero, cut, insert, duplicate, swap, append.

Half of them strike near what steers a reader: signatures of HDF5 heaps, trees and headers, class
names of ROOT, the footers of Parquet and zip.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

__all__ = ["mutate_bytes"]

_ANCHORS: Final = (
    *(b"\x89HDF", b"TREE", b"HEAP", b"SNOD", b"GCOL", b"OHDR", b"OCHK", b"FRHP", b"FHDB", b"FHIB"),
    *(b"BTHD", b"BTLF", b"FSHD", b"FSSE", b"FAHD", b"EAHD"),
    *(b"root", b"TKey", b"TFile", b"TTree", b"TStreamer", b"TMatrixT", b"TBasket", b"ZS\x01"),
    *(b"PAR1", b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"__metadata__", b"data_offsets"),
)
_WHOLE_NUMBERS: Final = (0, 1, 2, 7, 8, 255, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
_LONG_NUMBERS: Final = (*_WHOLE_NUMBERS, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
_MOST_ROUNDS: Final = 4


def mutate_bytes(path: Path, rng: np.random.Generator) -> str:
    """Change bytes of a file in one to four places.

    Args:
        path: The file.
        rng: Decides how.

    Returns:
        What was done.
    """
    data = bytearray(path.read_bytes())
    anchors = _find_anchors(data)
    done = []
    for _ in range(int(rng.integers(1, _MOST_ROUNDS + 1))):
        change = _CHANGES[rng.integers(len(_CHANGES))]
        place = _choose_place(data, anchors, rng)
        change(data, place, rng)
        done.append(f"{change.__name__.strip('_')}@{place}")
    path.write_bytes(data)
    return "bytes: " + ", ".join(done)


def _find_anchors(data: bytearray) -> list[int]:
    found = []
    for mark in _ANCHORS:
        place = data.find(mark)
        while place >= 0:
            found.append(place)
            place = data.find(mark, place + 1)
    return found


def _choose_place(data: bytearray, anchors: list[int], rng: np.random.Generator) -> int:
    size = max(1, len(data))
    if anchors and rng.random() < 0.5:
        return int(anchors[rng.integers(len(anchors))] + rng.integers(-16, 80)) % size
    if rng.random() < 0.3:
        return int(rng.integers(min(size, 4096)))
    return int(rng.integers(size))


def _length(rng: np.random.Generator) -> int:
    return int(2 ** rng.uniform(0, 10))


def _flip(data: bytearray, place: int, rng: np.random.Generator) -> None:
    if data:
        data[place] ^= 1 << int(rng.integers(8))


def _set(data: bytearray, place: int, rng: np.random.Generator) -> None:
    data[place : place + 1] = rng.bytes(1)


def _number(data: bytearray, place: int, rng: np.random.Generator) -> None:
    width = int(rng.choice([2, 4, 8]))
    known = _LONG_NUMBERS if width == 8 else _WHOLE_NUMBERS
    value = int(known[rng.integers(len(known))]) % 256**width
    data[place : place + width] = value.to_bytes(width, "little" if rng.random() < 0.5 else "big")


def _zero(data: bytearray, place: int, rng: np.random.Generator) -> None:
    stop = min(len(data), place + _length(rng))
    data[place:stop] = bytes(stop - place)


def _ones(data: bytearray, place: int, rng: np.random.Generator) -> None:
    stop = min(len(data), place + min(16, _length(rng)))
    data[place:stop] = b"\xff" * (stop - place)


def _cut(data: bytearray, place: int, rng: np.random.Generator) -> None:
    del data[place : place + _length(rng)]


def _cut_short(data: bytearray, place: int, rng: np.random.Generator) -> None:
    del data[place:]


def _insert(data: bytearray, place: int, rng: np.random.Generator) -> None:
    data[place:place] = rng.bytes(min(64, _length(rng)))


def _duplicate(data: bytearray, place: int, rng: np.random.Generator) -> None:
    data[place:place] = data[place : place + _length(rng)]


def _swap(data: bytearray, place: int, rng: np.random.Generator) -> None:
    other, length = int(rng.integers(max(1, len(data)))), _length(rng)
    first, second = sorted((place, other))
    length = min(length, second - first, len(data) - second)
    first_block = data[first : first + length]
    data[first : first + length] = data[second : second + length]
    data[second : second + length] = first_block


def _copy_over(data: bytearray, place: int, rng: np.random.Generator) -> None:
    start, length = int(rng.integers(max(1, len(data)))), _length(rng)
    block = data[start : start + min(length, len(data) - place)]
    data[place : place + len(block)] = block


def _append(data: bytearray, place: int, rng: np.random.Generator) -> None:
    data += rng.bytes(_length(rng))


_CHANGES: Final[tuple[Callable[[bytearray, int, np.random.Generator], None], ...]] = (
    *(_flip, _flip, _set, _number, _number, _zero, _ones, _cut, _cut_short, _insert),
    *(_duplicate, _swap, _copy_over, _append),
)
