"""CaloFast as ONNX files: the same contract as for pairs of models."""

import copy
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from calovox.cli import app
from calovox.export.fused.fast import FastGraph
from calovox.export.graphs import PlainGraph
from calovox.export.onnx_file import export_fused, export_plain
from calovox.export.pairs import WholeModel, pair_runs
from calovox.export.parity import FLOOR, measure_parity
from calovox.export.passes.fixed_shapes import fix_batch
from calovox.models.base import Conditions
from calovox.runtime import OnnxModel, load_models
from calovox.runtime.metadata import ModelMetadata
from calovox.training.runs.model import read_run, write_weights
from calovox.training.runs.record import RunRecord, grid_to_json, write_record
from calovox.voxelization import VoxelGrid
from calovox.voxelization.choice import choose_grid
from tests.export.test_onnx_file import FastCaloSimHandler, assert_finite, assert_same_in_any_batch
from tests.export.toy_runs import ENERGY_RANGE, ETA_RANGE, TOY_FILE, toy_grid, write_runs
from tests.models.fast.toy_fast import GRIDS, SIZES, normals, photons, toy_fast

NAME = "photon_eta_000_070"


def write_fast(path: Path, *, seed: int = 1, eta_range: tuple[float, float] = ETA_RANGE) -> Path:
    path.mkdir()
    write_weights(path, toy_fast(seed=seed))
    record = RunRecord(
        kind="fast",
        sizes=asdict(SIZES),
        grid=grid_to_json(toy_grid()),
        energy_range=ENERGY_RANGE,
        eta_range=eta_range,
        recipe={"seed": seed},
        data={"training": {"n_showers": 7, "files": [TOY_FILE]}},
        n_steps=1,
        step=1,
        metrics={"voxels": 0.5},
    )
    write_record(path, record)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fast(tmp_path_factory.mktemp("runs") / "fast")


