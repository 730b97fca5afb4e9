"""Groups of the library become options, and values of options become groups."""

import math
from dataclasses import MISSING, dataclass, field
from typing import Annotated, get_args

import pytest
import typer

from calovox.cli.options import Group, make_settings, options_of
from calovox.options import Count, NonNegative, check_ranges


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes.

    Attributes:
        n_blocks: Blocks.
        limit: Limit; none by default.
        width: Width; as needed by default.
        hidden: Not for users.
    """

    n_blocks: Count = 2
    limit: NonNegative = math.inf
    width: Count | None = None
    hidden: str = "x"

    def __post_init__(self):
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class Settings:
    seed: Annotated[int, typer.Option(help="Seed.")]
    sizes: Annotated[Sizes, Group(without=("hidden",), renamed=(("n_blocks", "blocks"),))] = field(
        default_factory=lambda: Sizes(n_blocks=5, hidden="y")
    )


VALUES = {"seed": 1, "blocks": 7, "limit": 2.0, "width": 3}


def test_fields_of_a_group_are_options_with_range_default_and_help():
    seed, blocks, limit, width = options_of(Settings)
    assert (seed.name, seed.default) == ("seed", MISSING)
    assert (blocks.name, blocks.default) == ("blocks", 5)
    kind, option = get_args(blocks.hint)
    assert (kind, option.min, option.max, option.help) == (int, 1, None, "Blocks.")
    assert (limit.default, get_args(limit.hint)[0]) == (None, float | None)
    assert (width.default, get_args(width.hint)[0]) == (None, int | None)


def test_values_of_options_make_the_group():
    made = make_settings(Settings, VALUES)
    assert made.sizes == Sizes(n_blocks=7, limit=2.0, width=3, hidden="y")
    assert {option.name: option.value(made) for option in options_of(Settings)} == VALUES


def test_an_infinite_default_is_no_value_for_users():
    made = make_settings(Settings, VALUES | {"limit": None, "width": None})
    assert (made.sizes.limit, made.sizes.width) == (math.inf, None)
    values = {option.name: option.value(made) for option in options_of(Settings)}
    assert (values["limit"], values["width"]) == (None, None)


def test_a_group_refuses_what_it_always_refuses():
    with pytest.raises(ValueError, match="expected `n_blocks` of 1 or more, got 0"):
        make_settings(Settings, VALUES | {"blocks": 0})
