"""What the fields of a frozen dataclass say of themselves: ranges and meaning.

A hyper-parameter is declared once, as a field of the dataclass where its value is used. Its range
is part of its type, ``Annotated[int, AtLeast(1)]``, and holds for everyone who makes the
dataclass; its meaning is an entry of ``Attributes:`` in the docstring. The command line makes its
options of both.
"""

import inspect
import re
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

__all__ = [
    "Count",
    "NonNegative",
    "Range",
    "attribute_docs",
    "check_ranges",
    "range_of",
]


@dataclass(frozen=True)
class Range:
    """The numbers that a field may have, both ends included.

    Attributes:
        low: The lowest; None for no limit.
        high: The highest; None for no limit.
    """

    low: int | float | None = None
    high: int | float | None = None

    def __contains__(self, number: int | float) -> bool:
        return (self.low is None or number >= self.low) and (
            self.high is None or number <= self.high
        )

    def __str__(self) -> str:
        if self.high is None:
            return f"{self.low:g} or more"
        return f"{self.low:g} to {self.high:g}"


Count = Annotated[int, Range(1)]
"""How many, at least one."""

NonNegative = Annotated[float, Range(0.0)]
"""Zero or more."""


def range_of(hint: Any) -> Range | None:
    """Find the range in the type of a field.

    Args:
        hint: The type, with ``include_extras``.

    Returns:
        The range; None if there is none.
    """
    entries = (hint, *getattr(hint, "__args__", ()))  # also inside of ``... | None``
    marks = [mark for entry in entries for mark in getattr(entry, "__metadata__", ())]
    return next((mark for mark in marks if isinstance(mark, Range)), None)


def check_ranges(values: Any) -> None:
    """Refuse numbers outside the ranges of their fields.

    Args:
        values: A dataclass.

    Raises:
        ValueError: Naming class, field, range and number.
    """
    for name, hint in get_type_hints(type(values), include_extras=True).items():
        allowed, value = range_of(hint), getattr(values, name)
        if allowed is not None and value is not None and value not in allowed:
            raise ValueError(
                f"{type(values).__name__}: expected `{name}` of {allowed}, got {value}"
            )


def attribute_docs(kind: type) -> dict[str, str]:
    """Read what docstrings of a class and its bases say of their attributes.

    Args:
        kind: A class with docstrings of the Google form.

    Returns:
        One text per attribute, on one line.

    Example:
        >>> attribute_docs(Range)["low"]
        'The lowest; None for no limit.'
    """
    texts: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        lines = inspect.cleandoc(base.__doc__ or "")
        section = re.search(r"^Attributes:\n((?: {4}.*\n?|\n)+)", lines, re.MULTILINE)
        entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", re.M)
        texts |= {name: " ".join(text.split()) for name, text in entries}
    return texts
