"""`calovox train parametric`, and what can be done with its file."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from calovox.benchmarking import costs
from calovox.dataset import DatasetReader
from calovox.hits.file import HitsReader, HitsWriter
from calovox.models.parametric.file import read_parametric
from calovox.phi_modulation import PhiModulation
from calovox.phi_modulation.curve_file import write_curve
from tests.cli.commands.test_chain import fail, succeed
from tests.models.toy_parametric import ENERGY, spread_showers

PHOTONS = ("--energy", f"{ENERGY}MeV", "--eta", "abs:0.2:0.25", "-n", 6)
TRAIN = ("train", "parametric", "a.h5", "b.h5", "--eta", "0.2:0.25")
SIMULATE = ("simulate", "--model", "model.h5", "--seed", 7)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Two hits files with a phi modulation, a curve, and a fit."""
    folder = tmp_path_factory.mktemp("fitted")
    hits = spread_showers(60)
    for name, part in (("a.h5", hits[:25]), ("b.h5", hits[25:])):
        state = {"state": "present"}
        with HitsWriter(folder / name, provenance={}, phi_modulation=state) as writer:
            writer.append(part)
    write_curve(
        folder / "curve.h5",
        PhiModulation.from_function(lambda layer, phi: 1.0 + 0.1 * np.cos(1024 * phi)),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        succeed(*TRAIN, "-o", "model.h5")
    return folder


@pytest.fixture
def folder(fitted, tmp_path, monkeypatch):
    """A copy of them, to work in."""
    shutil.copytree(fitted, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_hits_files_become_a_model(folder):
    model = read_parametric(Path("model.h5"))
    assert model.n_showers.tolist() == [[60]]
    assert model.provenance["settings"]["hits"] == ["a.h5", "b.h5"]
    text = succeed("info", "model.h5").stdout
    assert "parametrisation (FastCaloSimV2)" in text
    assert ["phi", "modulation", "present"] in [line.split() for line in text.splitlines()]
    preview = succeed(*TRAIN, "--energy", "4GeV:5GeV", "--dry-run", "-o", "other.h5").stdout
    assert "would read a.h5, b.h5" in preview
    assert not Path("other.h5").exists()


def test_photons_become_hits_voxels_and_cells(folder):
    succeed(*SIMULATE, *PHOTONS, "--cells", "--hits", "hits.h5", "-o", "new.h5")
    reader = DatasetReader(Path("new.h5"))
    voxels, cells = reader.read(), reader.cells()
    hits = HitsReader(Path("hits.h5")).read()
    total = np.add.reduceat(hits.energy, hits.event_offsets[:-1]) / hits.photons.energy
    kept = voxels.total_fraction + voxels.dropped_fraction
    np.testing.assert_allclose(kept, total, rtol=1e-5)
    expected = hits.energy.sum(dtype=float)
    assert cells.energy.sum(dtype=float) + cells.outside.sum() == pytest.approx(expected, rel=1e-5)
    assert not voxels.extrapolated.any()
    assert set(reader.provenance["model_files"]) == {"model.h5"}
    assert reader.provenance["phi_modulation"]["state"] == "present"
    succeed("reconstruct", "new.h5", "-o", "shapes.parquet")


def test_photons_outside_the_fitted_range_are_refused_or_flagged(folder):
    photons = ("--energy", "10GeV", "--eta", "0.22", "-n", 2)
    expected = r"4096 to 4096 MeV at \|eta\| 0\.2 to 0\.25.*--allow-extrapolation"
    fail(*SIMULATE, *photons, "-o", "new.h5", match=expected)
    result = succeed(*SIMULATE, *photons, "--allow-extrapolation", "-o", "new.h5")
    assert "2 extrapolated" in result.stdout
    assert DatasetReader(Path("new.h5")).read().extrapolated.all()


def test_the_modulation_is_put_in_only_where_it_was_removed(folder):
    curve = ("--phi-modulation", "curve.h5")
    fail(*SIMULATE, *PHOTONS, *curve, "-o", "new.h5", match="present already")
    succeed(*TRAIN, *curve, "--force", "-o", "model.h5")
    assert read_parametric(Path("model.h5")).phi_modulation == {"state": "removed"}
    succeed(*SIMULATE, *PHOTONS, "--hits", "without.h5", "-o", "new.h5")
    succeed(*SIMULATE, *PHOTONS, *curve, "--hits", "with.h5", "--force", "-o", "new.h5")
    without, modulated = HitsReader(Path("without.h5")), HitsReader(Path("with.h5"))
    assert (without.phi_modulation, modulated.phi_modulation) == (
        {"state": "removed"},
        {"state": "present"},
    )
    assert not np.array_equal(without.read().energy, modulated.read().energy)
    fail(*TRAIN, *curve, "--eta", "0.2:0.22", "-o", "x.h5", match=r"multiples of 0\.05")


def test_options_for_voxels_are_refused(folder):
    simulate = (*SIMULATE, *PHOTONS, "-o", "new.h5")
    fail(*simulate, "--e-hit", "4MeV", match=r"--e-hit is for models of voxels, and model\.h5")
    fail(*simulate, "--sub-voxels", "none", match="--sub-voxels is for models of voxels")
    fail(*simulate, "--matching", "nearest", match="--matching is for libraries")


def test_its_cost_is_measured_to_hits_and_to_cells(folder, monkeypatch):
    monkeypatch.setattr(costs, "BATCHES", (2, 4))
    photon = ("--energy", f"{ENERGY}MeV", "--eta", "0.22", "--rounds", "1")
    succeed("benchmark", "model.h5", *photon, "-o", "benchmark.json")
    cost = json.loads(Path("benchmark.json").read_text())["models"]["model.h5"]
    assert cost["n_parameters"] == read_parametric(Path("model.h5")).n_parameters
    (times,) = cost["times"].values()
    assert 0.0 < times["single"]["p50"] < times["chain"]["p50"]
    assert cost["memory"] > 0.0
    assert times["hits_per_shower"] > 50.0
