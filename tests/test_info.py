import pytest

from calovox.dataset import DatasetWriter
from calovox.files.formats import UnknownFormatError
from calovox.hits import HitsWriter
from calovox.info import describe_file
from calovox.voxelization import VoxelGrid, hits_to_voxels


def test_files_say_what_they_are(tmp_path, toy_hits):
    with HitsWriter(tmp_path / "hits.h5", provenance={"seed": 3}) as hits:
        hits.append(toy_hits)
    with DatasetWriter(tmp_path / "photons.h5", VoxelGrid.optimal(), provenance={}) as dataset:
        dataset.append(hits_to_voxels(toy_hits, VoxelGrid.optimal()))
    (tmp_path / "run.toml").write_text("seed = 1\n")
    of_hits = describe_file(tmp_path / "hits.h5")
    assert of_hits["made with seed"] == "3"
    assert describe_file(tmp_path / "photons.h5") != of_hits
    of_settings = describe_file(tmp_path / "run.toml")
    assert of_settings == {"format": "settings of a command", "seed": "1"}


def test_a_file_of_others_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(UnknownFormatError, match="is no file of calovox"):
        describe_file(tmp_path / "a.txt")
