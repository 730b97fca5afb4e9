"""A writer of batches into an HDF5 file that appears whole or not at all."""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import h5py

from calovox.files.whole import whole_file

__all__ = ["BatchWriter"]

Writer = TypeVar("Writer", bound="BatchWriter")


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
        self._stack = ExitStack()

    def __enter__(self: Writer) -> Writer:
        with ExitStack() as stack:
            partial = stack.enter_context(whole_file(self._path, overwrite=self._overwrite))
            self._file = stack.enter_context(h5py.File(partial, "w"))
            self._create()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            with self._stack:
                self._flush()
        else:
            self._stack.__exit__(kind, error, trace)

    @abstractmethod
    def _create(self) -> None:
        """Create what the empty file holds."""

    @abstractmethod
    def _flush(self) -> None:
        """Write the batches that are still in memory."""
