"""Damaged files of every format end in one line, whatever their library raises."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calovox.binned_shower.sub_voxel_files import SubVoxelFileError, read_sub_voxels
from calovox.geometry.barrel import read_barrel
from calovox.geometry.cells import CellFileError
from calovox.phi_modulation import PhiModulation
from calovox.phi_modulation.curve_file import CurveFileError, read_curve_root, write_curve_root
from calovox.samples.calochallenge import CaloChallengeError, read_binning
from calovox.scores.table import Scores, ScoresError
from calovox.simulation.photon_files import PhotonFileError, read_photons
from calovox.voxelization import VoxelGrid
from tests.cli.commands.test_chain import fail
from tests.toy_calochallenge import BINNING

SAMPLE = Path(__file__).parents[2] / "sample"


def write_curve(folder: Path) -> Path:
    curve = PhiModulation(np.ones((1, 4, 8)), np.array([0.0, 1.4]))
    write_curve_root(folder, curve)
    return min(folder.glob("*.root"))


def write_photons(folder: Path) -> Path:
    columns = {"energy": np.full(50, 1e3), "eta": np.linspace(0, 1, 50), "phi": np.zeros(50)}
    pq.write_table(pa.table(columns), folder / "photons.parquet")
    return folder / "photons.parquet"


def sub_voxels(folder: Path) -> Path:
    return SAMPLE / "sub_voxels_optimal.root"


READERS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object], type[ValueError]]] = {
    "curve": (write_curve, read_curve_root, CurveFileError),
    "cells": (write_curve, read_barrel, CellFileError),
    "photons": (write_photons, read_photons, PhotonFileError),
    "scores": (write_photons, Scores.from_parquet, ScoresError),
    "sub-voxels": (
        sub_voxels,
        lambda path: read_sub_voxels(path, VoxelGrid.optimal()),
        SubVoxelFileError,
    ),
}


@pytest.mark.parametrize("kind", READERS)
def test_damaged_bytes_are_read_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    make, read, error = READERS[kind]
    content = make(tmp_path).read_bytes()
    rng = np.random.default_rng(3)
    path, messages = tmp_path / "damaged.root", []
    for place in rng.integers(0, len(content), 5):
        extra = rng.bytes(4)
        for damaged in (
            content[:place],
            content[:place] + extra + content[place:],
            content[:place] + extra + content[place + 4 :],
        ):
            path.write_bytes(damaged)
            try:
                read(path)
            except error as problem:
                messages.append(str(problem))
    assert messages
    assert all("damaged.root" in text and text.isprintable() for text in messages)


def test_info_says_what_is_damaged(tmp_path: Path) -> None:
    content = sub_voxels(tmp_path).read_bytes()
    (tmp_path / "longer.root").write_bytes(content[:3327] + b"\xeb\x53\x42\x07" + content[3327:])
    fail("info", tmp_path / "longer.root", match="longer.root is truncated or damaged: ")
    (tmp_path / "a.toml").write_text("x = " + "[" * 2000)
    fail("info", tmp_path / "a.toml", match="a.toml is not a TOML file: ")
    (tmp_path / "report.json").write_text(json.dumps({"format": "calovox report"}))
    fail("info", tmp_path, match="report.json is truncated or damaged: it lacks 'samples'")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('r_edges="0,5,10" ', "", "is not a binning file: it lacks 'r_edges'"),
        ('n_bin_alpha="4"', 'n_bin_alpha="1000000000000"', "expected a binning of 14 voxels"),
        ("0,2,10,20", "0,2,nan,20", "is not a binning file: expected rising `r_edges`"),
        ("</Bins>", "", "is not a binning file"),
    ],
)
def test_damaged_binnings_are_one_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in BINNING
    path = tmp_path / "binning.xml"
    path.write_text(BINNING.replace(old, new))
    with pytest.raises(CaloChallengeError, match=message):
        read_binning(path, 14)
