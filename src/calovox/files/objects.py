"""What a foreign file may hold; in HDF5, plain groups, datasets and attributes of its own.

HDF5 can be told to fetch numbers from elsewhere: raw data in other files, links to other files,
datasets put together from others. It follows all of these without a word, and it trusts the sizes
that a file claims. This module walks through a file once, without reading the numbers, and names
the first object that is anything else. Attributes and text of variable length are read, because
damaged heaps are found only then.

Of a ROOT file, all directories are listed. The libraries may also crash or never return. That is
why `calovox.files.gate` runs this module in a process of its own, whose main function is `serve`.

References:
    The HDF Group, *HDF5 File Format Specification Version 3.0*,
    https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

import json
import math
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

import h5py
import hdf5plugin
from h5py import h5a, h5d, h5g, h5l, h5o, h5t, h5z

from calovox.files.damage import one_line

__all__ = ["UnwantedObjectError", "check_objects", "serve"]

READY: Final = "ready"
"""First line of the process."""

PLAIN: Final = "plain"
REFUSED: Final = "refused"
DAMAGED: Final = "damaged"
"""What it answers, beside the reason."""

_CLAIM_FREE: Final = 64 * 2**20
_CLAIM_FACTOR: Final = 2**14
"""Bytes that a byte of the file may stand for: Blosc2 stores a chunk of 512 KiB of zeros in 56."""

_EXPECTED: Final = "expected plain groups, datasets and attributes of this file alone"
_ROWS: Final = 10_000
_PLAIN_TYPES: Final = frozenset({h5t.INTEGER, h5t.FLOAT, h5t.STRING, h5t.ENUM, h5t.BITFIELD})
_LINKS: Final = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "a link to another file"}

assert hdf5plugin.FILTERS  # imported for the filters that it registers


class UnwantedObjectError(ValueError):
    """An object that is no plain group, dataset or attribute of the file."""


def check_objects(path: str) -> None:
    """Walk through a file, and refuse what is not plainly part of it.

    Args:
        path: An HDF5 file.

    Raises:
        UnwantedObjectError: Naming the first object that is refused, and why.
        Exception: Whatever h5py raises for a damaged file.
    """
    with h5py.File(path, "r") as file:
        _Walk(os.path.getsize(path)).group(file.id, "")


def serve() -> None:
    """Check the files whose paths and time limits come as lines of JSON, until there are no more.

    Each answer is a line of JSON: what the file is, and why. A file that takes more
    processor time than its limit ends the process with SIGPROF, also if who asked is gone.
    """
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    print(READY, flush=True)
    for line in sys.stdin:
        path, limit = json.loads(line)
        check = _checker(path)
        signal.setitimer(signal.ITIMER_PROF, limit)
        answer = _answer(check, path)
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        print(json.dumps(answer), flush=True)


def _checker(path: str) -> Callable[[str], None]:
    """Choose what checks a file, and import what that needs."""
    with open(path, "rb") as file:
        is_root = file.read(4) == b"root"
    if not is_root:
        return check_objects
    import uproot  # takes longer than all else here

    def list_directories(path: str) -> None:
        with uproot.open(path) as file:
            file.classnames()

    return list_directories


def _answer(check: Callable[[str], None], path: str) -> tuple[str, str]:
    try:
        check(path)
    except UnwantedObjectError as problem:
        return REFUSED, str(problem)
    except Exception as problem:  # of any kind: the file is foreign
        return DAMAGED, one_line(problem)
    return PLAIN, ""


class _Walk:
    """A walk through all objects of a file of so many bytes."""

    def __init__(self, file_size: int) -> None:
        self._file_size = file_size
        self._claimed = 0
        self._groups: set[Any] = set()

    def group(self, group: h5g.GroupID, name: str) -> None:
        place = _place(group)
        if place in self._groups:
            _refuse(name, f"is a second name of a group: {_EXPECTED}")
        self._groups.add(place)
        self._attributes(group, name)
        for link in list(group):
            self._link(group, link, f"{name}/{one_line(link.decode(errors='replace'))}")

    def _link(self, group: h5g.GroupID, link: bytes, name: str) -> None:
        if "\ufffd" in link.decode(errors="replace"):
            _refuse(name, "has a name that is not UTF-8, which h5py does not give as text")
        kind = group.links.get_info(link).type
        if kind != h5l.TYPE_HARD:
            _refuse(name, f"is {_LINKS.get(kind, 'a link of an unknown kind')}: {_EXPECTED}")
        thing = h5o.open(group, link)
        if isinstance(thing, h5g.GroupID):
            self.group(thing, name)
        elif isinstance(thing, h5d.DatasetID):
            self._dataset(thing, name)
        else:
            _refuse(name, f"is neither a group nor a dataset: {_EXPECTED}")

    def _dataset(self, dataset: h5d.DatasetID, name: str) -> None:
        layout = dataset.get_create_plist()
        if layout.get_layout() == h5d.VIRTUAL:
            _refuse(name, f"is a virtual dataset, put together from others: {_EXPECTED}")
        if layout.get_external_count():
            _refuse(name, f"has its numbers in another file: {_EXPECTED}")
        kind = dataset.get_type()
        _check_type(kind, name)
        for position in range(layout.get_nfilters()):
            code = layout.get_filter(position)[0]
            if not h5z.filter_avail(code):
                _refuse(name, f"is compressed by filter {code}, which is not installed")
        shape = dataset.shape
        self._claim(name, shape, kind)
        if layout.get_layout() == h5d.CHUNKED:
            self._claim(name, layout.get_chunk(), kind)
            self._chunks(dataset, name)
        self._attributes(dataset, name)
        if _is_variable(kind):
            rows = h5py.Dataset(dataset)
            for start in range(0, shape[0] if shape else 1, _ROWS):
                rows[start : start + _ROWS] if shape else rows[()]

    def _chunks(self, dataset: h5d.DatasetID, name: str) -> None:
        def check(chunk: Any) -> None:
            if chunk.byte_offset + chunk.size > self._file_size:
                raise OSError(f"a chunk of `{name}` lies behind the end of the file")

        dataset.chunk_iter(check)

    def _attributes(self, thing: h5g.GroupID | h5d.DatasetID, name: str) -> None:
        attributes = h5py.AttributeManager(_Owner(thing))
        for position in range(h5a.get_num_attrs(thing)):
            attribute = h5a.open(thing, index=position)
            text = f"{name}/@{one_line(attribute.name.decode(errors='replace'))}"
            kind = attribute.get_type()
            _check_type(kind, text)
            self._claim(text, attribute.shape, kind)
            attributes[attribute.name]

    def _claim(self, name: str, shape: tuple[int, ...] | None, kind: h5t.TypeID) -> None:
        self._claimed += math.prod(shape or (1,)) * kind.get_size()
        if self._claimed > _CLAIM_FREE + _CLAIM_FACTOR * self._file_size:
            numbers = " x ".join(map(str, shape or ()))
            _refuse(
                name,
                f"claims {numbers} entries, which a file of {self._file_size} bytes cannot hold",
            )


class _Owner:
    """What h5py's reader of attributes needs of the object that they belong to."""

    def __init__(self, thing: h5g.GroupID | h5d.DatasetID) -> None:
        self.id = thing


def _place(group: h5g.GroupID) -> Any:
    info = h5o.get_info(group)
    return info.fileno, info.addr


def _check_type(kind: h5t.TypeID, name: str) -> None:
    what = kind.get_class()
    if what == h5t.COMPOUND:
        for position in range(kind.get_nmembers()):
            _check_type(kind.get_member_type(position), name)
    elif what in (h5t.ARRAY, h5t.VLEN):
        _check_type(kind.get_super(), name)
    elif what == h5t.REFERENCE:
        _refuse(name, f"refers to other objects: {_EXPECTED}")
    elif what not in _PLAIN_TYPES:
        _refuse(name, f"holds neither numbers nor text: {_EXPECTED}")


def _is_variable(kind: h5t.TypeID) -> bool:
    what = kind.get_class()
    if what == h5t.STRING:
        return bool(kind.is_variable_str())
    if what == h5t.COMPOUND:
        return any(_is_variable(kind.get_member_type(i)) for i in range(kind.get_nmembers()))
    return bool(what == h5t.VLEN or (what == h5t.ARRAY and _is_variable(kind.get_super())))


def _refuse(name: str, why: str) -> None:
    raise UnwantedObjectError(f"`{name.removeprefix('/') or '/'}` {why}")
