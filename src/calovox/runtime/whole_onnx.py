"""Refusing ONNX files that are not whole in themselves.

A tensor of an ONNX file may name another file that holds its numbers, and readers follow it. A
model of calovox never does. Whether a file does is found out here before any library reads it, by
a walk through the messages of Protocol Buffers that can hold a tensor; nothing is decoded but the
lengths on the way.

References:
    ONNX, *External data*, https://onnx.ai/onnx/repo-docs/ExternalData.html
    Google, *Protocol Buffers: Encoding*, https://protobuf.dev/programming-guides/encoding
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from calovox.files.damage import one_line
from calovox.runtime.metadata import ModelFileError

__all__ = ["PARTS", "check_whole"]

PARTS: Final[dict[str, dict[int, str]]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        **{5: "TensorProto", 10: "TensorProto", 6: "GraphProto", 11: "GraphProto"},
        **{22: "SparseTensorProto", 23: "SparseTensorProto"},
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
}
"""Fields of each message that lead to a tensor, and the message in them."""

_TENSOR: Final = "TensorProto"
_NAME, _EXTERNAL_DATA, _DATA_LOCATION = 8, 13, 14

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST: Final = 100  # as Protocol Buffers itself


def check_whole(path: Path) -> None:
    """Refuse an ONNX file with numbers in other files.

    Args:
        path: The file.

    Raises:
        ModelFileError: If it is not whole in itself, or no ONNX file.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise ModelFileError(f"{path} is no ONNX file, or a damaged one: it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                outside = next(_outside(data, 0, len(data), "ModelProto", 0), None)
            except _NoMessageError as problem:
                raise ModelFileError(
                    f"{path} is no ONNX file, or a damaged one: {problem}"
                ) from None
    if outside is not None:
        raise ModelFileError(
            f"{path}: the tensor `{one_line(outside)}` has its numbers in another file; expected "
            "a model that is whole in itself"
        )


class _NoMessageError(ValueError):
    """Bytes that are no message of Protocol Buffers."""


def _outside(data: mmap.mmap, start: int, stop: int, kind: str, depth: int) -> Iterator[str]:
    """Give the names of the tensors in a message that have their numbers elsewhere."""
    if depth > _DEEPEST:
        raise _NoMessageError("it is nested too deeply")
    if kind == _TENSOR:
        yield from _outside_tensor(data, start, stop)
        return
    inner = PARTS[kind]
    for field, wire, first, last in _fields(data, start, stop):
        if field in inner and wire == _BYTES:
            yield from _outside(data, first, last, inner[field], depth + 1)


def _outside_tensor(data: mmap.mmap, start: int, stop: int) -> Iterator[str]:
    name, is_outside = b"", False
    for field, wire, first, last in _fields(data, start, stop):
        if field == _NAME and wire == _BYTES:
            name = data[first:last]
        elif field == _EXTERNAL_DATA:
            is_outside = True
        elif field == _DATA_LOCATION and wire == _VARINT:
            is_outside |= _varint(data, first, last)[0] != 0
    if is_outside:
        yield name.decode(errors="replace")


def _fields(data: mmap.mmap, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Give number, wire type, first byte and end of each field of a message."""
    at = start
    while at < stop:
        tag, first = _varint(data, at, stop)
        wire = tag & 7
        if wire == _VARINT:
            at = _varint(data, first, stop)[1]
        elif wire == _BYTES:
            length, first = _varint(data, first, stop)
            at = first + length
        elif wire in (_FIXED64, _FIXED32):
            at = first + (8 if wire == _FIXED64 else 4)
        else:
            raise _NoMessageError(f"no field begins at byte {at}")
        if at > stop:
            raise _NoMessageError(f"a field ends {at - stop} bytes behind its message")
        yield tag >> 3, wire, first, at


def _varint(data: mmap.mmap, at: int, stop: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= stop:
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _NoMessageError(f"a number is cut short at byte {at}")
