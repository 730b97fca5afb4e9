"""Contracts of models side by side in abs(eta), and of their folder."""

import json
from pathlib import Path

import numpy as np
import pytest

from calovox.runtime import ModelFileError, ModelSet, OnnxModel, load_models
from calovox.runtime.model_set import MODEL_FILE
from tests.toy_onnx import describe_toy_folder, write_toy_onnx

LOW, HIGH = "low.onnx", "high.onnx"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give two models, the upper one for higher energies, listed in the wrong order."""
    write_toy_onnx(tmp_path / LOW, eta_range=(0.0, 0.7), energy_range=(256.0, 1e5))
    write_toy_onnx(tmp_path / HIGH, eta_range=(0.7, 1.35), energy_range=(1e3, 1e6))
    (tmp_path / "sub.root").write_bytes(b"root")
    describe_toy_folder(tmp_path, [HIGH, LOW], sub_voxels="sub.root")
    return tmp_path


def test_models_stand_in_the_order_of_eta(folder: Path) -> None:
    models = load_models(folder)
    assert [model.path.name for model in models.models] == [LOW, HIGH]
    assert models.sub_voxels == folder / "sub.root"
    assert models.phi_modulation is None


def test_each_photon_has_the_model_of_its_eta(folder: Path) -> None:
    models = load_models(folder)
    eta = np.array([0.0, 0.69, -0.69, 0.7, -1.3, 5.0, -0.7])
    energy = np.full(7, 500.0)  # the upper model was not trained for it
    np.testing.assert_array_equal(
        models.in_range(energy, eta), [True, True, True, False, False, False, False]
    )
    energy = np.full(7, 5e5)
    np.testing.assert_array_equal(
        models.in_range(energy, eta), [False, False, False, True, True, False, True]
    )


def test_showers_are_those_of_the_single_models(folder: Path) -> None:
    models = load_models(folder)
    energy, eta = np.full(4, 5e4), np.array([0.2, 1.0, -0.2, -9.0])
    noise = np.random.default_rng(1).standard_normal((4, 387)).astype(np.float32)
    voxels = models.sample(energy, eta, noise)
    for row in range(4):
        one = slice(row, row + 1)
        np.testing.assert_array_equal(
            voxels[one], models.sample(energy[one], eta[one], noise[one])
        )


def test_photons_in_a_gap_have_the_nearer_model(tmp_path: Path) -> None:
    for name, eta_range in ((LOW, (0.0, 0.5)), (HIGH, (0.75, 1.25))):
        write_toy_onnx(tmp_path / name, eta_range=eta_range)
    models = ModelSet((OnnxModel(tmp_path / LOW), OnnxModel(tmp_path / HIGH)))
    eta = np.array([0.6, -0.6, 0.625, -0.7, 9.0])
    np.testing.assert_array_equal(models._index(eta), [0, 0, 1, 1, 1])
    assert not models.in_range(np.full(5, 1e4), eta).any()


def test_one_file_is_a_set_of_one(folder: Path) -> None:
    models = load_models(folder / LOW)
    assert [model.path for model in models.models] == [folder / LOW]
    assert models.sub_voxels is None


def test_unknown_names_are_refused() -> None:
    with pytest.raises(FileNotFoundError, match="nothing: no such file or folder, nor a model of"):
        load_models("nothing")


def test_models_that_do_not_go_together_are_refused(folder: Path) -> None:
    low = OnnxModel(folder / LOW)
    with pytest.raises(ValueError, match="do not overlap"):
        ModelSet((low, low))
    high = OnnxModel(folder / HIGH)
    high._n_shape_noise = 2 * 382
    with pytest.raises(ValueError, match=r"as much noise, got \(387,\) and \(769,\)"):
        ModelSet((low, high))
    with pytest.raises(ValueError, match="expected at least one model"):
        ModelSet(())


def test_folders_that_are_damaged_are_refused(folder: Path) -> None:
    with (folder / LOW).open("ab") as file:
        file.write(b"x")
    with pytest.raises(
        ModelFileError, match=r"low.onnx is not the file that model.json describes"
    ):
        load_models(folder)
    (folder / LOW).unlink()
    with pytest.raises(ModelFileError, match=r"low.onnx is missing"):
        load_models(folder)
    (folder / MODEL_FILE).write_text("{")
    with pytest.raises(ModelFileError, match=r"model.json is damaged"):
        load_models(folder)
    (folder / MODEL_FILE).write_text('{"format": "other"}')
    with pytest.raises(ModelFileError, match="does not describe a model of calovox"):
        load_models(folder)
    (folder / MODEL_FILE).unlink()
    with pytest.raises(ModelFileError, match="is no folder of calovox export"):
        load_models(folder)


@pytest.mark.parametrize(
    "name",
    [
        "../.bashrc",
        "/etc/passwd",
        "a/b.onnx",
        r"..\b",
        ".hidden",
        "",
        "a\x1b[2J",
        "c:x",
        MODEL_FILE,
    ],
)
@pytest.mark.parametrize("place", ["files", "file", "fastcalosim_file", "sub_voxels"])
def test_names_that_are_no_plain_names_are_refused(folder: Path, name: str, place: str) -> None:
    content = json.loads((folder / MODEL_FILE).read_text())
    if place == "files":
        content["files"][name] = "0"
    elif place == "sub_voxels":
        content[place] = name
    else:
        content["models"][0][place] = name
    (folder / MODEL_FILE).write_text(json.dumps(content))
    with pytest.raises(ModelFileError, match="expected names of files in its folder") as caught:
        load_models(folder)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("models", ["x", [1], [{}], {"file": LOW}])
def test_models_of_another_form_are_refused(folder: Path, models: object) -> None:
    content = json.loads((folder / MODEL_FILE).read_text()) | {"models": models}
    (folder / MODEL_FILE).write_text(json.dumps(content))
    with pytest.raises(ModelFileError, match=r"model.json is damaged: expected"):
        load_models(folder)
