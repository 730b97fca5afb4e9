"""Files that appear whole or not at all, and what they hold in one number."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_folder", "check_writable", "file_hash", "whole_file", "whole_folder"]


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
    """
    check_writable(path, overwrite=overwrite)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
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
    """
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    partial.mkdir()
    try:
        yield partial
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def file_hash(path: Path) -> str:
    """Compute the SHA-256 of a file.

    Args:
        path: The file.

    Returns:
        The hash, in hexadecimal.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
