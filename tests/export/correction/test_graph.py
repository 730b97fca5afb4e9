"""Exported models in torch: the same showers, and weights that can be put back."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from calovox.export.correction.graph import ExportedModel, put_weights
from calovox.runtime import OnnxModel
from calovox.runtime.onnx_model import INPUTS
from calovox.runtime.onnx_runtime import onnxruntime
from calovox.training.sizes.shapes import CfmSizes
from tests.cli.commands.test_chain import succeed
from tests.export.toy_runs import toy_dit, toy_student, write_runs

SHIPPED = Path(__file__).parents[3] / "src" / "calovox" / "shipped"
NAME = "photon_eta_000_070.onnx"
FILES = {
    "calodit": "photon_eta_000_070.onnx",
    "calodit_teacher": "photon_eta_070_135.onnx",
    "calocfm": "photon_eta_000_070.onnx",
    "calofast": "photon_eta_000_135.onnx",
}


def photons(n_events):
    rng = np.random.default_rng(2)
    energy = np.exp(rng.uniform(np.log(300.0), np.log(5e5), n_events)).astype(np.float32)
    return energy, rng.uniform(0.71, 1.3, n_events).astype(np.float32)


def run(path, model, feed):
    """Run a file: its voxels, and the energies that it draws for the layers."""
    file, drawn = onnx.load(path), model.shares[0 if model.two_stages else 1]
    value = onnx.helper.make_tensor_value_info(drawn, onnx.TensorProto.FLOAT, None)
    file.graph.output.append(value)
    session = onnxruntime.InferenceSession(file.SerializeToString())
    return session.run(None, dict(zip(INPUTS, feed, strict=True)))


@pytest.mark.parametrize("name", FILES)
def test_shipped_models_give_the_showers_of_the_runtime(name):
    path = SHIPPED / name / FILES[name]
    runtime, model = OnnxModel(path), ExportedModel(onnx.load(path))
    energy, eta = photons(64)
    eta = eta - 0.7 if runtime.eta_range[0] == 0.0 else eta
    noise = torch.randn(64, *runtime.noise_shape, generator=torch.Generator().manual_seed(3))
    noises = noise.split([len(runtime.grid.layer_sizes), model.n_noise], dim=1)
    feed = (10.0 * eta[:, None], energy[:, None], *(part.numpy() for part in noises))
    # no sums of voxels: a layer of next to nothing has none, but the network knows of it
    expected, layers = run(path, model, feed)
    given = model.given(*map(torch.from_numpy, (energy, eta, layers)), noises[1])
    with torch.no_grad():
        found = model.graph(given).numpy()
    assert np.abs(found - expected).sum() < 1e-5 * expected.sum()
    assert np.abs(found - expected).max() < 1e-4 * expected.max()


def test_only_the_networks_of_the_voxels_are_trained():
    """Tables, positions and what draws the energies of the layers stay."""
    for name, file in FILES.items():
        weights = ExportedModel(onnx.load(SHIPPED / name / file)).graph.weights
        fixed = ("inn.", "centroid.", "shapes.voxels.", "model.energies.", "model.photons.")
        assert not any(weight.startswith(fixed) for weight in weights)
        count = sum(
            ExportedModel(onnx.load(SHIPPED / name / file)).graph.start(w).numel() for w in weights
        )
        assert count > 200_000


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    runs = write_runs(folder, shapes=toy_student(toy_dit(), evaluations=1))
    succeed("export", *runs, "--half-weights", "-o", folder / "photons")
    return folder / "photons" / NAME


def test_weights_go_back_into_the_file(student, tmp_path):
    model = onnx.load(student)
    exported = ExportedModel(model, pace=0.5)
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for change in exported.graph.changes.values():
            change.normal_(std=0.1, generator=rng)
    put_weights(model, exported.graph.current())
    onnx.save(model, tmp_path / NAME)
    again = ExportedModel(onnx.load(tmp_path / NAME))
    for name, values in exported.graph.current().items():
        torch.testing.assert_close(again.graph.start(name), values, rtol=1e-3, atol=1e-6)
        assert not torch.equal(exported.graph.start(name), values)
    kinds = {t.name: t.data_type for t in onnx.load(student).graph.initializer}
    assert kinds == {t.name: t.data_type for t in model.graph.initializer}


def test_weights_of_another_model_are_refused(student):
    other = onnx.load(SHIPPED / "calodit" / NAME)
    weights = ExportedModel(other).graph.current()
    with pytest.raises(ValueError, match=r"--correction: expected the model that was corrected"):
        put_weights(onnx.load(student), weights)


def test_voxels_that_are_no_normal_scores_are_refused(tmp_path):
    runs = write_runs(tmp_path, shapes=CfmSizes(width=16, voxels="note", path="line"))
    succeed("export", *runs, "-o", tmp_path / "photons")
    with pytest.raises(ValueError, match="expected a model whose voxels are normal scores"):
        ExportedModel(onnx.load(tmp_path / "photons" / NAME))
