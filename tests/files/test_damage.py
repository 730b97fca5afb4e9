"""Contracts of what becomes of the errors that libraries raise while they read a file."""

from pathlib import Path

import pytest

from calovox.files.damage import one_line, reading

PATH = Path("a.root")


class ToyError(ValueError):
    """A file of the tests that is refused."""


@pytest.mark.parametrize(
    "problem", [KeyError("x"), IndexError(), RecursionError("deep\n in it"), ValueError("\x1b[2J")]
)
def test_whatever_a_library_raises_becomes_one_line_of_the_file(problem: Exception) -> None:
    match = r"^a.root is truncated or damaged: ."
    with pytest.raises(ToyError, match=match) as caught, reading(PATH, ToyError):
        raise problem
    assert str(caught.value).isprintable()
    assert caught.value.__cause__ is problem


def test_too_little_memory_is_named() -> None:
    with pytest.raises(ToyError, match="exceeds the memory"), reading(PATH, ToyError):
        raise MemoryError


@pytest.mark.parametrize("problem", [ToyError("ours"), FileNotFoundError(), PermissionError()])
def test_what_is_clear_already_stays(problem: Exception) -> None:
    with pytest.raises(type(problem)) as caught, reading(PATH, ToyError):
        raise problem
    assert caught.value is problem


def test_one_line_is_short() -> None:
    assert len(one_line("x" * 1000)) == 200
