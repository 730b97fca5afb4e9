"""Sources of showers, and their simulation into files, as a user of the library does it."""

import numpy as np
import pytest

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.geometry import barrel_cells
from calovox.hits import HitsReader
from calovox.photons import Fixed
from calovox.simulation.files import simulate_to_files
from calovox.simulation.photon_choice import PhotonChoice
from calovox.simulation.sources import open_source
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_onnx import write_toy_onnx

PHOTONS = PhotonChoice(energy=Fixed(65e3), eta=Fixed(0.2), number=4)


@pytest.fixture
def library(tmp_path, toy_hits):
    path = tmp_path / "library.h5"
    with DatasetWriter(path, VoxelGrid.optimal(), provenance={"a": 1}) as writer:
        writer.append(hits_to_voxels(toy_hits, VoxelGrid.optimal()))
    return str(path)


def test_a_library_repeats_its_showers(tmp_path, library):
    source = open_source(library, PhotonChoice(number=3), seed=1)
    assert (source.number, source.provenance) == (3, {"library": {"a": 1}})
    made = simulate_to_files(
        source, tmp_path / "out.h5", seed=1, hits=tmp_path / "hits.h5", table=barrel_cells()
    )
    assert made.n_extrapolated == 0
    first, again = DatasetReader(tmp_path / "library.h5"), DatasetReader(tmp_path / "out.h5")
    assert np.array_equal(again.read().energy, first.read(slice(0, 3)).energy)
    assert again.cell_table == "barrel"
    assert len(HitsReader(tmp_path / "hits.h5")) == 3


def test_a_model_draws_new_photons(tmp_path):
    write_toy_onnx(tmp_path / "toy.onnx")
    source = open_source(str(tmp_path / "toy.onnx"), PHOTONS, seed=1)
    simulate_to_files(source, tmp_path / "out.h5", seed=1, provenance={"b": 2})
    reader = DatasetReader(tmp_path / "out.h5")
    assert reader.read().incident_energy.tolist() == [65e3] * 4
    assert reader.provenance["b"] == 2
    assert set(reader.provenance["model_files"]) == {"toy.onnx"}


@pytest.mark.parametrize(
    ("photons", "others", "message"),
    [
        (PHOTONS, {}, "--energy is for new photons"),
        (PhotonChoice(), {"allow_extrapolation": True}, "is for trained models"),
        (PhotonChoice(), {"matching": "random"}, "--matching random needs --energy"),
        (PhotonChoice(), {"sub_voxels": "missing.root"}, "no such file"),
    ],
)
def test_arguments_that_do_not_fit_a_library_are_refused(library, photons, others, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        open_source(library, photons, seed=1, **others)
