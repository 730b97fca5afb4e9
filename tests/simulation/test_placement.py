"""How sources are placed: by patterns or as in the note."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovox.dataset import DatasetWriter
from calovox.patterns.file import write_patterns
from calovox.simulation import placement as room
from calovox.simulation.files import simulate_to_files
from calovox.simulation.photon_choice import PhotonChoice
from calovox.simulation.placement import place_source
from calovox.simulation.sources import open_source
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.patterns.showers import GRID, SHOWERS, toy_library


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "library.h5"
    with DatasetWriter(path, GRID, provenance={}) as writer:
        writer.append(hits_to_voxels(SHOWERS, GRID))
    return open_source(str(path), PhotonChoice(), seed=1)


@pytest.fixture
def patterns(tmp_path):
    write_patterns(tmp_path / "patterns.h5", toy_library())
    return tmp_path / "patterns.h5"


def test_showers_of_a_library_are_placed_by_the_package_s_patterns(source, monkeypatch):
    monkeypatch.setattr(room, "shipped_patterns", lambda grid: toy_library())
    assert place_source(source).patterns is not None
    assert place_source(source).provenance["patterns"] == "package"
    assert place_source(source, "note").patterns is None
    assert place_source(source, note_options={"--e-hit": "4MeV"}).patterns is None


def test_without_patterns_for_the_grid_the_note_s_placement_holds(source, monkeypatch):
    monkeypatch.setattr(room, "shipped_patterns", lambda grid: None)
    assert place_source(source).patterns is None
    with pytest.raises(ValueError, match=r"no patterns for the grid of .* make some with"):
        place_source(source, "patterns")


def test_exported_models_are_placed_as_in_the_note_unless_asked_for(source, monkeypatch):
    monkeypatch.setattr(room, "shipped_patterns", lambda grid: toy_library())
    exported = replace(source, is_ours=False)
    assert place_source(exported) is exported
    assert place_source(exported, "patterns").patterns is not None


def test_simulated_hits_lie_where_patterns_say(source, patterns, tmp_path):
    placed = place_source(source, patterns=patterns)
    made = simulate_to_files(placed, tmp_path / "out.h5", seed=1)
    assert made.placement.n_voxels == np.count_nonzero(hits_to_voxels(SHOWERS, GRID).energy)
    assert len(placed.provenance["patterns"]) == 64  # a hash


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"placement": "note"}, "--patterns is for --placement patterns"),
        ({"note_options": {"--e-hit": "4MeV"}}, "--e-hit is for --placement note"),
        ({"note_options": {"--sub-voxels": "a.root"}}, "--sub-voxels is for --placement note"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(source, patterns, arguments, message):
    with pytest.raises(ValueError, match=message):
        place_source(source, patterns=patterns, **arguments)


def test_patterns_of_another_grid_are_refused(source, tmp_path):
    write_patterns(tmp_path / "other.h5", toy_library(VoxelGrid.regular()))
    with pytest.raises(ValueError, match=r"got those of another one \(1680 voxels\)"):
        place_source(source, patterns=tmp_path / "other.h5")


def test_models_that_make_hits_take_no_placement(source):
    drawn = replace(source, showers=None, hits=iter(()), path=Path("fastcalosimv2"))
    with pytest.raises(ValueError, match="fastcalosimv2 makes hits: leave them out"):
        place_source(drawn, "note")
    assert place_source(drawn) is drawn
