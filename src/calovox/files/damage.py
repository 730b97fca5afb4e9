"""What libraries raise while they read a file, turned into one line that names the file.

Libraries raise errors of any kind for bytes that they do not expect: uproot an `IndexError`,
h5py a `RuntimeError`, pyarrow a type of its own. Every reader of a file therefore reads inside
`reading`, and nowhere else are these errors listed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["one_line", "reading"]

_LONGEST = 200


@contextmanager
def reading(
    path: Path, error: type[ValueError], fault: str = "is truncated or damaged"
) -> Iterator[None]:
    """Turn whatever goes wrong inside into an error of the file.

    Only what reads the file belongs inside: a fault of the program would be blamed on the file.

    Args:
        path: The file that is read inside.
        error: The exception of the file's format; a type of its own, not `ValueError` itself.
        fault: What is said of a file that cannot be read.

    Raises:
        FileNotFoundError: If there is no such file.
        PermissionError: If it may not be read.
        ValueError: Of the given type, if the file is truncated or damaged.
    """
    try:
        yield
    except (error, FileNotFoundError, PermissionError, IsADirectoryError, ModuleNotFoundError):
        raise
    except MemoryError as problem:
        raise error(f"{path} is damaged: what it claims to hold exceeds the memory") from problem
    except Exception as problem:
        if type(problem).__module__.startswith("calovox."):
            raise  # a line of ours, about a part of the file
        raise error(f"{path} {fault}: {one_line(problem)}") from problem


def one_line(problem: object) -> str:
    r"""Write what a library or a file says as one printable line.

    Args:
        problem: An exception, or a text from a file.

    Returns:
        At most 200 characters; what cannot be printed is escaped.

    Example:
        >>> one_line(KeyError("name")), one_line(IndexError())
        ("it lacks 'name'", 'IndexError')
        >>> one_line("red \x1b[31m")
        'red \\x1b[31m'
    """
    text = f"it lacks {problem}" if isinstance(problem, KeyError) else str(problem)
    text = " ".join(text.split())[:_LONGEST] or type(problem).__name__
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
