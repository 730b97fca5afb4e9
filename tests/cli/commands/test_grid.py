"""The search for a grid from the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

from calovox.geometry import atlas_barrel
from calovox.grid_search import GridFiles, SearchSettings, find_grid
from calovox.hits import HitsWriter
from calovox.phi_modulation.bare_hits import BareHits
from calovox.scores.referee import TreeAreas
from calovox.voxelization import VoxelGrid
from tests.cli.commands.test_chain import call, fail, succeed
from tests.grid_search.searches import start_of
from tests.toy_showers import toy_showers


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with HitsWriter(Path("hits.h5"), provenance={}) as writer:
        writer.append(toy_showers(220, n_hits=60))
    Path("start.toml").write_text(start_of("barrel").to_toml())
    return tmp_path


SEARCH = "grid hits.h5 --start start.toml --voxels 30 -o small.toml"


def no_trees(reference, simulated, *, n_seeds):
    """Say 0.55 at once: the referee has tests of its own."""
    return TreeAreas(np.array([0.55]), np.array([0.02]), len(reference), len(simulated))


def test_a_grid_its_path_and_a_figure_are_written(folder, monkeypatch):
    monkeypatch.setattr("calovox.grid_search.search.classify_by_trees", no_trees)
    out = succeed(*f"{SEARCH} --compare start.toml".split())
    grid = VoxelGrid.from_toml(Path("small.toml"))
    assert grid.n_voxels <= 30
    assert f"small.toml: {grid.n_voxels} voxels" in out.stdout
    path = json.loads(Path("small.json").read_text())
    chosen = path["steps"][path["chosen"]]
    assert chosen["n_voxels"] == grid.n_voxels
    assert (chosen["auc"], chosen["auc_error"]) == (0.55, 0.02)
    assert path["showers"]["seen"] == path["showers"]["donors"] == 110
    found = [(other["name"], other["placement"]) for other in path["grids"]]
    assert found == [("start", "patterns"), ("start", "note"), ("small", "note")]
    assert Path("small.png").stat().st_size > 10_000
    assert Path("small.toml.config.toml").exists()
    assert not list(folder.glob("*.search.json"))
    fail(*SEARCH.split(), match="small.toml exists")


def test_a_search_that_was_stopped_goes_on_to_the_same_files(folder):
    quick = f"{SEARCH} --no-auc"
    succeed(*quick.split())
    names = ("small.toml", "small.json")
    whole = [Path(name).read_bytes() for name in names]
    for path in folder.glob("small.*"):
        path.unlink()

    def stop(path):
        if len(path.steps) == 9:
            raise KeyboardInterrupt

    hits, files = BareHits([Path("hits.h5")]), GridFiles(Path("small.toml"))
    settings = SearchSettings(voxels=30, auc=False)
    start = VoxelGrid.from_toml(Path("start.toml"))
    with pytest.raises(KeyboardInterrupt):
        find_grid(hits, files, atlas_barrel(), settings, start=start, on_step=stop)
    assert len(json.loads(files.checkpoint.read_text())["steps"]) == 9
    other = call(*f"{quick} --seed 2".split())
    assert other.exit_code == 2
    assert "search.json is of a search with other hits or settings" in other.stderr
    succeed(*quick.split())
    assert [Path(name).read_bytes() for name in names] == whole


def test_what_cannot_be_searched_is_one_line(folder):
    fail(*SEARCH.replace("small.toml", "small").split(), match="a name that ends in .toml")
    fail("grid", "start.toml", "-o", "a.toml", match="start.toml")
    fail(
        *f"{SEARCH} --compare none".split(),
        match="expected optimal, regular, compact or a TOML file",
    )
    with HitsWriter(Path("few.h5"), provenance={}) as writer:
        writer.append(toy_showers(99, n_hits=60))
    fail("grid", "few.h5", "-o", "a.toml", match="expected 100 showers or more, got 99")
    assert not list(folder.glob("a.*"))
