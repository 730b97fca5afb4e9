"""Fitting the centres of showers from the command line."""

from pathlib import Path

import h5py
import pytest

from calovox.hits import HitsWriter
from calovox.models.centers import CenterModel
from tests.cli.commands.test_chain import fail, succeed
from tests.toy_showers import toy_showers


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with HitsWriter(Path("hits.h5"), provenance={}) as writer:
        writer.append(toy_showers(500, n_hits=30))
    succeed("voxelize", "hits.h5", "--no-cells", "-o", "photons.h5")
    return tmp_path


def test_centres_are_fitted_to_datasets(folder):
    succeed("train", "centers", "photons.h5", "-o", "centers.json")
    model = CenterModel.read(Path("centers.json"))
    assert list(model.provenance["datasets"]) == ["photons.h5"]
    fail("train", "centers", "photons.h5", "-o", "centers.json", match="exists")


def test_datasets_must_know_their_photons(folder):
    with h5py.File("photons.h5", "r+") as file:
        del file["event/photon_eta"]
    fail("train", "centers", "photons.h5", "-o", "no.json", match="photons.h5: expected `photon")
    assert not Path("no.json").exists()
