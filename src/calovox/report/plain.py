"""Results as what JSON can hold."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

__all__ = ["to_plain"]

_DIGITS: Final = 7


def to_plain(value: Any) -> Any:
    """Convert results into what JSON can hold: NaN becomes null, arrays become lists.

    Example:
        >>> to_plain({"mean": np.array([1.0, np.nan])})
        {'mean': [1.0, None]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        properties = [
            name for name, kind in vars(type(value)).items() if isinstance(kind, property)
        ]
        return {name: to_plain(getattr(value, name)) for name in (*names, *properties)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist())
    if isinstance(value, list | tuple):
        return [to_plain(entry) for entry in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, Path):
        return str(value)
    return value
