"""Files that no input may lead to: who opens them, or writes beside the output, is found out.

The kernel says which of these files are opened (inotify), also by libraries that open them behind
Python's back. Where it cannot, only what is written is noticed.
"""

import ctypes
import os
import struct
from pathlib import Path
from typing import Final

import h5py
import numpy as np

__all__ = ["Outside"]

_IN_OPEN: Final = 0x20
_EVENT: Final = struct.Struct("iIII")
_ROOM: Final = 65536


class Outside:
    """A folder of private files beside the folders of input and output.

    Args:
        workplace: The folder that holds them all.
    """

    def __init__(self, workplace: Path) -> None:
        self._workplace = workplace
        self.folder = workplace / "outside"
        self.folder.mkdir()
        (self.folder / "secret.txt").write_text("secret", encoding="utf-8")
        (self.folder / "secret.bin").write_bytes(b"secret" * 1000)
        with h5py.File(self.folder / "secret.h5", "w") as file:
            file["values"] = np.full(10, 42.0)
        self._watch = _start_watch(self.folder)

    def forget(self) -> None:
        """Forget what was opened up to now."""
        self._events()

    def problem(self, allowed: set[str]) -> str | None:
        """Tell what was done outside.

        Args:
            allowed: Names that may stand in the workplace.

        Returns:
            What was opened or written; None for nothing.
        """
        opened = self._events()
        if opened:
            return f"opened {', '.join(sorted(opened))} of another folder"
        written = {path.name for path in self._workplace.iterdir()} - allowed - {"outside"}
        return f"wrote {', '.join(sorted(written))} into another folder" if written else None

    def _events(self) -> set[str]:
        if self._watch is None:
            return set()
        names = set()
        try:
            data = os.read(self._watch, _ROOM)
        except BlockingIOError:
            return set()
        while data:
            *_, length = _EVENT.unpack_from(data)
            name = data[_EVENT.size : _EVENT.size + length].rstrip(b"\0").decode()
            names |= {name} if name else set()
            data = data[_EVENT.size + length :]
        return names


def _start_watch(folder: Path) -> int | None:
    library = ctypes.CDLL(None)
    if not hasattr(library, "inotify_init1"):
        return None
    watch = int(library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    if watch < 0 or library.inotify_add_watch(watch, os.fsencode(folder), _IN_OPEN) < 0:
        return None
    return watch
