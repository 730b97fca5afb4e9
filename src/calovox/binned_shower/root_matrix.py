r"""Matrices in ROOT files: ``TMatrixD``, which uproot can read but not write by itself.

A ``TMatrixT<double>`` of class version 4 is stored as its base ``TMatrixTBase<double>`` of version
5 (numbers of rows and columns, lower bounds, number of elements, tolerance), followed by the
elements row by row. Files carry the ``TStreamerInfo`` of both classes with the checksums that
ROOT computes for them, so that every ROOT version and every other reader understands them.

References:
    ROOT Team, *ROOT I/O: TStreamerInfo and the streamer mechanism*,
    https://root.cern/doc/master/classTStreamerInfo.html
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import uproot
import uproot.serialization

from calovox.arrays import Array, Float, Float64
from calovox.files.root import open_root
from calovox.files.whole import whole_file

__all__ = ["RootMatrixError", "read_root_matrices", "write_root_matrices"]

_MATRIX_NAME: Final = "TMatrixT<double>"
_MATRIX_VERSION: Final = 4
_MATRIX_CHECKSUM: Final = 135074716
_BASE_NAME: Final = "TMatrixTBase<double>"
_BASE_VERSION: Final = 5
_BASE_CHECKSUM: Final = 2333786657
_OBJECT_CHECKSUM: Final = 2417737773

# type codes of TStreamerInfo::EReadWrite
_INT: Final = 3
_COUNTER: Final = 6
_DOUBLE: Final = 8
_POINTER: Final = 40
_OBJECT_BASE: Final = 66

_OBJECT: Final = struct.pack(">HII", 1, 0, 0)  # TObject: version, fUniqueID, fBits


class RootMatrixError(ValueError):
    """A ROOT file that cannot be read."""


def write_root_matrices(
    path: Path, matrices: Mapping[str, Float[Array, "row column"]], *, overwrite: bool = False
) -> None:
    """Write matrices as ``TMatrixD`` objects into one ROOT file.

    Args:
        path: The file to write.
        matrices: The matrices by name.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: If the path exists and may not be replaced.
    """
    with whole_file(path, overwrite=overwrite) as partial, uproot.recreate(partial) as file:
        file.update({name: _WritableMatrix.from_array(matrices[name]) for name in matrices})


def read_root_matrices(
    path: Path, error: type[ValueError] = RootMatrixError
) -> dict[str, Float64[Array, "row column"]]:
    """Read all ``TMatrixD`` objects of a ROOT file.

    Args:
        path: The file to read.
        error: What to raise if it cannot be read.

    Returns:
        The matrices by name; the newest cycle of each.

    Raises:
        ValueError: Of the given type, if it is damaged or no ROOT file.
    """
    with open_root(path, error, "is not a readable ROOT file") as file:
        names = file.classnames(recursive=False, cycle=False)
        return {
            name: _to_array(file[name]) for name, kind in names.items() if kind == _MATRIX_NAME
        }


def _to_array(matrix: Any) -> Float64[Array, "row column"]:
    elements = np.asarray(matrix.member("fElements"), dtype=np.float64)
    return elements.reshape(matrix.member("fNrows"), matrix.member("fNcols"))


def _framed(version: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes(uproot.serialization.numbytes_version(len(content), version)) + content


def _string(text: str) -> bytes:
    return bytes(uproot.serialization.string(text))


def _pointer_to(class_name: str, content: bytes) -> bytes:
    """Write an object behind a pointer: byte count, tag of a class not seen before, content."""
    body = b"\xff\xff\xff\xff" + class_name.encode() + b"\0" + content
    return struct.pack(">I", len(body) | 0x40000000) + body


def _named(name: str, title: str = "") -> bytes:
    return _framed(1, _OBJECT, _string(name), _string(title))


def _element(
    name: str, title: str, code: int, size: int, type_name: str, base_checksum: int = 0
) -> bytes:
    """Write a TStreamerElement; the checksum of a base class is its second array bound."""
    numbers = struct.pack(">4i", code, size, 0, 0) + struct.pack(
        ">iI3i", 0, base_checksum, 0, 0, 0
    )
    return _framed(4, _named(name, title), numbers, _string(type_name))


def _base(name: str, title: str, code: int, version: int, checksum: int) -> bytes:
    element = _element(name, title, code, 0, "BASE", checksum)
    return _pointer_to("TStreamerBase", _framed(3, element, struct.pack(">i", version)))


def _number(name: str, title: str, code: int = _INT) -> bytes:
    size, type_name = (8, "double") if code == _DOUBLE else (4, "int")
    element = _element(name, title, code, size, type_name)
    return _pointer_to("TStreamerBasicType", _framed(2, element))


def _counted_doubles(name: str, title: str, counter: str, count_class: str, version: int) -> bytes:
    element = _element(name, title, _POINTER + _DOUBLE, 8, "double*")
    count = struct.pack(">i", version) + _string(counter) + _string(count_class)
    return _pointer_to("TStreamerBasicPointer", _framed(2, element, count))


def _streamer_info(name: str, version: int, checksum: int, *elements: bytes) -> bytes:
    """Write a TStreamerInfo as one entry of a file's list of streamers."""
    size = struct.pack(">ii", len(elements), 0)
    array = _framed(3, _OBJECT, _string(""), size, *elements)
    numbers = struct.pack(">Ii", checksum, version)
    info = _framed(9, _named(name), numbers, _pointer_to("TObjArray", array))
    no_option = b"\0"  # each entry of a TList ends with an option text
    return _pointer_to("TStreamerInfo", info) + no_option


