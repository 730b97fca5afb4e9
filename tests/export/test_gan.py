"""GANs as ONNX files, one per slice of |eta|: the same contract as for pairs of models."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from calovox.cli import app
from calovox.export.pairs import pair_runs
from calovox.export.parity import measure_parity
from calovox.export.passes.fixed_shapes import fix_batch
from calovox.models.gan import CaloGAN
from calovox.preprocessing import RootShareTransform, Standardization
from calovox.runtime import OnnxModel, load_models
from calovox.training.runs.model import TrainedModel, read_run, write_weights
from calovox.training.runs.record import RunRecord, grid_to_json, write_record
from calovox.training.sizes.gan import GanSizes
from tests.export.test_onnx_file import FastCaloSimHandler, assert_finite, assert_same_in_any_batch
from tests.export.toy_runs import ENERGY_RANGE, TOY_FILE, toy_grid

SIZES = GanSizes(latent=20, widths=(16, 24))
SLICES = ((0.0, 0.05), (0.2, 0.25))
NAMES = ("photon_eta_000_005", "photon_eta_020_025")


def toy_gan(seed: int) -> CaloGAN:
    """Give a GAN of random weights the transforms of photon showers."""
    sizes = toy_grid().layer_sizes
    n_nodes = len(RootShareTransform.unfitted(sizes).nodes)
    points = RootShareTransform(
        sizes,
        torch.linspace(5.5, 13.2, n_nodes),
        torch.linspace(0.8, 1.0, n_nodes),
        torch.linspace(0.2, 0.01, n_nodes),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return SIZES.model(Standardization(torch.tensor([9.0]), torch.tensor([2.0])), points)


def write_gan(path: Path, eta_range: tuple[float, float], *, seed: int) -> Path:
    path.mkdir()
    write_weights(path, toy_gan(seed))
    record = RunRecord(
        kind="gan",
        sizes=asdict(SIZES),
        grid=grid_to_json(toy_grid()),
        energy_range=ENERGY_RANGE,
        eta_range=eta_range,
        recipe={"seed": seed},
        data={"training": {"n_showers": 7, "files": [TOY_FILE]}},
        n_steps=1,
        step=1,
        metrics={"chi2": 1.5, "chosen_step": 1.0},
    )
    write_record(path, record)
    return path


@pytest.fixture(scope="module")
def gans(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("gans")
    return [
        write_gan(folder / f"gan_{k}", eta_range, seed=k) for k, eta_range in enumerate(SLICES)
    ]


@pytest.fixture(scope="module")
def folder(gans: list[Path]) -> Path:
    folder = gans[0].parent / "photons"
    result = CliRunner().invoke(app, ["export", *map(str, reversed(gans)), "-o", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def trained(gans: list[Path]) -> list[TrainedModel]:
    return [read_run(path) for path in gans]


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_those_of_fastcalosim(folder: Path, name: str, tmp_path: Path) -> None:
    fix_batch(folder / f"{name}.onnx", tmp_path / "fixed.onnx")
    handler = FastCaloSimHandler(tmp_path / "fixed.onnx")
    assert handler.types == {"tensor(float)"}
    sizes = {"inn_eta_in": 1, "inn_einc_in": 1, "inn_z_energy": 5, "cfm_z_shape": 30}
    assert handler.shapes == {k: [1, n] for k, n in sizes.items()} | {"voxels": [1, 30]}


def test_showers_are_those_of_torch_in_any_batch_and_finite(
    folder: Path, trained: list[TrainedModel]
) -> None:
    for model, name in zip(pair_runs(trained), NAMES, strict=True):
        exported = OnnxModel(folder / f"{name}.onnx")
        assert exported.noise_shape == (5 + 30,)
        assert measure_parity(exported, model.sampler(), 1000, seed=2).largest < 1e-3
        assert_same_in_any_batch(exported, 40)
        assert_finite(exported, 2000)


def test_each_slice_has_its_own_model_and_gaps_have_none(folder: Path) -> None:
    models = load_models(folder)
    energy, eta = np.full(5, 1e4), np.array([0.02, -0.22, 0.1, -0.19, 0.26])
    assert models.in_range(energy, eta).tolist() == [True, True, False, False, False]
    noise = np.random.default_rng(1).standard_normal((1, 35)).astype(np.float32)
    first, second = (models.sample(energy[:1], eta[k : k + 1], noise) for k in (0, 1))
    assert (first != second).any()
    words = ["simulate", "--model", folder, "-n", 2, "--energy", "1GeV", "--eta", "0.1"]
    result = CliRunner().invoke(app, [*map(str, words), "-o", str(folder.parent / "no.h5")])
    assert result.exit_code == 2
    assert "got 2 of 2 outside" in result.stderr


def test_card_and_info_name_the_slices_and_the_gap(folder: Path) -> None:
    card = (folder / "MODEL_CARD.md").read_text()
    assert "There is no model for |eta| from 0.05 to 0.2: photons there are refused." in card
    assert "### Energies of the layers and voxels together: CaloGAN(30 voxels, 20 latent" in card
    content = json.loads((folder / "model.json").read_text())
    assert [model["showers"]["kind"] for model in content["models"]] == ["gan", "gan"]
    result = CliRunner().invoke(app, ["info", str(folder)])
    assert "exported model" in result.stdout
    assert "0.2 <= |eta| < 0.25" in result.stdout
    assert "256 MeV to 524 GeV: CaloGAN(30 voxels" in result.stdout


def test_gans_that_do_not_go_together_are_refused(trained: list[TrainedModel]) -> None:
    with pytest.raises(
        ValueError, match=r"CaloFast alone for \|eta\| from 0 to 0.05, got gan, gan"
    ):
        pair_runs([trained[0], trained[0]])
    with pytest.raises(ValueError, match="overlap"):
        pair_runs([trained[0], replace(trained[1], eta_range=(0.04, 0.25))])
