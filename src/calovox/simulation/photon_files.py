"""Photons out of files: those of other showers, or a table of our own.

- A dataset gives the photons of its events. They keep their directions if the simulation draws a
  centre for each shower; otherwise they point to the shower centres of the dataset. Azimuths that
  it lacks are drawn.
- A hits file gives its true photons.
- A Parquet or CSV file, or the only tree of a ROOT file, gives its columns ``energy`` (MeV),
  ``eta`` and ``phi`` (rad); the number of a row is the index of the event.

The particles of a dataset, a hits file or a column ``pdg`` of a table (22, 11 or -11) must be
those that the model is for. The log names the columns that are not used. Datasets and hits files
keep the index of each event, so that showers of the same photons can be compared event by event.
"""

import logging
from pathlib import Path
from typing import Final

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from calovox.arrays import Array, Float64
from calovox.dataset import DatasetReader
from calovox.dataset.bare import complete_photons
from calovox.files.damage import reading
from calovox.files.hdf5 import has_format
from calovox.foreign.tables import choose_table
from calovox.geometry.coordinates import wrap_phi
from calovox.hits.file import FORMAT, HitsReader
from calovox.photons import PDG, Particle, Photons
from calovox.text import printable

__all__ = ["PhotonFileError", "read_photons"]

_COLUMNS: Final = ("energy", "eta", "phi")
_PARTICLE_NAMES: Final = ("pdg", "pdgid", "pid")


class PhotonFileError(ValueError):
    """A file of photons that cannot be used, and why."""


def read_photons(
    path: Path,
    number: int | None = None,
    *,
    first: int = 0,
    at_impact: bool = False,
    seed: int = 1,
    particle: Particle = "photon",
) -> Photons:
    """Read photons, or other particles, in the order of a file.

    Args:
        path: Dataset, hits file, Parquet, CSV or ROOT file.
        number: How many to take; all by default.
        first: Row of the first one.
        at_impact: Whether photons of a dataset have their own direction, not that of the centre.
        seed: Seed of the azimuths of photons of a dataset that has none.
        particle: What they must be.

    Returns:
        The photons.

    Raises:
        FileNotFoundError: If there is no such file.
        PhotonFileError: If it is none of these, lacks a column, has a number that is not finite,
            other particles or not enough photons.
        DatasetError: If it is a damaged dataset, or one with azimuths of the centres alone.
        HitsFileError: If it is a damaged hits file.
        ForeignFileError: If it is a damaged ROOT file, or one with several trees.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if h5py.is_hdf5(path):
        photons = _read_hdf5(path, particle, at_impact=at_impact, seed=seed)
    else:
        photons = _read_table(path, particle)
    stop = len(photons) if number is None else first + number
    if stop > len(photons) or first >= len(photons) > 0:
        wanted = f"{max(stop, first + 1)} photons or more"
        raise PhotonFileError(f"{path}: expected {wanted}, got {len(photons)}")
    return photons[first:stop]


def _read_hdf5(path: Path, particle: Particle, *, at_impact: bool, seed: int) -> Photons:
    is_hits = has_format(path, FORMAT, PhotonFileError)
    reader = HitsReader(path) if is_hits else DatasetReader(path)
    if reader.particle != particle:
        raise PhotonFileError(
            f"{path}: expected {particle}s, as the model is for, got {reader.particle}s: choose a "
            f"model of {reader.particle}s"
        )
    if isinstance(reader, HitsReader):
        return reader.photons()
    return complete_photons(reader, at_impact=at_impact, seed=seed)


def _read_table(path: Path, particle: Particle) -> Photons:
    with reading(path, PhotonFileError, "is neither a Parquet, a ROOT nor a CSV file"):
        table = _open_table(path)
    missing = [name for name in _COLUMNS if name not in table.column_names]
    if missing:
        raise PhotonFileError(
            f"{path}: expected the columns {', '.join(_COLUMNS)}, missing: {', '.join(missing)}"
        )
    _check_other_columns(path, table, particle)
    energy, eta, phi = (_read_column(path, table, name) for name in _COLUMNS)
    index = np.arange(len(energy), dtype=np.int64)
    try:
        return Photons(energy=energy, eta=eta, phi=wrap_phi(phi), index=index)
    except ValueError as problem:
        raise PhotonFileError(f"{path}: {problem}") from problem


def _check_other_columns(path: Path, table: pa.Table, particle: Particle) -> None:
    """Refuse other particles, and say which columns are not used."""
    others = [name for name in table.column_names if name not in _COLUMNS]
    for name in others:
        if name.lower().replace("_", "") in _PARTICLE_NAMES:
            particles = _read_column(path, table, name)
            wrong = np.flatnonzero(particles != PDG[particle])
            if len(wrong):
                raise PhotonFileError(
                    f"{path}: expected {particle}s ({PDG[particle]}), as the model is for, in "
                    f"`{name}`, got {particles[wrong[0]]:.15g} in row {wrong[0]}: leave other "
                    "particles out, or choose a model of them"
                )
    unused = [n for n in others if n.lower().replace("_", "") not in _PARTICLE_NAMES]
    if unused:
        logging.getLogger(__name__).warning(
            "calovox: %s: columns that are not used: %s", path, printable(", ".join(unused))
        )


def _open_table(path: Path) -> pa.Table:
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return pyarrow.parquet.read_table(path)
    return _read_tree(path) if start == b"root" else pyarrow.csv.read_csv(path)


def _read_tree(path: Path) -> pa.Table:
    """Read the flat branches of the only tree of a ROOT file."""
    tree = choose_table(path, None)
    names = [name for name, kind in tree.columns.items() if kind == "number"]
    batches = [pa.table({name: batch[name] for name in names}) for batch in tree.batches(names)]
    return pa.concat_tables(batches) if batches else pa.table({name: [] for name in names})


def _read_column(path: Path, table: pa.Table, name: str) -> Float64[Array, " event"]:
    column = table.column(name)
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise PhotonFileError(f"{path}: expected numbers in `{name}`, got {column.type}")
    with reading(path, PhotonFileError):
        values = np.asarray(column.to_numpy(), dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        row = wrong[0]
        raise PhotonFileError(
            f"{path}: expected finite numbers in `{name}`, got {values[row]} in row {row}"
        )
    return values
