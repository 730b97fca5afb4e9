"""Toy showers in the files of other programs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import uproot

from calovox.arrays import Array
from calovox.geometry import atlas_barrel
from calovox.hits import Hits
from tests.toy_showers import toy_showers

N_EVENTS = 6

Written = tuple[list[Path], list[Path]]
"""Files of hits, and of photons."""


def showers() -> Hits:
    """Showers whose hits lie where their layers are."""
    hits = toy_showers(N_EVENTS, n_hits=200)
    barrel = atlas_barrel()
    radii = barrel.radii(hits.eta)[np.arange(hits.n_hits), barrel.positions(hits.layer)]
    return replace(hits, r=radii.astype("f4"))


def counts(hits: Hits) -> Array:
    return np.diff(hits.event_offsets)


def positions(hits: Hits) -> dict[str, Array]:
    eta, phi, r = (getattr(hits, name).astype("f8") for name in ("eta", "phi", "r"))
    return {"x": r * np.cos(phi), "y": r * np.sin(phi), "z": r * np.sinh(eta)}


def rows_of_hits(hits: Hits) -> dict[str, Array]:
    """One row per hit, in mm and MeV."""
    event = np.repeat(hits.photons.index, counts(hits))
    return {"eventID": event, **positions(hits), "edep": hits.energy.astype("f8")}


def primaries(hits: Hits) -> dict[str, Array]:
    """One row per event, with momenta in MeV."""
    photons = hits.photons
    pt = photons.energy / np.cosh(photons.eta)
    return {
        "eventID": photons.index,
        "pdg": np.full(len(photons), 22),
        "px": pt * np.cos(photons.phi),
        "py": pt * np.sin(photons.phi),
        "pz": pt * np.sinh(photons.eta),
    }


def write_primaries(folder: Path, hits: Hits) -> Path:
    pa.csv.write_csv(pa.table(primaries(hits)), folder / "primaries.csv")
    return folder / "primaries.csv"


def write_csv(folder: Path, hits: Hits) -> Written:
    pa.csv.write_csv(pa.table(rows_of_hits(hits)), folder / "hits.csv")
    return [folder / "hits.csv"], [write_primaries(folder, hits)]


def write_geant4_csv(folder: Path, hits: Hits) -> Written:
    """As Geant4's analysis manager writes, one file per thread."""
    rows, parts = rows_of_hits(hits), (0, 4, N_EVENTS)
    kinds = {name: "int" if name == "eventID" else "double" for name in rows}
    head = "#class tools::wcsv::ntuple\n#title Hits\n#separator 44\n#vector_separator 59\n"
    head += "".join(f"#column {kind} {name}\n" for name, kind in kinds.items())
    paths = []
    for thread in range(2):
        first, last = hits.event_offsets[parts[thread]], hits.event_offsets[parts[thread + 1]]
        lines = zip(*(values[first:last].tolist() for values in rows.values()), strict=True)
        paths.append(folder / f"run_nt_Hits_t{thread}.csv")
        paths[-1].write_text(head + "".join(",".join(map(repr, line)) + "\n" for line in lines))
    return paths, [write_primaries(folder, hits)]


def write_parquet(folder: Path, hits: Hits) -> Written:
    rows = rows_of_hits(hits) | {"layer": hits.layer.astype("i4")}
    pa.parquet.write_table(pa.table(rows), folder / "hits.parquet", row_group_size=300)
    return [folder / "hits.parquet"], [write_primaries(folder, hits)]


def lists_of_hits(hits: Hits) -> tuple[dict[str, Any], dict[str, Array]]:
    """Lists of hits and photons, one row per event, in cm and GeV."""
    lists = {f"hit_{k}": ak.unflatten(v / 10.0, counts(hits)) for k, v in positions(hits).items()}
    lists["hit_E"] = ak.unflatten(hits.energy.astype("f8") / 1e3, counts(hits))
    photons = hits.photons
    return lists, {"mc_E": photons.energy / 1e3, "mc_eta": photons.eta, "mc_phi": photons.phi}


def write_parquet_of_lists(folder: Path, hits: Hits) -> Written:
    lists, photons = lists_of_hits(hits)
    table = pa.table({k: ak.to_arrow(v, extensionarray=False) for k, v in lists.items()} | photons)
    pa.parquet.write_table(table, folder / "hits.parquet")
    return [folder / "hits.parquet"], []


