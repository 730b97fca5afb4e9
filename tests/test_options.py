"""What a dataclass says of its fields holds for everyone who makes it."""

import math
from dataclasses import dataclass
from typing import Annotated

import pytest

from calovox.options import Count, NonNegative, Range, attribute_docs, check_ranges, range_of
from calovox.training.recipe import Batches, Hardware, Pauses, Recipe
from calovox.training.sizes import options


@dataclass(frozen=True)
class Base:
    """A base.

    Attributes:
        many: How many,
            on two lines.
        share: Of them.

    Raises:
        ValueError: If not: never.
    """

    many: Count = 3
    share: Annotated[float, Range(0.0, 1.0)] = 0.5
    weight: NonNegative = math.inf
    maybe: Count | None = None
    name: str = "a"

    def __post_init__(self):
        check_ranges(self)


@dataclass(frozen=True)
class Derived(Base):
    """More.

    Attributes:
        weight: The weight.
    """


def test_texts_come_from_the_docstrings_of_all_bases():
    assert attribute_docs(Derived) == {
        "many": "How many, on two lines.",
        "share": "Of them.",
        "weight": "The weight.",
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"many": 0}, "expected `many` of 1 or more, got 0"),
        ({"share": 1.5}, "expected `share` of 0 to 1, got 1.5"),
        ({"share": math.nan}, "expected `share` of 0 to 1, got nan"),
        ({"weight": -1.0}, "expected `weight` of 0 or more"),
        ({"maybe": 0}, "expected `maybe` of 1 or more"),
    ],
)
def test_numbers_outside_their_range_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Derived(**values)


def test_ends_belong_to_a_range_and_none_to_a_field_that_may_be_none():
    Derived(many=1, share=1.0, weight=0.0, maybe=None)
    assert range_of(str) is None


@pytest.mark.parametrize(
    "kind",
    [
        *(Recipe, Batches, Pauses, Hardware),
        *(options.InnOptions, options.CfmOptions, options.DitOptions, options.GanOptions),
        *(options.CriticOptions, options.TeachingOptions),
    ],
)
def test_every_field_has_a_text(kind):
    assert set(attribute_docs(kind)) == set(kind.__dataclass_fields__)
