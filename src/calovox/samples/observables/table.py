"""Observables by name, and their values for many showers."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float64

__all__ = ["Observable", "ObservableTable", "ratio_or_zero"]


@dataclass(frozen=True)
class Observable:
    """One number of a shower.

    Attributes:
        name: Name without spaces, by which others refer to it.
        title: What it is, in a few words.
        unit: Its unit; empty for a pure number.
    """

    name: str
    title: str
    unit: str = ""

    @property
    def label(self) -> str:
        """Title, with the unit in brackets."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


@dataclass(frozen=True)
class ObservableTable:
    """Observables of some showers.

    Attributes:
        observables: What each column is.
        values: One row per shower, one column per observable, all finite.
    """

    observables: tuple[Observable, ...]
    values: Float64[Array, "event observable"]

    def __post_init__(self) -> None:
        if self.values.shape[1] != len(self.observables):
            raise ValueError(
                f"ObservableTable: expected {len(self.observables)} columns of `values`, "
                f"got {self.values.shape[1]}"
            )
        names = [observable.name for observable in self.observables]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"ObservableTable: expected each name once, got {sorted(twice)}")
        if not np.isfinite(self.values).all():
            event, column = np.argwhere(~np.isfinite(self.values))[0]
            raise ValueError(
                f"ObservableTable: expected finite values, got {self.values[event, column]} "
                f"of `{names[column]}` in event {event}"
            )

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self.values)

    def __getitem__(self, name: str) -> Float64[Array, " event"]:
        """Return one observable of all showers."""
        return np.asarray(self.values[:, self.names.index(name)])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the observables."""
        return tuple(observable.name for observable in self.observables)

    def select(self, names: Iterable[str]) -> "ObservableTable":
        """Return some of the observables, in the order asked for.

        Args:
            names: Their names.

        Raises:
            ValueError: If there is no such observable.
        """
        columns = []
        for name in names:
            if name not in self.names:
                raise ValueError(
                    f"observable: expected one of {', '.join(self.names)}, got '{name}'"
                )
            columns.append(self.names.index(name))
        return ObservableTable(
            tuple(self.observables[column] for column in columns), self.values[:, columns]
        )


def ratio_or_zero(
    numerator: Float64[Array, " event"], denominator: Float64[Array, " event"]
) -> Float64[Array, " event"]:
    """Divide, with 0 where the denominator is not above 0.

    Args:
        numerator: What is divided.
        denominator: What it is divided by.

    Returns:
        The ratios.
    """
    share = np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
    return np.asarray(share)
