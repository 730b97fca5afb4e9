"""ROOT files, opened after they have passed `calovox.files.gate`.

uproot trusts the number of keys that a directory claims: a damaged one keeps it busy for hours.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uproot

from calovox.files.damage import reading
from calovox.files.gate import file_problem

__all__ = ["open_root"]


@contextmanager
def open_root(
    path: Path, error: type[ValueError], fault: str = "is truncated or damaged"
) -> Iterator[Any]:
    """Open a ROOT file, and turn what goes wrong inside into one clear line.

    Args:
        path: The file.
        error: The exception of the file's format; a type of its own, not `ValueError` itself.
        fault: What is said of a file that cannot be read.

    Yields:
        The open file, as uproot gives it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: Of the given type, if it is damaged or no ROOT file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    problem = file_problem(path, fault=fault)
    if problem is not None:
        raise error(problem)
    with reading(path, error, fault), uproot.open(path) as file:
        yield file
