"""The folder of an exported model."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from calovox.binned_shower import read_sub_voxels
from calovox.export.folder import export_models, write_boundaries
from calovox.export.pairs import pair_runs
from calovox.files.whole import file_hash
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.phi_modulation.curve_file import read_curve, read_curve_root
from calovox.runtime import load_models
from calovox.runtime.metadata import LOWEST_RUNTIME
from calovox.training.runs.model import WEIGHTS, TrainedModel, read_run
from calovox.voxelization import VoxelGrid
from tests.cli.commands.test_chain import fail
from tests.export.toy_runs import toy_dit, toy_grid, toy_student, write_runs


@pytest.fixture(scope="module")
def trained(runs: list[Path]) -> tuple[TrainedModel, TrainedModel]:
    energies, shapes = (read_run(path) for path in runs)
    return energies, shapes


def test_folder_holds_what_fastcalosim_and_we_need(exported: Path) -> None:
    curves = [f"phi_modulation_layer_{layer}_eta_0.00_2.50.root" for layer in (0, 1, 2, 3)]
    names = ["photon_eta_000_070.onnx", "voxels.h5", *curves]
    names += ["sub_voxels.root", "phi_modulation.h5", "model.json", "MODEL_CARD.md"]
    assert {path.name for path in exported.iterdir()} == set(names)
    assert read_sub_voxels(exported / "sub_voxels.root", toy_grid()).grid == toy_grid()
    assert read_curve(exported / "phi_modulation.h5").values.max() == 1.0
    assert (read_curve_root(exported / curves[0]) == 1.0).all()


def test_card_has_hashes_data_recipe_and_metrics(exported: Path) -> None:
    content = json.loads((exported / "model.json").read_text())
    for name, digest in content["files"].items():
        assert file_hash(exported / name) == digest
    (model,) = content["models"]
    assert model["energy_range"] == [256.0, 524288.0]
    assert model["energies"]["recipe"]["seed"] == 1
    (file,) = model["shapes"]["data"]["training"]["files"]
    assert file["name"] == "toy.h5"
    (provenance,) = content["provenances"]
    assert file["provenance"] == 0
    assert [made["seed"] for made in provenance["hits"][0]["files"]] == [201, 202]
    assert model["parity"]["largest"] < 1e-4
    assert content["onnxruntime"] == f">={LOWEST_RUNTIME}"
    assert content["no_fastcalosim"].startswith("its layers have voxels [0, 36, 200")
    text = (exported / "MODEL_CARD.md").read_text()
    for digest in content["files"].values():
        assert digest in text
    assert f"ONNX Runtime {LOWEST_RUNTIME} or newer" in text
    assert f"FastCaloSim cannot run these models: {content['no_fastcalosim']}." in text
    assert "## 0 <= |eta| < 0.7, 256 MeV to 524 GeV" in text


def test_boundaries_are_those_of_the_grid(tmp_path: Path) -> None:
    grid = VoxelGrid.optimal()
    write_boundaries(tmp_path / "voxels.h5", grid)
    with h5py.File(tmp_path / "voxels.h5") as file:
        assert len(file) == 4 * len(BARREL_NUMBERS)
        size = file["binsize_radius_layer_1"][()]
        np.testing.assert_allclose(file["binstart_radius_layer_1"][()], grid.r_min[36:200])
        np.testing.assert_allclose(size, (grid.r_max - grid.r_min)[36:200], rtol=1e-6)
        assert file["binstart_alpha_layer_12"].shape == (36,)


def test_loaded_models_know_their_side_files(exported: Path) -> None:
    models = load_models(exported)
    assert models.sub_voxels == exported / "sub_voxels.root"
    assert models.phi_modulation == exported / "phi_modulation.h5"
    assert models.grid == toy_grid()


def test_runs_are_paired_by_their_range(trained: tuple[TrainedModel, TrainedModel]) -> None:
    upper = [replace(run, eta_range=(0.7, 1.35)) for run in trained]
    pairs = pair_runs([upper[1], trained[0], upper[0], trained[1]])
    assert [pair.energies.eta_range for pair in pairs] == [(0.0, 0.7), (0.7, 1.35)]
    assert [pair.shapes.eta_range for pair in pairs] == [(0.0, 0.7), (0.7, 1.35)]


def test_kinds_may_differ_between_ranges_but_not_the_noise(
    trained: tuple[TrainedModel, TrainedModel],
) -> None:
    upper = [replace(run, eta_range=(0.7, 1.35)) for run in trained]
    dit = replace(upper[1], kind="dit", model=toy_dit().build(toy_grid()))
    pairs = pair_runs([*trained, upper[0], dit])
    assert [pair.shapes.kind for pair in pairs] == ["cfm", "dit"]
    student = toy_student(toy_dit(), evaluations=2).build(toy_grid())
    with pytest.raises(ValueError, match=r"as much noise, got 30 and 60 numbers"):
        pair_runs([*trained, upper[0], replace(upper[1], kind="student", model=student)])


def test_range_of_energies_is_the_common_one(trained: tuple[TrainedModel, TrainedModel]) -> None:
    energies, shapes = trained
    (pair,) = pair_runs([replace(energies, energy_range=(100.0, 1e5)), shapes])
    assert pair.metadata().energy_range == (256.0, 1e5)


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path) -> None:
    energies, shapes = write_runs(tmp_path)
    tensors = load_file(shapes / WEIGHTS)
    name = next(name for name, values in tensors.items() if values.ndim == 2)
    tensors[name][1, 1] = torch.nan
    save_file(tensors, shapes / WEIGHTS)
    words = ("export", energies, shapes, "-o", tmp_path / "photons")
    fail(*words, match=rf"cfm/weights.safetensors: expected finite weights, got nan in {name}: ")
    assert not (tmp_path / "photons").exists()


def test_runs_that_make_no_pairs_are_refused(trained: tuple[TrainedModel, TrainedModel]) -> None:
    energies, shapes = trained
    with pytest.raises(ValueError, match=r"run of shapes \(cfm, dit, student\) .* 0.7, got 0"):
        pair_runs([energies])
    with pytest.raises(ValueError, match=r"got 2: give an INN and one model of shapes"):
        pair_runs([*trained, replace(shapes, kind="dit")])
    with pytest.raises(ValueError, match=r"one run of energies \(inn\) .* got 2"):
        pair_runs([energies, energies, shapes])
    overlapping = [replace(run, eta_range=(0.5, 1.0)) for run in trained]
    with pytest.raises(ValueError, match="overlap"):
        pair_runs([*trained, *overlapping])
    with pytest.raises(ValueError, match="expected runs on one grid"):
        pair_runs([energies, replace(shapes, grid=VoxelGrid.optimal())])


def test_nothing_is_left_behind_by_an_error(
    trained: tuple[TrainedModel, TrainedModel], tmp_path: Path
) -> None:
    pairs = pair_runs(trained)
    (tmp_path / "other").mkdir()
    with pytest.raises(FileExistsError, match="is no exported model"):
        export_models(pairs, tmp_path / "other", overwrite=True)
    (tmp_path / "other").rmdir()
    broken = replace(trained[1], energy_range=(1e6, 2e6))  # no common range
    with pytest.raises(ValueError, match="expected a rising `energy_range`"):
        export_models(pair_runs([trained[0], broken]), tmp_path / "photons")
    assert list(tmp_path.iterdir()) == []
