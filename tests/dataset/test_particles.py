"""Files say what made their showers, from hits to models."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.dataset.detectors import particle_of_datasets
from calovox.dataset.make import make_dataset
from calovox.hits import HitsReader, HitsWriter
from calovox.hits.file import HitsFileError
from calovox.hits.files import HitsFiles
from calovox.models.parametric.file import read_parametric, write_parametric
from calovox.phi_modulation.bare_hits import BareHits
from calovox.photons import PDG, Fixed, parse_particle
from calovox.runtime.metadata import ModelFileError, ModelMetadata
from calovox.samples.source import open_sample
from calovox.simulation.files import simulate_to_files
from calovox.simulation.photon_choice import PhotonChoice
from calovox.simulation.sources import open_source
from calovox.voxelization import VoxelGrid
from tests.models.toy_parametric import fitted_model
from tests.toy_onnx import write_toy_onnx
from tests.toy_showers import toy_showers


@pytest.fixture
def electrons(tmp_path):
    with HitsWriter(tmp_path / "hits.h5", provenance={}, particle="electron") as writer:
        writer.append(toy_showers(6, n_hits=40))
    return tmp_path / "hits.h5"


def test_datasets_and_simulations_keep_the_particle(electrons, tmp_path):
    assert HitsReader(electrons).summary()["particle"] == "electron"
    make_dataset(BareHits([electrons]), tmp_path / "a.h5", VoxelGrid.optimal())
    assert DatasetReader(tmp_path / "a.h5").particle == "electron"
    assert open_sample([tmp_path / "a.h5"], cells=False).particle == "electron"
    source = open_source(f"{tmp_path / 'a.h5'}", PhotonChoice(), seed=1)
    simulate_to_files(source, tmp_path / "b.h5", seed=1, hits=tmp_path / "again.h5")
    assert DatasetReader(tmp_path / "b.h5").particle == "electron"
    assert HitsReader(tmp_path / "again.h5").particle == "electron"


def test_particles_are_not_mixed(electrons, tmp_path):
    hits = toy_showers(6, n_hits=40)
    other = replace(hits, photons=replace(hits.photons, index=np.arange(6) + 100))
    with HitsWriter(tmp_path / "photons.h5", provenance={}) as writer:
        writer.append(other)
    with pytest.raises(
        ValueError, match="expected showers of one kind of particle, got electrons"
    ):
        HitsFiles([electrons, tmp_path / "photons.h5"])
    for name, particle in (("a", "electron"), ("b", "photon")):
        path, grid = tmp_path / f"{name}.h5", VoxelGrid.optimal()
        with DatasetWriter(path, grid, provenance={}, particle=particle):
            pass
    readers = [DatasetReader(tmp_path / f"{name}.h5") for name in "ab"]
    with pytest.raises(ValueError, match=r"b\.h5: expected showers of electrons as in .*a\.h5"):
        particle_of_datasets(readers)


def test_models_say_their_particle():
    metadata = ModelMetadata(VoxelGrid.optimal(), (1.0, 2.0), (0.0, 1.0), particle="positron")
    texts = metadata.to_texts()
    assert ModelMetadata.from_texts(texts).particle == "positron"
    assert "particle" not in replace(metadata, particle="photon").to_texts()
    with pytest.raises(ModelFileError, match="expected photon, electron, positron, got 'muon'"):
        ModelMetadata.from_texts({**texts, "particle": '"muon"'})


@pytest.mark.parametrize(("particle", "other"), [("photon", "electron"), ("electron", "photon")])
def test_models_simulate_the_particles_that_they_were_trained_on(tmp_path, particle, other):
    model = write_toy_onnx(tmp_path / "toy.onnx", particle=particle)
    for kind in (particle, other):
        row = f"65e3,0.2,1.0,{PDG[kind]}"
        (tmp_path / f"{kind}.csv").write_text(f"energy,eta,phi,pdg\n{row}\n{row}\n")
    source = open_source(f"{model}", PhotonChoice(file=tmp_path / f"{particle}.csv"), seed=1)
    simulate_to_files(source, tmp_path / "a.h5", seed=1, hits=tmp_path / "hits.h5")
    assert DatasetReader(tmp_path / "a.h5").particle == particle
    assert HitsReader(tmp_path / "hits.h5").particle == particle
    with pytest.raises(ValueError, match=f"{other}\\.csv: expected {particle}s .* in `pdg`"):
        open_source(f"{model}", PhotonChoice(file=tmp_path / f"{other}.csv"), seed=1)


def test_parametrisations_keep_the_particle(tmp_path):
    model = replace(fitted_model(), particle="electron")
    write_parametric(tmp_path / "model.h5", model)
    assert read_parametric(tmp_path / "model.h5").particle == "electron"
    choice = PhotonChoice(energy=Fixed(2.0**12), eta=Fixed(0.22), number=2)
    source = open_source(f"{tmp_path / 'model.h5'}", choice, seed=1)
    assert source.particle == "electron"


def test_other_particles_are_refused(electrons):
    with h5py.File(electrons, "r+") as file:
        file["meta"].attrs["particle"] = '"pion"'
    with pytest.raises(HitsFileError, match="expected photon, electron, positron, got 'pion'"):
        HitsReader(electrons)
    assert parse_particle(None) == "photon"
