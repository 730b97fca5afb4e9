"""Contracts of the gate: what a foreign HDF5 file may hold, and files that end the library."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from calovox.files import gate as hdf5_gate
from calovox.files.gate import file_problem
from calovox.files.hdf5 import open_for_reading


class ToyError(ValueError):
    """A file of the tests that is refused."""


def write(path: Path, fill: Callable[[h5py.File], object], **options: object) -> Path:
    with h5py.File(path, "w", **options) as file:
        fill(file)
    return path


def add_external_storage(file: h5py.File) -> None:
    file.create_dataset("a/x", shape=(4,), dtype="u1", external=[("secret", 0, 4)])


def add_virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
    layout[...] = h5py.VirtualSource(".", "x", shape=(3,))
    file.create_virtual_dataset("x", layout)


def add_cycle(file: h5py.File) -> None:
    group = file.create_group("a/b")
    group["up"] = file["a"]


def add_region(file: h5py.File) -> None:
    column = file.create_dataset("x", data=[1, 2])
    file.create_dataset("r", data=column.regionref[:1], dtype=h5py.regionref_dtype)


def add_reference(file: h5py.File) -> None:
    file["x"] = [1]
    file["x"].attrs["other"] = file["x"].ref


def add_large(file: h5py.File, **options: object) -> None:
    file.create_dataset("x", shape=(10**15,), dtype="f8", **options)


def add_large_chunk(file: h5py.File) -> None:
    size = 2 * 10**8
    file.create_dataset("x", shape=(0,), maxshape=(None,), chunks=(size,), dtype="f8")


def add_filter(file: h5py.File) -> None:
    file.create_dataset("x", data=np.zeros(4), chunks=(4,), compression=hdf5plugin.LZ4())


REFUSED = {
    "external storage": (add_external_storage, "`a/x` has its numbers in another file"),
    "external link": (
        lambda file: file.update({"x": h5py.ExternalLink("other.h5", "/x")}),
        "`x` is a link to another file",
    ),
    "soft link": (lambda file: file.update({"x": h5py.SoftLink("/y")}), "`x` is a soft link"),
    "virtual": (add_virtual, "`x` is a virtual dataset"),
    "cycle": (add_cycle, "`a/b/up` is a second name of a group"),
    "region": (add_region, "`r` refers to other objects"),
    "reference": (add_reference, "`x/@other` refers to other objects"),
    "named type": (lambda file: file.update({"t": np.dtype("f8")}), "`t` is neither a group nor"),
    "name": (lambda file: h5py.h5g.create(file.id, b"a\xff"), "has a name that is not UTF-8"),
    "size": (add_large, "`x` claims 1000000000000000 entries"),
    "chunked size": (lambda file: add_large(file, chunks=(9,)), "`x` claims 1000000000000000 ent"),
    "size of a chunk": (add_large_chunk, "`x` claims 200000000 entries"),
    "control characters": (
        lambda file: file.update({"\x1b[31m": h5py.SoftLink("/y")}),
        r"`\\x1b\[31m` is a soft link",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_plainly_part_of_the_file_is_refused_by_name(
    kind: str, tmp_path: Path
) -> None:
    fill, message = REFUSED[kind]
    path = write(tmp_path / "a.h5", fill)
    with pytest.raises(ToyError, match=message) as caught, open_for_reading(path, ToyError):
        pytest.fail("it was opened")
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).isprintable()


def fill_plainly(file: h5py.File) -> None:
    file["numbers"] = np.arange(12.0).reshape(3, 4)
    file["second name"] = file["numbers"]
    file["flags"], file["complex"] = [True, False], [1j]
    file["empty"], file["none"] = np.zeros((0, 3)), h5py.Empty("f8")
    file["rows"] = np.zeros(2, dtype=[("a", "i4"), ("b", "S3")])
    file.create_dataset("texts", data=["a", "bb"], dtype=h5py.string_dtype())
    file.create_dataset("lists", shape=(2,), dtype=h5py.vlen_dtype("f4"))
    for compression in ("gzip", "blosc2"):
        options = hdf5plugin.Blosc2() if compression == "blosc2" else {"compression": "gzip"}
        file.create_dataset(
            compression, data=np.zeros(10**6), chunks=(65536,), maxshape=(None,), **options
        )
    for number in range(20):
        file.attrs[f"text {number}"] = "long " * number
    file.create_group("a/b/c").attrs["array"] = np.arange(5)


@pytest.mark.parametrize("options", [{}, {"libver": "latest"}, {"userblock_size": 512}])
def test_plain_files_pass(options: dict[str, object], tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", fill_plainly, **options)
    assert file_problem(path) is None
    with open_for_reading(path, ToyError) as file:
        assert file["numbers"][2, 3] == 11.0


def test_a_filter_that_is_not_installed_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", add_filter)
    number = (32004).to_bytes(2, "little")  # LZ4
    content = path.read_bytes()
    assert content.count(number) == 1
    path.write_bytes(content.replace(number, (32767).to_bytes(2, "little")))
    assert file_problem(path) == (
        f"{path}: `x` is compressed by filter 32767, which is not installed"
    )


def write_endless(path: Path) -> Path:
    """Zero the header of the first object in the global heap, where texts lie."""
    write(path, lambda file: file.attrs.update({"format": "calovox hits"}))
    content = bytearray(path.read_bytes())
    heap = content.find(b"GCOL")
    content[heap + 16 : heap + 32] = bytes(16)
    path.write_bytes(bytes(content))
    return path


def test_a_file_that_never_ends_is_refused_in_time(tmp_path: Path) -> None:
    path, plain = write_endless(tmp_path / "a.h5"), write(tmp_path / "b.h5", fill_plainly)
    problem = file_problem(path, limit_s=0.3)
    assert problem is not None
    assert "is truncated or damaged: its library did not come to its end in 0.3 s" in problem
    assert file_problem(plain) is None


def test_a_file_that_crashes_the_library_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = "import os; print('ready', flush=True); input(); os.abort()"
    monkeypatch.setattr(hdf5_gate, "_START", crash)
    monkeypatch.setattr(hdf5_gate, "_GATES", {})
    problem = file_problem(write(tmp_path / "a.h5", fill_plainly))
    assert problem is not None
    assert "its library crashed on it (exit status -6)" in problem


def test_a_file_is_not_blamed_for_the_end_of_the_process(tmp_path: Path) -> None:
    assert file_problem(write(tmp_path / "a.h5", fill_plainly)) is None
    os.kill(hdf5_gate._GATES[os.getpid()]._process.pid, signal.SIGKILL)
    assert file_problem(write(tmp_path / "b.h5", fill_plainly)) is None


def test_a_file_is_checked_again_when_it_has_changed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", fill_plainly)
    assert file_problem(path) is None
    write(path, add_virtual)
    assert "virtual" in str(file_problem(path))


@pytest.mark.parametrize("place", ["heap", "free list", "anywhere"])
def test_damaged_heaps_are_one_line(place: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", fill_plainly)
    content = bytearray(path.read_bytes())
    heap = content.find(b"HEAP")
    at = {"heap": heap, "free list": heap + 16, "anywhere": len(content) // 2}[place]
    content[at : at + 8] = (2**31).to_bytes(8, "little")
    path.write_bytes(bytes(content if place != "anywhere" else content[:at]))
    problem = str(file_problem(path))
    assert problem.startswith(f"{path} is truncated or damaged: ")
    assert problem.isprintable()
