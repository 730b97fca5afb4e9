"""Files that appear whole or not at all, and what they hold in one number."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_writable", "file_hash", "whole_file"]


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


def file_hash(path: Path) -> str:
    """Compute the SHA-256 of a file.

    Args:
        path: The file.

    Returns:
        The hash, in hexadecimal.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
