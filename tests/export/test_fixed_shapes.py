"""Exported models that are copied for FastCaloSim."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.test_chain import fail, succeed

from calovox.export.fixed_shapes import export_fixed
from calovox.files.whole import file_hash
from calovox.models.base import Conditions
from calovox.runtime import load_models
from tests.export.test_onnx_file import FastCaloSimHandler

SHIPPED = ("calocfm", "calodit_teacher", "calodit", "fastcalogan")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_are_loaded_as_fastcalosim_does(name: str, tmp_path: Path) -> None:
    succeed("export", name, "-o", tmp_path / "photons")
    content = json.loads((tmp_path / "photons" / "model.json").read_text())
    model = content["models"][0]
    handler = FastCaloSimHandler(tmp_path / "photons" / model["fastcalosim_file"])
    assert handler.types == {"tensor(float)"}
    n_voxels = content["grid"]["voxels"]
    sizes = {name: shape[1] for name, shape in handler.shapes.items() if "_in" in name}
    assert sizes == {"inn_eta_in": 1, "inn_einc_in": 1}
    (output,) = handler.session.get_outputs()
    assert output.shape == [1, n_voxels]

    models = load_models(name)
    n_layers, n_shape = (handler.shapes[key][1] for key in ("inn_z_energy", "cfm_z_shape"))
    noise = np.random.default_rng(1).standard_normal(n_layers + n_shape).astype(np.float32)
    found = handler.run(
        inn_eta_in=[0.25],
        inn_einc_in=[65536.0],
        inn_z_energy=noise[:n_layers],
        cfm_z_shape=noise[n_layers:],
    )
    photon = Conditions(np.array([65536.0]), np.array([0.025]))
    expected = models.models[0].sample(photon, noise[None])
    np.testing.assert_array_equal(found / np.float32(65536.0), expected)


def test_the_copy_has_all_files_and_their_hashes(exported: Path, tmp_path: Path) -> None:
    content = export_fixed(exported, tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} >= set(content["files"])
    for name, digest in content["files"].items():
        assert file_hash(tmp_path / "copy" / name) == digest
    original = json.loads((exported / "model.json").read_text())
    assert content == original  # it had files for FastCaloSim already
    load_models(tmp_path / "copy")


def test_what_belongs_to_runs_is_refused(exported: Path, tmp_path: Path) -> None:
    output = ("-o", tmp_path / "copy")
    fail("export", exported, "--half-weights", *output, match="--half-weights: expected run fold")
    fail("export", exported, "calodit", *output, match="expected run folders or one exported mode")
    fail("export", "caldit", *output, match="caldit: no such file or folder, nor a model")
    fail("export", "fastcalosimv2", *output, match="no run folder")
    assert not (tmp_path / "copy").exists()