@pytest.fixture(scope="module")
def folder(run: Path) -> Path:
    folder = run.parent / "photons"
    result = CliRunner().invoke(app, ["export", str(run), "-o", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


@pytest.mark.parametrize("name", GRIDS)
@torch.no_grad()
def test_the_graph_gives_the_showers_of_the_model(name: str) -> None:
    model = toy_fast(GRIDS[name])
    energy, eta = photons(300)
    given = (10.0 * eta, energy, *(normals(300, n, seed=n) for n in model.noise_parts))
    found = FastGraph(model)(*given)
    expected = PlainGraph(copy.deepcopy(model).double())(*(x.double() for x in given))
    larger = torch.maximum(found.double(), expected)
    compared = larger > FLOOR * energy
    difference = ((found.double() - expected).abs() / larger)[compared]
    assert difference.quantile(0.999) < 1e-3


@torch.no_grad()
def test_photons_that_cannot_be_give_finite_showers() -> None:
    model = toy_fast()
    energy = torch.tensor([[0.0], [-1.0], [torch.inf], [1e38]])
    eta = torch.tensor([[torch.inf], [-5.0], [1e38], [0.0]])
    noise = [normals(4, n) for n in model.noise_parts]
    assert FastGraph(model)(eta, energy, *noise).isfinite().all()


def test_inputs_are_those_of_fastcalosim(folder: Path, tmp_path: Path) -> None:
    fix_batch(folder / f"{NAME}.onnx", tmp_path / "fixed.onnx")
    handler = FastCaloSimHandler(tmp_path / "fixed.onnx")
    assert handler.types == {"tensor(float)"}
    sizes = {"inn_eta_in": 1, "inn_einc_in": 1, "inn_z_energy": 5, "cfm_z_shape": 30}
    assert handler.shapes == {k: [1, n] for k, n in sizes.items()} | {"voxels": [1, 30]}


def test_showers_are_those_of_torch_in_any_batch_and_finite(folder: Path, run: Path) -> None:
    (model,) = pair_runs([read_run(run)])
    exported = OnnxModel(folder / f"{NAME}.onnx")
    assert isinstance(model, WholeModel)
    assert exported.noise_shape == (5 + 30,)
    assert measure_parity(exported, model.sampler(), 1000, seed=2).quantile_999 < 1e-3
    assert_same_in_any_batch(exported, 40)
    assert_finite(exported, 2000)


def test_few_nodes_are_left(tmp_path: Path) -> None:
    """At batch 1 the number of nodes is the time."""
    import onnx

    export_fused(toy_fast(), tmp_path / "a.onnx", metadata(toy_grid()))
    assert len(onnx.load(tmp_path / "a.onnx").graph.node) < 90


def metadata(grid: VoxelGrid) -> dict[str, str]:
    return ModelMetadata(grid, ENERGY_RANGE, (0.0, 0.9)).to_texts()


@pytest.mark.parametrize(
    "grid", [toy_grid(), choose_grid("compact"), GRIDS["other layers"]], ids=repr
)
def test_plain_and_fused_files_give_the_same_showers(grid: VoxelGrid, tmp_path: Path) -> None:
    model = toy_fast(grid)
    found = []
    for export in (export_fused, export_plain):
        path = tmp_path / f"{export.__name__}.onnx"
        export(model, path, metadata(grid))
        exported = OnnxModel(path)
        assert exported.grid == grid
        noise = np.asarray(normals(30, *exported.noise_shape))
        energy = 256.0 * 2.0 ** np.linspace(0.0, 11.0, 30)
        found.append(exported.sample(Conditions(energy, np.linspace(0.0, 0.9, 30)), noise))
    np.testing.assert_allclose(found[0], found[1], rtol=2e-3, atol=1e-5)


def test_card_and_info_name_the_model(folder: Path) -> None:
    card = (folder / "MODEL_CARD.md").read_text()
    assert "### Energies of the layers and voxels together: CaloFast(30 voxels, " in card
    (model,) = json.loads((folder / "model.json").read_text())["models"]
    assert model["showers"]["kind"] == "fast"
    result = CliRunner().invoke(app, ["info", str(folder)])
    assert "CaloFast(30 voxels" in result.stdout


def test_a_folder_is_simulated_as_others(folder: Path, tmp_path: Path) -> None:
    assert load_models(folder).noise_shape == (35,)
    words = ["simulate", "--model", folder, "-n", 3, "--energy", "1GeV", "--eta", "0.1"]
    result = CliRunner().invoke(app, [*map(str, words), "-o", str(tmp_path / "a.h5")])
    assert result.exit_code == 0, result.output


def test_a_copy_gives_the_same_showers(folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export", str(folder), "-o", str(tmp_path / "copy")])
    assert result.exit_code == 0, result.output
    noise = np.asarray(normals(20, 35))
    given = Conditions(np.full(20, 1e4), np.linspace(0.0, 0.6, 20))
    one, other = (
        OnnxModel(place / f"{NAME}.onnx").sample(given, noise)
        for place in (folder, tmp_path / "copy")
    )
    np.testing.assert_array_equal(one, other)


def test_half_weights_are_as_good_as_said(run: Path, tmp_path: Path) -> None:
    words = ["export", run, "--half-weights", "--no-fastcalosim", "-o", tmp_path / "half"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    (model,) = json.loads((tmp_path / "half" / "model.json").read_text())["models"]
    assert model["parity"]["quantile_999"] < 1e-2


def test_it_shares_its_range_with_no_other_model(run: Path, tmp_path: Path) -> None:
    fast = read_run(run)
    inn, cfm = (read_run(path) for path in write_runs(tmp_path))
    for others in ([inn], [inn, cfm], [fast]):
        with pytest.raises(ValueError, match=r"a GAN or a CaloFast alone for \|eta\| from 0 to 0"):
            pair_runs([fast, *others])
    above = replace(fast, eta_range=(0.7, 1.35))
    assert [type(model).__name__ for model in pair_runs([above, inn, cfm])] == [
        "ModelPair",
        "WholeModel",
    ]