_BASE_INFO: Final = _streamer_info(
    _BASE_NAME,
    _BASE_VERSION,
    _BASE_CHECKSUM,
    _base("TObject", "Basic ROOT object", _OBJECT_BASE, 1, _OBJECT_CHECKSUM),
    _number("fNrows", "number of rows"),
    _number("fNcols", "number of columns"),
    _number("fRowLwb", "lower bound of the row index"),
    _number("fColLwb", "lower bound of the col index"),
    _number("fNelems", "number of elements in matrix", _COUNTER),
    _number("fNrowIndex", "length of row index array, only used for sparse matrices"),
    _number("fTol", "sqrt(epsilon)", _DOUBLE),
)

_MATRIX_INFO: Final = _streamer_info(
    _MATRIX_NAME,
    _MATRIX_VERSION,
    _MATRIX_CHECKSUM,
    _base(_BASE_NAME, "", 0, _BASE_VERSION, _BASE_CHECKSUM),
    _counted_doubles(
        "fElements", "[fNelems] elements themselves", "fNelems", _BASE_NAME, _BASE_VERSION
    ),
)


class _WritableMatrix(uproot.model.Model):  # type: ignore[misc, unused-ignore]
    """What uproot needs to write a ``TMatrixT<double>``; reading uses uproot's own model."""

    classname = _MATRIX_NAME
    class_rawstreamers = (
        (None, _BASE_INFO, _BASE_NAME, _BASE_VERSION),
        (None, _MATRIX_INFO, _MATRIX_NAME, _MATRIX_VERSION),
    )
    writable = True
    _deeply_writable = True
    fTitle = ""  # noqa: N815 - the name that uproot looks up for the title of the key

    @classmethod
    def from_array(cls, matrix: Float[Array, "row column"]) -> "_WritableMatrix":
        """Wrap a matrix."""
        new: _WritableMatrix = cls.empty()
        new._members["fElements"] = np.ascontiguousarray(matrix, dtype=">f8")
        return new

    def _serialize(self, out: list[bytes], header: Any, name: Any, flags: Any) -> None:
        elements = self._members["fElements"]
        n_rows, n_columns = elements.shape
        tolerance = float(np.finfo(np.float64).eps)
        numbers = struct.pack(">6id", n_rows, n_columns, 0, 0, elements.size, 0, tolerance)
        base = _framed(_BASE_VERSION, _OBJECT, numbers)
        present = b"\x01"  # the pointer to the elements is not null
        out.append(_framed(_MATRIX_VERSION, base, present, elements.tobytes()))
