"""Options of a command, made of the fields of its settings.

A field is one option, or a group: a dataclass of the library, whose fields become options with
the types, ranges and defaults that they have there, and the help of its docstring.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from calovox.options import Range, attribute_docs, range_of

__all__ = ["Group", "Option", "make_settings", "options_of"]


@dataclass(frozen=True)
class Group:
    """Marks a field of settings as a group, and says what differs from the dataclass.

    Attributes:
        without: Fields that are no options.
        renamed: Names of options that differ from those of the fields, as pairs.
    """

    without: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Option:
    """An option of a command.

    Attributes:
        name: Its name, with underscores; also its key in TOML.
        hint: Its type, annotated for typer.
        default: Its default; `dataclasses.MISSING` if it must be given.
        place: Field of the settings, and of the group if it is in one.
    """

    name: str
    hint: Any
    default: Any
    place: tuple[str, ...]

    def value(self, settings: Any) -> Any:
        """Read the option's value from settings, as a user would give it."""
        value = settings
        for name in self.place:
            value = getattr(value, name)
        return None if value == math.inf and self.default is None else value


def options_of(settings_type: type) -> tuple[Option, ...]:
    """List the options of a command.

    Args:
        settings_type: The dataclass of its settings.

    Returns:
        The options in their order.
    """
    hints = get_type_hints(settings_type, include_extras=True)
    found: list[Option] = []
    for field in fields(settings_type):
        hint, default = hints[field.name], _default(field)
        kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if is_dataclass(kind):
            marks = [mark for mark in get_args(hint) if isinstance(mark, Group)]
            found += _group_options(field.name, default, marks[0] if marks else Group())
        else:
            found.append(Option(field.name, hint, default, (field.name,)))
    return tuple(found)


def make_settings(settings_type: type, values: Mapping[str, Any]) -> Any:
    """Make settings of the values of all options.

    Args:
        settings_type: The dataclass of the settings.
        values: Values by the names of the options.

    Returns:
        The settings.

    Raises:
        ValueError: If a group refuses its values.
    """
    groups: dict[str, dict[str, Any]] = {}
    own: dict[str, Any] = {}
    for option in options_of(settings_type):
        value = values[option.name]
        if len(option.place) == 1:
            own[option.name] = value
        elif value is not None or option.default is not None:  # else its default: no limit
            groups.setdefault(option.place[0], {})[option.place[1]] = value
    defaults = {field.name: _default(field) for field in fields(settings_type)}
    made = {name: replace(defaults[name], **changes) for name, changes in groups.items()}
    return settings_type(**own, **made)


def _default(field: "Field[Any]") -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _group_options(name: str, defaults: Any, group: Group) -> list[Option]:
    kind = type(defaults)
    hints, docs = get_type_hints(kind, include_extras=True), attribute_docs(kind)
    renamed = dict(group.renamed)
    return [
        _group_option(
            renamed.get(field.name, field.name),
            hints[field.name],
            getattr(defaults, field.name),
            docs[field.name],
            (name, field.name),
        )
        for field in fields(kind)
        if field.name not in group.without
    ]


def _group_option(name: str, hint: Any, default: Any, text: str, place: tuple[str, ...]) -> Option:
    allowed = range_of(hint) or Range()
    plain = _without_marks(hint)
    if default == math.inf:
        plain, default = plain | None, None
    option = typer.Option(min=allowed.low, max=allowed.high, help=text)
    return Option(name, Annotated[plain, option], default, place)


def _without_marks(hint: Any) -> Any:
    if get_origin(hint) is Annotated:
        return get_args(hint)[0]
    if type(None) in get_args(hint):
        (inner,) = (entry for entry in get_args(hint) if entry is not type(None))
        return _without_marks(inner) | None
    return hint
