"""Mutations of HDF5 files by their objects: values, types, shapes, storage, links, attributes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from fuzz.mutations.trees import ODD_NUMBERS, ODD_TEXTS, mutate_tree, odd_value

__all__ = ["mutate_hdf5"]

_OUTSIDE: Final = "../outside/secret.h5"
_OUTSIDE_BYTES: Final = "../outside/secret.bin"
_MOST_ROUNDS: Final = 3


def mutate_hdf5(path: Path, rng: np.random.Generator) -> str:
    """Change one to three objects of an HDF5 file.

    Args:
        path: The file.
        rng: Decides how.

    Returns:
        What was done.
    """
    done = []
    with h5py.File(path, "r+") as file:
        for _ in range(int(rng.integers(1, _MOST_ROUNDS + 1))):
            change = _CHANGES[rng.integers(len(_CHANGES))]
            name = _choose_dataset(file, rng)
            try:
                change(file, name, rng)
            except (TypeError, ValueError, OSError, RuntimeError, KeyError, ArithmeticError):
                continue  # this change does not go with this object
            done.append(f"{change.__name__.strip('_')} {name}")
    return "HDF5: " + (", ".join(done) or "nothing")


def _choose_dataset(file: h5py.File, rng: np.random.Generator) -> str:
    names: list[str] = []
    # by hand: visititems follows neither links nor what earlier rounds have made of them
    for name in file:
        if file.get(name, getclass=True, getlink=True) is not h5py.HardLink:
            continue
        if file.get(name, getclass=True) is h5py.Dataset:
            names.append(name)
        elif file.get(name, getclass=True) is h5py.Group:
            names += [
                f"{name}/{inner}"
                for inner in file[name]
                if file[name].get(inner, getclass=True, getlink=True) is h5py.HardLink
            ]
    return names[rng.integers(len(names))] if names else "nothing"


def _small(column: h5py.Dataset) -> Any:
    """Read values; an earlier round may have made the dataset too large, or a view of itself."""
    if column.is_virtual or (column.size is not None and column.size > 10**7):
        raise ValueError("too large, or a view on which the HDF5 library would crash")
    return column[()]


def _replace(file: h5py.File, name: str, **options: Any) -> h5py.Dataset:
    """Make a dataset anew, with its values unless others are given."""
    if "data" not in options and "shape" not in options and "external" not in options:
        options["data"] = _small(file[name])
    del file[name]
    return file.create_dataset(name, **options)


def _values(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    column = file[name]
    values = _small(column)
    if values.dtype.kind not in "iufb" or not values.size:
        values = np.zeros(max(1, values.size))
    flat = np.ascontiguousarray(values).reshape(-1)
    count = 1 if rng.random() < 0.5 else int(rng.integers(1, flat.size + 1))
    places = rng.integers(flat.size, size=count)
    odd = ODD_NUMBERS[rng.integers(len(ODD_NUMBERS))]
    with np.errstate(all="ignore"):
        if flat.dtype.kind == "f":
            flat[places] = np.float64(odd)
        else:
            limits = np.iinfo(flat.dtype) if flat.dtype.kind in "iu" else np.iinfo(np.uint8)
            ends = (limits.min, limits.max, limits.max // 2, 0, 1)
            flat[places] = ends[rng.integers(len(ends))]
    _replace(file, name, data=flat.reshape(values.shape))


def _shuffle(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    values = _small(file[name])
    _replace(file, name, data=rng.permutation(values.reshape(-1)).reshape(values.shape))


def _type(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    values = np.asarray(_small(file[name]))
    kinds = ("f2", "f4", "f8", ">f8", "i1", "u1", "i4", "u8", "i8", ">i8", "?", "c16", "S5", "V8")
    with np.errstate(all="ignore"):
        if rng.random() < 0.7:
            data: Any = values.astype(kinds[rng.integers(len(kinds))])
        else:
            data = _strange_values(values.shape, rng)
    _replace(file, name, data=data)


def _strange_values(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    draw = int(rng.integers(5))
    if draw == 0:
        return np.full(shape, "1.0", dtype=h5py.string_dtype())
    if draw == 1:
        return np.zeros(shape, dtype=[("a", "f4"), ("b", "i8")])
    if draw == 2:
        return np.zeros(shape, dtype=h5py.enum_dtype({"A": 0, "B": 1}, basetype="i4"))
    if draw == 3:
        values = np.empty(shape, dtype=h5py.vlen_dtype(np.float32))
        values.reshape(-1)[:] = [np.ones(2, np.float32)] * values.size
        return values
    return np.zeros(shape, dtype=np.dtype(("f4", (2,))) if draw == 4 else "f4")


def _shape(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    values = np.asarray(_small(file[name]))
    others = (
        *(values.T, values[None], values[..., None], values.reshape(-1), values[:0]),
        *(values[:-1], values[1:], np.concatenate([values, values]), values[:1], values[..., :1]),
        *(values.reshape(-1)[0], values.reshape(-1)[: values.size // 2], values[::-1]),
    )
    _replace(file, name, data=others[rng.integers(len(others))])


def _size(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    """Claim many rows, of which none is stored."""
    column = file[name]
    rows = int(2 ** rng.uniform(10, 60))
    _replace(
        file,
        name,
        shape=(rows, *column.shape[1:]),
        maxshape=(None, *column.shape[1:]),
        chunks=(1024, *column.shape[1:]),
        dtype=column.dtype,
        fillvalue=np.asarray(ODD_NUMBERS[rng.integers(13, 18)]).astype(column.dtype),
    )


def _all_sizes(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    """Claim many rows in all columns of this length."""
    length, rows = file[name].shape[0], int(2 ** rng.uniform(10, 45))
    for other in list(file):
        column = file[other]
        if isinstance(column, h5py.Dataset) and column.shape and column.shape[0] == length:
            tail, dtype = column.shape[1:], column.dtype
            _replace(file, other, shape=(rows, *tail), chunks=(512, *tail), dtype=dtype)


def _layout(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    options: tuple[dict[str, Any], ...] = (
        {"compression": "gzip", "shuffle": True},
        {"compression": "lzf"},
        {"fletcher32": True},
        {"chunks": True, "scaleoffset": 2},
        {"chunks": True},
        {},
    )
    _replace(file, name, **options[rng.integers(len(options))])


def _empty(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    dtype = file[name].dtype
    _replace(file, name, data=h5py.Empty(dtype))


def _delete(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    parent = name.rpartition("/")[0]
    del file[parent if parent and rng.random() < 0.3 else name]


def _rename(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    other = _choose_dataset(file, rng)
    if rng.random() < 0.5 and other != name:
        file.move(name, "swapped")
        file.move(other, name)
        file.move("swapped", other)
    else:
        file.move(name, f"other_{rng.integers(9)}")


def _add(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    odd = ODD_TEXTS[rng.integers(len(ODD_TEXTS))].replace("\x00", "") or "more"
    where = ("", "event/", "cells/", "meta/", "meta/calibration/", "fit/")[rng.integers(6)]
    if rng.random() < 0.5:
        file[where + odd] = np.zeros(2)
    else:
        file.create_group(where + odd)


def _group(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    """Put a group, or a named type, where a dataset was."""
    del file[name]
    if rng.random() < 0.7:
        file.create_group(name)
    else:
        file[name] = np.dtype("f8")


def _link(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    other = _choose_dataset(file, rng)
    parent = name.rpartition("/")[0] or "/"
    links: tuple[Any, ...] = (
        *(h5py.SoftLink(f"/{name}"), h5py.SoftLink("/nowhere"), h5py.SoftLink(f"/{other}")),
        *(h5py.ExternalLink(_OUTSIDE, "values"), h5py.ExternalLink(_OUTSIDE, "/")),
        *(h5py.ExternalLink("nowhere.h5", "/"), file[parent], file["/"]),
    )
    link = links[rng.integers(len(links))]
    target = parent if parent != "/" and rng.random() < 0.2 else name
    del file[target]
    file[target] = link


def _external(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    """Keep the values in another file."""
    shape, dtype = file[name].shape, file[name].dtype
    _replace(file, name, shape=shape, dtype=dtype, external=[(_OUTSIDE_BYTES, 0, 2**20)])


def _virtual(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    """Make a view of another dataset: in another file, in this one, or of itself."""
    shape, dtype = file[name].shape, file[name].dtype
    sources = ((_OUTSIDE, "values"), (".", name), (Path(file.filename).name, name), ("no.h5", "x"))
    source = sources[rng.integers(len(sources))]
    space = h5py.h5s.create_simple(shape)
    # by hand: create_virtual_dataset stores the time, and the file would not follow from the seed
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_obj_track_times(False)
    plist.set_virtual(space, *(text.encode() for text in source), space)
    del file[name]
    stored = h5py.h5t.py_create(dtype, logical=True)
    h5py.h5d.create(file.id, name.encode(), stored, space, plist)


def _references(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    reference = file[name].ref if rng.random() < 0.5 else file["/"].ref
    _replace(file, name, data=np.array([reference] * 2, dtype=h5py.ref_dtype))


def _attribute(file: h5py.File, name: str, rng: np.random.Generator) -> None:
    owners = [owner for owner in ("/", "meta", "event", "fit", name) if owner in file]
    known = [(owner, key) for owner in owners for key in file[owner].attrs]
    if not known or rng.random() < 0.05:
        file["/"].attrs["more"] = np.zeros(3)
        return
    owner, key = known[rng.integers(len(known))]
    attributes, value = file[owner].attrs, file[owner].attrs[key]
    if rng.random() < 0.15:
        del attributes[key]
    elif isinstance(value, str) and value[:1] in "{[" and rng.random() < 0.8:
        attributes[key] = json.dumps(mutate_tree(json.loads(value), rng)[0])
    else:
        attributes[key] = _odd_attribute(value, rng)


def _odd_attribute(value: Any, rng: np.random.Generator) -> Any:
    odd = odd_value(rng)
    others: tuple[Any, ...] = (
        *(h5py.Empty("f4"), np.bytes_(b"\xff\xfe"), np.array([1, 2]), np.array(["a"], dtype="S1")),
        *(np.bytes_(str(value).encode()), [value, value], np.float64(np.nan), b"", "[" * 3000),
        *("{", '{"a": NaN}', "null", "[]", "3", '"text"', np.zeros(1, dtype=[("a", "i4")])),
    )
    if isinstance(odd, str | float) and rng.random() < 0.3:
        return odd
    return others[rng.integers(len(others))]


_CHANGES: Final[tuple[Callable[[h5py.File, str, np.random.Generator], None], ...]] = (
    *(_values, _values, _values, _shuffle, _type, _type, _shape, _shape, _size, _all_sizes),
    *(_layout, _empty, _delete, _rename, _add, _group, _link, _link, _external, _virtual),
    *(_references, _attribute, _attribute, _attribute, _attribute),
)
