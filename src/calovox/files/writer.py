"""Writing HDF5 files that appear whole or not at all, also when the disk is full.

The HDF5 library does not survive a failed write: it raises again whenever an object is closed, and
may end in a segmentation fault. It therefore writes through a file object of calovox. That one
keeps the error to itself, and in memory what could not be written. The error is raised when the
file is closed, or after the batch during which it happened.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import h5py

from calovox.files.whole import whole_file

__all__ = ["BatchWriter", "create_hdf5"]

Writer = TypeVar("Writer", bound="BatchWriter")


class _PatientFile:
    """A file for the HDF5 library that never fails, and remembers the first error."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        self._position = 0
        self._unwritten: list[tuple[int, bytes]] = []
        self.error: OSError | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            ends = [start + len(data) for start, data in self._unwritten]
            offset += max([os.fstat(self._handle).st_size, *ends])
        elif whence == os.SEEK_CUR:
            offset += self._position
        self._position = offset
        return offset

    def tell(self) -> int:
        return self._position

    def read(self, size: int) -> bytes:  # by which h5py tells a file from a name
        buffer = bytearray(size)
        self.readinto(buffer)
        return bytes(buffer)

    def readinto(self, target: Any) -> int:  # the library's own kind of memoryview
        start, buffer = self._position, memoryview(target).cast("B")
        found = os.pread(self._handle, len(buffer), start)
        buffer[: len(found)] = found
        for offset, data in self._unwritten:
            low, high = max(start, offset), min(start + len(buffer), offset + len(data))
            if low < high:
                buffer[low - start : high - start] = data[low - offset : high - offset]
        self._position += len(buffer)
        return len(buffer)

    def write(self, data: Any) -> int:
        left, offset = memoryview(data).cast("B"), self._position
        try:
            while self.error is None and len(left):
                done = os.pwrite(self._handle, left, offset)
                left, offset = left[done:], offset + done
        except OSError as error:
            self.error = error
        if len(left):
            self._unwritten.append((offset, bytes(left)))
        self._position += memoryview(data).nbytes
        return memoryview(data).nbytes

    def truncate(self, size: int | None = None) -> int:
        size = self._position if size is None else size
        try:
            if self.error is None:
                os.ftruncate(self._handle, size)
        except OSError as error:
            self.error = error
        return size

    def flush(self) -> None:
        pass

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        os.close(self._handle)


class Hdf5Output(h5py.File):  # type: ignore[misc]
    """An HDF5 file that is being written; errors of the disk are raised by `check_disk`."""

    def __init__(self, storage: _PatientFile) -> None:
        super().__init__(storage, "w")
        self._storage = storage

    def check_disk(self) -> None:
        """Raise the first error of writing, if there was one."""
        self._storage.check()


@contextmanager
def create_hdf5(path: Path) -> Iterator[Hdf5Output]:
    """Create an HDF5 file; an error of the disk is raised after the library has closed it.

    Args:
        path: The file, usually the temporary name of `calovox.files.whole.whole_file`.

    Yields:
        The open file.

    Raises:
        OSError: If the disk is full, or cannot be written for another reason.
    """
    storage = _PatientFile(path)
    try:
        with Hdf5Output(storage) as file:
            yield file
    finally:
        storage.close()
        storage.check()


class BatchWriter(ABC):
    """Opens the file at the start of a ``with`` block; it appears when the block ends well."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        """Remember where to write.

        Args:
            path: The file.
            overwrite: Whether an existing file may be replaced.
        """
        self._path = path
        self._overwrite = overwrite
        self._whole = ExitStack()
        self._open = ExitStack()

    def __enter__(self: Writer) -> Writer:
        with ExitStack() as whole:
            partial = whole.enter_context(whole_file(self._path, overwrite=self._overwrite))
            with ExitStack() as opened:
                self._file = opened.enter_context(create_hdf5(partial))
                self._create()
                self._open = opened.pop_all()
            self._whole = whole.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            with self._whole:
                self.finish()
        else:
            self._whole.push(self._open)
            self._whole.__exit__(kind, error, trace)

    def finish(self) -> None:
        """Write all that is in memory; the file still gets its name when the block ends.

        Of several files that belong together, each one is finished before the first appears.
        """
        with self._open:
            if self._file:
                self._flush()

    @abstractmethod
    def _create(self) -> None:
        """Create what the empty file holds."""

    @abstractmethod
    def _flush(self) -> None:
        """Write the batches that are still in memory."""
