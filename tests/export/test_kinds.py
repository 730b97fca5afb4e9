"""Transformers and students as ONNX files: the same contract as for CaloCFM."""

import json
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from calovox.benchmarking import costs, measure_costs
from calovox.benchmarking.subjects import open_subject
from calovox.cli import app
from calovox.export.onnx_file import export_fused, export_plain
from calovox.export.pairs import pair_runs
from calovox.export.parity import measure_parity
from calovox.export.passes.fixed_shapes import fix_batch
from calovox.models.two_stage import TwoStageSampler
from calovox.runtime import ModelFileError, OnnxModel
from calovox.runtime.metadata import ModelMetadata
from calovox.training.runs.model import read_run
from calovox.training.sizes.kinds import InnSizes
from calovox.training.sizes.shapes import CfmSizes, DitSizes
from calovox.voxelization import VoxelGrid
from tests.export.test_onnx_file import FastCaloSimHandler, assert_finite, assert_same_in_any_batch
from tests.export.toy_runs import (
    ENERGY_RANGE,
    ShapeSizes,
    build,
    toy_dit,
    toy_student,
    write_runs,
)

SHAPES: dict[str, ShapeSizes] = {
    "dit": toy_dit(path="arc"),
    "student": toy_student(toy_dit(tokens="voxels", voxels="note"), evaluations=2),
    "student of cfm": toy_student(CfmSizes(width=32), evaluations=1),
}
INN = InnSizes(n_blocks=4, width=8)
N_NOISE = {"dit": 30, "student": 60, "student of cfm": 30}
NAME = "photon_eta_000_070"


@pytest.fixture(
    scope="module",
    params=["dit", "student", pytest.param("student of cfm", marks=pytest.mark.slow)],
)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def runs(kind: str, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_runs(tmp_path_factory.mktemp("runs"), inn=INN, shapes=SHAPES[kind])


@pytest.fixture(scope="module")
def folder(runs: list[Path]) -> Path:
    folder = runs[0].parent / "photons"
    result = CliRunner().invoke(app, ["export", *map(str, runs), "-o", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def test_inputs_are_those_of_fastcalosim(kind: str, folder: Path, tmp_path: Path) -> None:
    fix_batch(folder / f"{NAME}.onnx", tmp_path / "fixed.onnx")
    handler = FastCaloSimHandler(tmp_path / "fixed.onnx")
    assert handler.types == {"tensor(float)"}
    sizes = {"inn_eta_in": 1, "inn_einc_in": 1, "inn_z_energy": 5, "cfm_z_shape": N_NOISE[kind]}
    assert handler.shapes == {name: [1, n] for name, n in sizes.items()} | {"voxels": [1, 30]}


def test_showers_are_those_of_torch(folder: Path, runs: list[Path]) -> None:
    (pair,) = pair_runs([read_run(path) for path in runs])
    parity = measure_parity(OnnxModel(folder / f"{NAME}.onnx"), pair.sampler(), 1000, seed=2)
    assert parity.largest < 1e-4


def test_showers_do_not_depend_on_their_batch_and_are_finite(kind: str, folder: Path) -> None:
    model = OnnxModel(folder / f"{NAME}.onnx")
    assert model.noise_shape == (5 + N_NOISE[kind],)
    assert_same_in_any_batch(model, 40)
    assert_finite(model, 2000)


def test_card_names_the_kind(kind: str, folder: Path) -> None:
    (model,) = json.loads((folder / "model.json").read_text())["models"]
    assert model["shapes"]["kind"] == kind.split()[0]
    assert model["shapes"]["model"] in (folder / "MODEL_CARD.md").read_text()


def test_models_are_simulated_and_measured_as_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "BATCHES", (2, 4))
    toy = {"toy": open_subject(f"{folder}")}
    (cost,) = measure_costs(toy, energies=[65536.0], eta=0.2, rounds=1, passes=2).values()
    (times,) = cost.times.values()
    assert times.single.p50 > 0.0
    assert times.hits_per_shower > 0.0


def test_noise_that_is_no_multiple_of_the_voxels_is_refused(folder: Path, tmp_path: Path) -> None:
    model = onnx.load(folder / f"{NAME}.onnx")
    (noise,) = [tensor for tensor in model.graph.input if tensor.name == "cfm_z_shape"]
    noise.type.tensor_type.shape.dim[1].dim_param = "some"
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(ModelFileError, match=r"`cfm_z_shape` of a multiple of 30 numbers, got"):
        OnnxModel(tmp_path / "other.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("export", [export_fused, export_plain])
def test_patches_of_the_regular_grid_take_1680_numbers(
    export: Callable[..., None], tmp_path: Path
) -> None:
    grid = VoxelGrid.regular()
    dit = DitSizes(width=24, heads=2, blocks=1, conditions="maxima", voxels="note")
    inn, shapes = build(grid, INN, toy_student(dit, evaluations=1))
    sampler = TwoStageSampler(inn, shapes).eval()
    metadata = ModelMetadata(grid, ENERGY_RANGE, (0.0, 0.7)).to_texts()
    export(sampler, tmp_path / "regular.onnx", metadata)
    model = OnnxModel(tmp_path / "regular.onnx")
    assert model.noise_shape == (5 + 1680,)
    assert measure_parity(model, sampler, 50, seed=2).largest < 1e-3
