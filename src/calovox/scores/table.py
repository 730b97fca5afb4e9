"""Scores: every number by which a sample is judged, in one table.

A row is one metric of one feature in one bin of energy and pseudorapidity, with its statistical
uncertainty, and beside it the floor: what the same metric gives for two samples of the same
distribution. The table is written as JSON and as Parquet; both hold the same rows.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from calovox.files.damage import reading
from calovox.files.whole import whole_file
from calovox.samples.bins import ALL

__all__ = ["NotScored", "Score", "Scores", "ScoresError", "bin_name"]

_FORMAT: Final = "calovox scores"
_VERSION: Final = 1
_KEY: Final = b"calovox"
_TYPES: Final = {str: pa.string(), float: pa.float64(), int: pa.int64()}


class ScoresError(ValueError):
    """A file that does not hold valid scores."""


@dataclass(frozen=True)
class Score:
    """One metric of one feature of one sample in one bin; what is not known is NaN.

    Attributes:
        sample: Name of the simulated sample.
        metric: Name of the metric.
        feature: What is compared: a feature, or a group of features.
        energy_bin: Bin in kinetic energy, `ALL` for every event.
        eta_bin: Bin in abs(eta) of the shower centre, `ALL` for every event.
        value: The metric.
        uncertainty: Its statistical uncertainty.
        floor: Mean of the metric for two samples of the same distribution, as large as these.
        floor_uncertainty: Standard deviation of the metric for such samples.
        n_reference: Showers of the reference.
        n_simulated: Showers of the sample.
        p_value: Probability that such samples give a metric as bad as this, or worse.
        floor_source: What the floor was made from; empty if it is known beforehand, or there is
            none.
    """

    sample: str
    metric: str
    feature: str
    energy_bin: str
    eta_bin: str
    value: float
    uncertainty: float
    floor: float
    floor_uncertainty: float
    n_reference: int
    n_simulated: int
    p_value: float = math.nan
    floor_source: str = ""

    @property
    def bin(self) -> str:
        """Energy and pseudorapidity as one text."""
        return bin_name(self.energy_bin, self.eta_bin)

    @property
    def integrated(self) -> bool:
        """Whether the score is of all events."""
        return self.bin == ALL


@dataclass(frozen=True)
class NotScored:
    """A bin of one sample in which there are showers, but not enough for a metric.

    Attributes:
        sample: Name of the simulated sample.
        metric: Name of the metric; `*` for every metric.
        energy_bin: Bin in kinetic energy.
        eta_bin: Bin in abs(eta).
        reason: What is missing.
    """

    sample: str
    metric: str
    energy_bin: str
    eta_bin: str
    reason: str

    @property
    def bin(self) -> str:
        """Energy and pseudorapidity as one text."""
        return bin_name(self.energy_bin, self.eta_bin)


@dataclass(frozen=True)
class Scores:
    """A table of scores.

    Attributes:
        rows: The scores.
        not_scored: Where there are none, though there are showers, and why.
    """

    rows: tuple[Score, ...] = ()
    not_scored: tuple[NotScored, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Score]:
        return iter(self.rows)

    def __add__(self, other: "Scores") -> "Scores":
        """Join two tables."""
        return Scores(self.rows + other.rows, self.not_scored + other.not_scored)

    @property
    def samples(self) -> list[str]:
        """Names of all samples, in order, those without scores among them."""
        names = [row.sample for row in self.rows] + [row.sample for row in self.not_scored]
        return list(dict.fromkeys(names))

    def select(self, **wanted: str) -> "Scores":
        """Find rows by their texts.

        Args:
            **wanted: Names of columns and the text that each must have.

        Returns:
            The rows, in order.

        Example:
            >>> Scores().select(metric="auc", energy_bin=ALL)
            Scores(rows=(), not_scored=())
        """
        kept = (
            row
            for row in self.rows
            if all(getattr(row, key) == text for key, text in wanted.items())
        )
        return Scores(tuple(kept))

    def to_json(self, path: Path, *, overwrite: bool = False) -> None:
        """Write the table as JSON; NaN becomes null.

        Args:
            path: The file.
            overwrite: Whether an existing file may be replaced.

        Raises:
            FileExistsError: If the file exists and may not be replaced.
        """
        rows = [{key: _plain(value) for key, value in asdict(row).items()} for row in self.rows]
        content = {**self._header(), "scores": rows}
        with whole_file(path, overwrite=overwrite) as partial:
            partial.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def from_json(cls, path: Path) -> "Scores":
        """Read a table from JSON.

        Args:
            path: The file.

        Returns:
            The table.

        Raises:
            FileNotFoundError: If there is no such file.
            ScoresError: If it does not hold valid scores.
        """
        with reading(path, ScoresError, "is not a JSON file"):
            content = json.loads(path.read_text(encoding="utf-8"))
        _check_format(path, content)
        return cls._from_rows(path, content.get("scores"), content)

    def to_parquet(self, path: Path, *, overwrite: bool = False) -> None:
        """Write the table as Parquet, one column per field of `Score`.

        Args:
            path: The file.
            overwrite: Whether an existing file may be replaced.

        Raises:
            FileExistsError: If the file exists and may not be replaced.
        """
        metadata = {_KEY: json.dumps(self._header()).encode()}
        schema = pa.schema(
            [pa.field(entry.name, _TYPES[entry.type]) for entry in fields(Score)],  # type: ignore[index]
            metadata=metadata,
        )
        columns = [[getattr(row, name) for row in self.rows] for name in schema.names]
        table = pa.table(
            [pa.array(c, type=f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
        )
        with whole_file(path, overwrite=overwrite) as partial:
            pq.write_table(table, partial, compression="zstd")

    @classmethod
    def from_parquet(cls, path: Path) -> "Scores":
        """Read a table from Parquet.

        Args:
            path: The file.

        Returns:
            The table.

        Raises:
            FileNotFoundError: If there is no such file.
            ScoresError: If it does not hold valid scores.
        """
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        with reading(path, ScoresError, "is not a Parquet file"):
            table = pq.read_table(path)
            header = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
        _check_format(path, header)
        return cls._from_rows(path, table.to_pylist(), header)

    def _header(self) -> dict[str, Any]:
        not_scored = [asdict(entry) for entry in self.not_scored]
        return {"format": _FORMAT, "version": _VERSION, "not_scored": not_scored}

    @classmethod
    def _from_rows(
        cls, path: Path, rows: Iterable[dict[str, Any]] | None, header: dict[str, Any]
    ) -> "Scores":
        with reading(path, ScoresError, "lacks rows with the fields of a score"):
            return cls(
                tuple(Score(**{k: _number(v) for k, v in row.items()}) for row in rows or ()),
                tuple(NotScored(**entry) for entry in header.get("not_scored", ())),
            )


def bin_name(energy_bin: str, eta_bin: str) -> str:
    """Join the names of a bin in energy and of one in pseudorapidity, `ALL` if both are that.

    Args:
        energy_bin: Bin in energy.
        eta_bin: Bin in pseudorapidity.

    Example:
        >>> bin_name("E < 1.5 GeV", ALL)
        'E < 1.5 GeV'
    """
    return ", ".join(name for name in (energy_bin, eta_bin) if name != ALL) or ALL


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: Any) -> Any:
    return math.nan if value is None else value


def _check_format(path: Path, content: Any) -> None:
    if not isinstance(content, dict):
        raise ScoresError(f"{path}: expected a table, got {type(content).__name__}")
    found = content.get("format"), content.get("version")
    if found != (_FORMAT, _VERSION):
        raise ScoresError(
            f"{path}: expected the format '{_FORMAT}' of version {_VERSION}, "
            f"got '{found[0]}' of version {found[1]}"
        )
