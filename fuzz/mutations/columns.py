"""Mutations of Parquet files: columns, types, missing values, metadata."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.mutations.trees import ODD_NUMBERS, mutate_tree

__all__ = ["mutate_parquet"]

_TYPES: Final = (pa.float32(), pa.int64(), pa.string(), pa.bool_(), pa.int8(), pa.float16())
_KEY: Final = b"calovox"


def mutate_parquet(path: Path, rng: np.random.Generator) -> str:
    """Change columns, metadata and storage of a Parquet file."""
    with pa.OSFile(str(path)) as source:
        table = pq.ParquetFile(source).read(use_threads=False)
    done = []
    for _ in range(int(rng.integers(1, 4))):
        change = (_values, _type, _drop, _double, _rows, _nulls, _nest, _metadata, _metadata)[
            rng.integers(9)
        ]
        try:
            table = change(table, rng)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            continue  # this change does not go with this column
        done.append(change.__name__.strip("_"))
    packed = ("none", "zstd", "snappy", "gzip")[rng.integers(4)]
    pq.write_table(table, path, compression=packed, use_dictionary=bool(rng.random() < 0.5))
    return "Parquet: " + ", ".join(done)


def _choose(table: pa.Table, rng: np.random.Generator) -> tuple[int, str]:
    place = int(rng.integers(table.num_columns))
    return place, table.column_names[place]


def _set(table: pa.Table, place: int, values: Any) -> pa.Table:
    name = table.column_names[place]
    return table.set_column(place, name, values)


def _values(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    place, _ = _choose(table, rng)
    values = table.column(place).to_pylist()
    values[rng.integers(len(values))] = ODD_NUMBERS[rng.integers(len(ODD_NUMBERS))]
    return _set(table, place, pa.array(values, type=table.column(place).type))


def _type(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    place, _ = _choose(table, rng)
    kind = _TYPES[rng.integers(len(_TYPES))]
    if rng.random() < 0.2:
        return _set(table, place, table.column(place).dictionary_encode())
    return _set(table, place, table.column(place).cast(kind, safe=False))


def _drop(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    return table.remove_column(_choose(table, rng)[0])


def _double(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    place, name = _choose(table, rng)
    name = name if rng.random() < 0.5 else "more"
    return table.append_column(name, table.column(place))


def _rows(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    return table.slice(0, int(rng.integers(table.num_rows + 1)))


def _nulls(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    place, _ = _choose(table, rng)
    column = table.column(place)
    missing = [None, *column.to_pylist()[1:]] if rng.random() < 0.5 else [None] * len(column)
    return _set(table, place, pa.array(missing, type=column.type))


def _nest(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    place, _ = _choose(table, rng)
    column = table.column(place)
    if rng.random() < 0.5:
        return _set(table, place, pa.array([[value] for value in column.to_pylist()]))
    return _set(table, place, pa.array([{"a": value} for value in column.to_pylist()]))


def _metadata(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    metadata = dict(table.schema.metadata or {})
    if rng.random() < 0.1 or _KEY not in metadata:
        return table.replace_schema_metadata(None)
    tree, _ = mutate_tree(json.loads(metadata[_KEY]), rng)
    texts = (json.dumps(tree).encode(), b"[" * 5000, b"\xff", b"3", b"")
    metadata[_KEY] = texts[0] if rng.random() < 0.8 else texts[rng.integers(len(texts))]
    return table.replace_schema_metadata(metadata)