def write_jagged_tree(folder: Path, hits: Hits) -> Written:
    lists, photons = lists_of_hits(hits)
    types = dict.fromkeys(lists, "var * float64") | dict.fromkeys(photons, "float64")
    with uproot.recreate(folder / "hits.root") as file:
        file.mktree("events", types).extend(lists | photons)
    return [folder / "hits.root"], []


def write_rntuple(folder: Path, hits: Hits) -> Written:
    lists, photons = lists_of_hits(hits)
    with uproot.recreate(folder / "hits.root") as file:
        file["events"] = lists | photons
    return [folder / "hits.root"], []


def write_flat_trees(folder: Path, hits: Hits) -> Written:
    """Trees of hits and of photons in one file."""
    with uproot.recreate(folder / "hits.root") as file:
        for name, rows in (("Hits", rows_of_hits(hits)), ("Primaries", primaries(hits))):
            types = {key: values.dtype.name for key, values in rows.items()}
            file.mktree(name, types).extend(rows)
    return [folder / "hits.root"], []


def write_edm4hep(folder: Path, hits: Hits) -> Written:
    """As podio writes split collections; the second particle is none of the generator."""
    columns = {
        f"ECalBarrelHits.position.{k}": ak.unflatten(v.astype("f4"), counts(hits))
        for k, v in positions(hits).items()
    }
    columns["ECalBarrelHits.energy"] = ak.unflatten(hits.energy / np.float32(1e3), counts(hits))
    first = primaries(hits)
    for axis in "xyz":
        momenta = np.stack([first[f"p{axis}"] / 1e3, np.ones(len(hits))], axis=1)
        columns[f"MCParticles.momentum.{axis}"] = ak.from_regular(momenta)
    for name, values in (("PDG", (22, 11)), ("generatorStatus", (1, 0))):
        pairs = np.tile(np.array(values, dtype="i4"), (len(hits), 1))
        columns[f"MCParticles.{name}"] = ak.from_regular(pairs)
    with uproot.recreate(folder / "sim.root") as file:
        types = {key: f"var * {ak.type(v).content.content}" for key, v in columns.items()}
        file.mktree("events", types).extend(columns)
        file.mktree("podio_metadata", {"version": "int32"}).extend({"version": np.ones(1, "i4")})
    return [folder / "sim.root"], []


def write_hdf5_with_offsets(folder: Path, hits: Hits) -> Written:
    with h5py.File(folder / "hits.h5", "w") as file:
        file["calo/position"] = np.stack(list(positions(hits).values()), axis=1)
        file["calo/energy"] = hits.energy
        file["calo/layer"] = hits.layer
        file["offsets"] = hits.event_offsets
        for name in ("energy", "eta", "phi"):
            file[f"photon/{name}"] = getattr(hits.photons, name)
    return [folder / "hits.h5"], []


def write_padded_hdf5(folder: Path, hits: Hits) -> Written:
    """Matrices of events and hits, filled up with zeros."""
    longest = counts(hits).max()
    columns = positions(hits) | {"energy": hits.energy}
    with h5py.File(folder / "hits.h5", "w") as file:
        for name, values in columns.items():
            padded = ak.fill_none(ak.pad_none(ak.unflatten(values, counts(hits)), longest), 0.0)
            file[f"hit_{name}"] = ak.to_numpy(padded)
        for name in ("energy", "eta", "phi"):
            file[f"true_{name}"] = getattr(hits.photons, name)
    return [folder / "hits.h5"], []


def write_records(folder: Path, hits: Hits) -> Written:
    """Datasets of records, as PyTables has them."""
    rows, photons = rows_of_hits(hits), primaries(hits)
    with h5py.File(folder / "hits.h5", "w") as file:
        for name, columns in (("hits", rows), ("truth", photons)):
            kind = np.dtype([(key, values.dtype) for key, values in columns.items()])
            records = np.empty(len(columns["eventID"]), dtype=kind)
            for key, values in columns.items():
                records[key] = values
            file[name] = records
    return [folder / "hits.h5"], []


WRITERS = [
    *(write_csv, write_geant4_csv, write_parquet, write_parquet_of_lists, write_jagged_tree),
    *(write_rntuple, write_flat_trees, write_edm4hep, write_hdf5_with_offsets),
    *(write_padded_hdf5, write_records),
]
