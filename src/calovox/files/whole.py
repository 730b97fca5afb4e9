"""Files that appear whole or not at all, and what they hold in one number.

A result is written under a hidden name beside its final one, ``.NAME.PROCESS-MACHINE.partial``,
synced to the disk, and then renamed: neither an error nor a killed process nor a power cut leaves
half a file under the final name, and the old result is there until the new one is safe. Hidden
files of processes that were killed are removed by the next command that writes beside them.
"""

import errno
import hashlib
import os
import re
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

__all__ = [
    "DiskFullError",
    "check_folder",
    "check_writable",
    "explain_full_disk",
    "file_hash",
    "is_disk_full",
    "remove_leftovers",
    "sync_parent",
    "whole_file",
    "whole_folder",
]

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HIDDEN: Final = re.compile(
    r"\.(?P<name>.+)\.(?P<process>\d+)-(?P<machine>[0-9a-f]{8})\.(?P<kind>partial|replaced)"
)


class DiskFullError(OSError):
    """A file that could not be written to its end; what was there before it stays."""


def is_disk_full(error: BaseException) -> bool:
    """Say whether an error, or one that led to it, is that of a full disk.

    Args:
        error: What a library raised.

    Returns:
        Whether space, quota or the largest size of a file was at its end.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        if any(os.strerror(number) in str(cause) for number in _FULL):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Refuse an output path that exists or cannot be written.

    Args:
        path: Where a result will go.
        overwrite: Whether an existing file or folder may be replaced.

    Raises:
        FileExistsError: If the path exists and may not be replaced.
        FileNotFoundError: If its folder does not exist.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists: choose another output or replace it with --force")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"the folder of {path} does not exist: create it first")


@contextmanager
def whole_file(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary name beside the path, renamed at the end and removed on error.

    Args:
        path: The final name.
        overwrite: Whether an existing file may be replaced.

    Yields:
        The temporary name to write to.

    Raises:
        FileExistsError: If the path exists and may not be replaced.
        DiskFullError: If the disk is full; an existing file stays.
    """
    check_writable(path, overwrite=overwrite)
    remove_leftovers(path.absolute().parent)
    partial = _hidden(path, "partial")
    try:
        with explain_full_disk(path, partial):
            yield partial
            _sync(partial)
            os.replace(partial, path)
            _sync(path.absolute().parent)
    finally:
        partial.unlink(missing_ok=True)


def check_folder(folder: Path, *, marker: str, kind: str, overwrite: bool) -> None:
    """Refuse an output folder that exists or cannot be written.

    Args:
        folder: Where a result of many files will go.
        marker: Name of a file that every such result has.
        kind: What such a result is called.
        overwrite: Whether an existing result may be replaced; anything else never is.

    Raises:
        FileExistsError: If the folder exists and may not be replaced, or is something else.
        FileNotFoundError: If the folder around it does not exist.
    """
    check_writable(folder, overwrite=overwrite)
    if folder.exists() and not (folder / marker).is_file():
        raise FileExistsError(f"{folder} exists and is no {kind}: choose another output")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside the final one, which it replaces at the end.

    Args:
        folder: The final folder, checked by `check_folder`.

    Yields:
        The temporary folder; removed on error.

    Raises:
        DiskFullError: If the disk is full; an existing folder stays.
    """
    remove_leftovers(folder.absolute().parent)
    partial = _hidden(folder, "partial")
    try:
        with explain_full_disk(folder, partial):
            shutil.rmtree(partial, ignore_errors=True)  # of a killed process of the same number
            partial.mkdir()
            yield partial
            for path in (*partial.rglob("*"), partial):
                _sync(path)
            _replace_folder(folder, partial)
            _sync(folder.absolute().parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def explain_full_disk(path: Path, partial: Path) -> Iterator[None]:
    """Turn what a library raises on a full disk into one line.

    Args:
        path: What was to be written, by its final name.
        partial: Where it was written to.

    Raises:
        DiskFullError: If the disk is full.
    """
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        if not is_disk_full(error):
            raise
        written = _size(partial)
        free = shutil.disk_usage(path.absolute().parent).free
        raise DiskFullError(
            f"{path}: the disk is full, or a limit of file sizes or a quota is reached, after "
            f"{written / 1e6:.3g} MB with {free / 1e6:.3g} MB free: make room for more and run "
            "again; nothing was replaced"
        ) from error


def remove_leftovers(folder: Path) -> None:
    """Remove what commands left beside their outputs when they were killed.

    Touched are only names that whole files and folders have while they are written, of this user,
    from this machine (and container), whose process is gone. A process number that is in use
    again keeps the file until that process has ended.

    Args:
        folder: Where to look.
    """
    for path in folder.glob(".*.*-*.*"):
        match = _HIDDEN.fullmatch(path.name)
        if match is None or match["machine"] != _machine() or _is_running(int(match["process"])):
            continue
        with suppress(OSError):
            if path.lstat().st_uid != os.getuid():
                continue
            final = path.with_name(match["name"])
            if match["kind"] == "replaced" and not final.exists():
                path.rename(final)  # killed between taking the old away and putting the new there
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def sync_parent(path: Path) -> None:
    """Have the names in the folder of a path on the disk before going on."""
    _sync(path.absolute().parent)


def file_hash(path: Path) -> str:
    """Compute the SHA-256 of a file.

    Args:
        path: The file.

    Returns:
        The hash, in hexadecimal.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hidden(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}-{_machine()}.{kind}")


@cache
def _machine() -> str:
    """Tell machines and containers apart: process numbers mean nothing outside of theirs."""
    parts = [socket.gethostname(), str(uuid.getnode())]
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:8]


def _is_running(process: int) -> bool:
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot
            raise
    finally:
        os.close(handle)


def _replace_folder(folder: Path, new: Path) -> None:
    """Put a folder in the place of another one, which is back if that fails."""
    old = _hidden(folder, "replaced")
    if not folder.exists():
        new.rename(folder)
        return
    folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
