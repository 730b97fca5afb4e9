"""Exported models that are copied as they are exported today."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from calovox.export.fastcalosim import why_not_fastcalosim
from calovox.export.renewal import renew_models
from calovox.files.whole import file_hash
from calovox.models.base import Conditions
from calovox.runtime import load_models
from calovox.voxelization import VoxelGrid
from tests.cli.commands.test_chain import fail, succeed
from tests.export.test_onnx_file import FastCaloSimHandler

SHIPPED = ("calocfm", "calodit_teacher", "calodit", "calofast")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_are_loaded_as_fastcalosim_does(name: str, tmp_path: Path) -> None:
    succeed("export", name, "-o", tmp_path / "photons")
    content = json.loads((tmp_path / "photons" / "model.json").read_text())
    model = content["models"][0]
    handler = FastCaloSimHandler(tmp_path / "photons" / model["fastcalosim_file"])
    assert handler.types == {"tensor(float)"}
    sizes = {"inn_eta_in": 1, "inn_einc_in": 1, "inn_z_energy": 5, "cfm_z_shape": 382}
    assert handler.shapes == {key: [1, n] for key, n in sizes.items()} | {"voxels": [1, 382]}

    models = load_models(name)
    noise = np.random.default_rng(1).standard_normal(5 + 382).astype(np.float32)
    found = handler.run(
        inn_eta_in=[0.25], inn_einc_in=[65536.0], inn_z_energy=noise[:5], cfm_z_shape=noise[5:]
    )
    photon = Conditions(np.array([65536.0]), np.array([0.025]))
    expected = models.models[0].sample(photon, noise[None])
    np.testing.assert_array_equal(found / np.float32(65536.0), expected)


def test_models_that_fastcalosim_cannot_run_get_no_file_for_it(tmp_path: Path) -> None:
    result = succeed("export", "fastcalogan", "-o", tmp_path / "gan")
    assert "0 files for FastCaloSim; FastCaloSim cannot run them: its layers have" in result.stdout
    assert not list((tmp_path / "gan").glob("*_fcs.onnx"))
    assert "FastCaloSim cannot run these" in (tmp_path / "gan" / "MODEL_CARD.md").read_text()


def test_fastcalosim_runs_one_layout_of_voxels_and_noise() -> None:
    assert why_not_fastcalosim(VoxelGrid.optimal(), 382) is None
    assert "this model takes 764" in str(why_not_fastcalosim(VoxelGrid.optimal(), 764))
    assert "those of this grid [0, " in str(why_not_fastcalosim(VoxelGrid.regular(), 1680))


def test_the_copy_has_all_files_and_their_hashes(exported: Path, tmp_path: Path) -> None:
    content = renew_models(exported, tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} >= set(content["files"])
    for name, digest in content["files"].items():
        assert file_hash(tmp_path / "copy" / name) == digest
    original = json.loads((exported / "model.json").read_text())
    rewritten_curves = {name for name in original["files"] if "layer" in name}
    for described in (content, original):
        for name in rewritten_curves:
            described["files"].pop(name)
    assert content == original  # nothing was to be done
    load_models(tmp_path / "copy")


def test_what_was_rewritten_is_said_with_its_hash(exported: Path, tmp_path: Path) -> None:
    shutil.copytree(exported, tmp_path / "old")
    path = tmp_path / "old" / "photon_eta_000_070.onnx"
    model = onnx.load(path)
    model.ir_version = 10
    onnx.save(model, path)
    rewrite(tmp_path / "old", lambda content: None)
    content = renew_models(tmp_path / "old", tmp_path / "new")
    assert content["rewritten"]["from"] == {path.name: file_hash(path)}
    card = (tmp_path / "new" / "MODEL_CARD.md").read_text()
    assert "rewrote the graphs for older runtimes" in card
    assert onnx.load(tmp_path / "new" / path.name).ir_version == 8


def test_models_that_name_no_runtime_are_copied_and_name_it(
    download: Path, tmp_path: Path
) -> None:
    rewrite(download, lambda content: content.pop("onnxruntime"))
    content = renew_models(download, tmp_path / "new")
    assert content["onnxruntime"].startswith(">=")


def test_what_belongs_to_runs_is_refused(exported: Path, tmp_path: Path) -> None:
    output = ("-o", tmp_path / "copy")
    fail("export", exported, "--half-weights", *output, match="--half-weights: expected run fold")
    fail("export", exported, "calodit", *output, match="expected run folders or one exported mode")
    fail("export", "caldit", *output, match="caldit: no such file or folder, nor a model")
    fail("export", "fastcalosimv2", *output, match="no run folder")
    assert not (tmp_path / "copy").exists()


@pytest.fixture
def download(exported: Path, tmp_path: Path) -> Path:
    """Give a copy of an exported model, to be changed."""
    return Path(shutil.copytree(exported, tmp_path / "download" / "model"))


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((folder / "model.json").read_text())
    for name in content["files"]:
        content["files"][name] = file_hash(folder / name)
    change(content)
    (folder / "model.json").write_text(json.dumps(content))


def test_nothing_outside_of_the_folder_is_written(download: Path, tmp_path: Path) -> None:
    (download.parent / "settings").write_text("theirs")
    (tmp_path / "settings").write_text("mine")
    digest = file_hash(download.parent / "settings")
    rewrite(download, lambda content: content["files"].update({"../settings": digest}))
    fail("export", download, "-o", tmp_path / "copy", match="got `../settings`")
    assert (tmp_path / "settings").read_text() == "mine"
    assert not (tmp_path / "copy").exists()


def test_models_with_numbers_elsewhere_are_not_copied(download: Path, tmp_path: Path) -> None:
    path = download / json.loads((download / "model.json").read_text())["models"][0]["file"]
    model = onnx.load(path)
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    path.write_bytes(model.SerializeToString())
    rewrite(download, lambda content: None)
    fail("export", download, "-o", tmp_path / "copy", match="has its numbers in another file")
    assert not (tmp_path / "copy").exists()


def test_damaged_models_are_one_line(download: Path, tmp_path: Path) -> None:
    output = ("-o", tmp_path / "copy")
    rewrite(download, lambda content: content["grid"].pop("name"))
    fail("export", download, *output, match="model.json is damaged: it lacks 'name'")
    path = download / json.loads((download / "model.json").read_text())["models"][0]["file"]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    fail("export", download, *output, match="is not the file that model.json describes")
    rewrite(download, lambda content: None)
    fail("export", download, *output, match="is no ONNX file, or a damaged one")
    assert not (tmp_path / "copy").exists()


def test_graphs_whose_shapes_cannot_be_inferred_are_one_line(
    download: Path, tmp_path: Path
) -> None:
    path = download / json.loads((download / "model.json").read_text())["models"][0]["file"]
    model = onnx.load(path)
    del model.opset_import[:]
    onnx.save(model, path)
    rewrite(download, lambda content: None)
    fail("export", download, "-o", tmp_path / "copy", match="is no ONNX file, or a damaged one")
    assert not (tmp_path / "copy").exists()
