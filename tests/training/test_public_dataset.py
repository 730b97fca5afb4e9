"""Models train on a file with exactly the keys of the note's Table A.1."""

import h5py
import pytest

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.training.runs.model import read_run
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.cli.commands.test_chain import fail, succeed
from tests.toy_showers import toy_showers

LOOP = "--batch-size 16 --steps 2 --threads 1"


@pytest.fixture
def public(tmp_path, monkeypatch):
    """Write the keys of the table alone, in double precision, as columns, with gzip."""
    monkeypatch.chdir(tmp_path)
    hits = toy_showers(40, n_hits=60)
    with DatasetWriter(tmp_path / "own.h5", VoxelGrid.optimal(), provenance={}) as writer:
        writer.append(hits_to_voxels(hits, VoxelGrid.optimal()))
    with h5py.File("own.h5") as source, h5py.File("public.h5", "w") as target:
        for key, value in source.items():
            if isinstance(value, h5py.Dataset) and key != "center_eta":
                array = value[:].astype("f8")
                is_column = key in ("incident_energy", "eta_center")
                target.create_dataset(
                    key, data=array[:, None] if is_column else array, compression="gzip"
                )
    return tmp_path / "public.h5"


@pytest.mark.parametrize(
    "model",
    [
        "inn --blocks 4 --width 8",
        "cfm --width 8",
        "dit --tokens rings --width 16 --heads 2 --blocks 1",
    ],
)
def test_models_train_on_the_keys_of_the_table(public, model):
    succeed(*f"train {model} --data public.h5 --validation public.h5 {LOOP} -o run".split())
    run = read_run(public.parent / "run")
    assert run.grid == DatasetReader(public).grid == VoxelGrid.optimal()
    assert run.detector is None
    assert run.particle == "photon"
    assert run.data["training"]["n_showers"] == 40


def test_what_needs_more_than_the_table_says_so(public):
    match = r"public\.h5: expected `photon_eta`, `photon_phi` and `phi_center`, not all are there"
    fail(*["train", "centers", "public.h5", "-o", "centers.json"], match=match)
