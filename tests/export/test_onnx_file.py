"""The ONNX files: what FastCaloSim finds in them, and the showers they give."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from calovox.dataset.keys import LEAST_FRACTION
from calovox.export.onnx_file import export_fused, export_plain
from calovox.export.pairs import pair_runs
from calovox.export.parity import measure_parity
from calovox.export.passes.fixed_shapes import fix_batch
from calovox.models.base import Conditions
from calovox.models.two_stage import TwoStageSampler
from calovox.nn.spline import MIN_SLOPE
from calovox.preprocessing.conditions import ETA_FACTOR, SPREAD
from calovox.runtime import OnnxModel
from calovox.runtime.metadata import ModelMetadata
from calovox.runtime.onnx_runtime import onnxruntime
from calovox.training.runs.model import read_run
from calovox.training.sizes.kinds import InnSizes
from calovox.training.sizes.shapes import CfmSizes
from calovox.voxelization import VoxelGrid
from tests.export.fused.test_fused import toy_sampler
from tests.export.toy_runs import ENERGY_RANGE, build, toy_grid

N_VOXELS = toy_grid().n_voxels
NAME = "photon_eta_000_070"


class FastCaloSimHandler:
    """Loads a model as TFCSONNXHandler does: from a blob, on one thread, symbolic sizes as 1."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(path.read_bytes(), options, providers)
        tensors = [*self.session.get_inputs(), *self.session.get_outputs()]
        self.types = {tensor.type for tensor in tensors}
        self.shapes = {
            tensor.name: [size if isinstance(size, int) else 1 for size in tensor.shape]
            for tensor in tensors
        }

    def run(self, **values: list[float]) -> np.ndarray:
        feeds = {
            name: np.asarray(data, dtype=np.float32).reshape(self.shapes[name])
            for name, data in values.items()
        }
        (voxels,) = self.session.run(None, feeds)
        return np.asarray(voxels)


def test_fastcalosim_finds_its_inputs_and_one_output(fixed: Path) -> None:
    handler = FastCaloSimHandler(fixed)
    assert handler.types == {"tensor(float)"}
    (output,) = handler.session.get_outputs()
    assert handler.shapes == {
        "inn_eta_in": [1, 1],
        "inn_einc_in": [1, 1],
        "inn_z_energy": [1, 5],
        "cfm_z_shape": [1, N_VOXELS],
        output.name: [1, N_VOXELS],
    }
    assert all(isinstance(size, int) for size in output.shape)


def test_fastcalosim_draws_the_shower_of_our_runtime(exported: Path, fixed: Path) -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(5 + N_VOXELS).astype(np.float32)
    handler = FastCaloSimHandler(fixed)
    found = handler.run(
        inn_eta_in=[4.0], inn_einc_in=[65536.0], inn_z_energy=noise[:5], cfm_z_shape=noise[5:]
    )
    model = OnnxModel(exported / f"{NAME}.onnx")
    expected = model.sample(Conditions(np.array([65536.0]), np.array([-0.4])), noise[None])
    np.testing.assert_array_equal(found / np.float32(65536.0), expected)


def test_weights_and_metadata_are_in_the_file(exported: Path, fixed: Path, tmp_path: Path) -> None:
    for path in (exported / f"{NAME}.onnx", fixed):
        (tmp_path / path.name).write_bytes(path.read_bytes())
        model = OnnxModel(tmp_path / path.name)
        assert model.grid == toy_grid()
        assert model.energy_range == ENERGY_RANGE
        assert model.eta_range == (0.0, 0.7)
        assert model.card["energies"]["metrics"] == {"loss": 0.5}
        graph = onnx.load(tmp_path / path.name).graph
        assert {tensor.data_location for tensor in graph.initializer} == {0}


def test_exported_showers_are_those_of_torch(exported: Path, runs: list[Path]) -> None:
    (pair,) = pair_runs([read_run(path) for path in runs])
    model = OnnxModel(exported / f"{NAME}.onnx")
    parity = measure_parity(model, pair.sampler(), 3000, seed=2)
    assert parity.largest < 1e-4


def test_voxels_below_the_least_fraction_are_0(exported: Path) -> None:
    """FastCaloSim divides by 0 where a layer's first voxel above 0 has 1.19e-7 or less."""
    model = OnnxModel(exported / f"{NAME}.onnx")
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((2000, *model.noise_shape), dtype=np.float32)
    energy = 256.0 * 2.0 ** rng.uniform(0.0, 11.0, 2000)
    shares = model.sample(Conditions(energy, np.full(2000, 0.3)), noise)
    assert shares[shares > 0.0].min() > LEAST_FRACTION * (1.0 - 1e-6)  # divided by the energy


def test_showers_do_not_depend_on_their_batch(exported: Path) -> None:
    model = OnnxModel(exported / f"{NAME}.onnx")
    assert_same_in_any_batch(model, 100)


def assert_same_in_any_batch(model: OnnxModel, n_events: int) -> None:
    rng = np.random.default_rng(8)
    energy = 256.0 * 2.0 ** rng.uniform(0.0, 11.0, n_events)
    eta = rng.uniform(-0.7, 0.7, n_events)
    noise = rng.standard_normal((n_events, *model.noise_shape), dtype=np.float32)
    together = model.sample(Conditions(energy, eta), noise)
    for size in (1, 2, 3, 7, 16):
        for start in range(0, n_events, size):
            part = slice(start, start + size)
            alone = model.sample(Conditions(energy[part], eta[part]), noise[part])
            np.testing.assert_array_equal(alone, together[part])


def test_exported_showers_are_finite_far_outside_the_trained_range(exported: Path) -> None:
    assert_finite(OnnxModel(exported / f"{NAME}.onnx"), 20_000)


def assert_finite(model: OnnxModel, n_showers: int, *, seed: int = 5) -> None:
    rng = np.random.default_rng(seed)
    for start in range(0, n_showers, 10_000):
        n_events = min(10_000, n_showers - start)
        energy = 10.0 ** rng.uniform(-2.0, 12.0, n_events)
        eta = rng.uniform(-1.0, 1.0, n_events) * 10.0 ** rng.integers(0, 3, n_events)
        noise = rng.standard_normal((n_events, *model.noise_shape), dtype=np.float32)
        noise *= rng.choice(np.float32([1.0, 1.0, 3.0, 10.0]), (n_events, 1))
        voxels = model.sample(Conditions(energy, eta), noise)
        assert ((voxels >= 0.0) & (voxels < np.inf)).all()


@pytest.mark.slow
def test_plain_export_gives_the_same_showers(tmp_path: Path) -> None:
    sampler = toy_sampler(solver="euler")
    metadata = ModelMetadata(toy_grid(), ENERGY_RANGE, (0.0, 0.7)).to_texts()
    export_plain(sampler, tmp_path / "plain.onnx", metadata)
    parity = measure_parity(OnnxModel(tmp_path / "plain.onnx"), sampler, 500, seed=2)
    assert parity.largest < 1e-3


@pytest.fixture(scope="module")
def fixed(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the toy model with the fixed shapes that FastCaloSim loads."""
    path = tmp_path_factory.mktemp("fixed") / f"{NAME}_fcs.onnx"
    fix_batch(exported / f"{NAME}.onnx", path)
    return path


@pytest.fixture(scope="module")
def note_sampler() -> TwoStageSampler:
    """Give models of the note's sizes with random weights."""
    return TwoStageSampler(*build(VoxelGrid.optimal(), InnSizes(), CfmSizes())).eval()


@pytest.fixture(scope="module")
def note_model(note_sampler: TwoStageSampler, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("note") / "note.onnx"
    metadata = ModelMetadata(VoxelGrid.optimal(), ENERGY_RANGE, (0.0, 0.7)).to_texts()
    export_fused(note_sampler, path, metadata)
    return path


@pytest.mark.slow
def test_note_model_gives_the_showers_of_torch(
    note_sampler: TwoStageSampler, note_model: Path
) -> None:
    parity = measure_parity(OnnxModel(note_model), note_sampler, 10_000, seed=3)
    assert parity.largest < 1e-4
    assert_same_in_any_batch(OnnxModel(note_model), 60)


@pytest.mark.slow
def test_note_model_gives_finite_showers_as_fastcalosim_runs_it(
    note_model: Path, tmp_path: Path
) -> None:
    fix_batch(note_model, tmp_path / "fixed.onnx")
    assert_finite(OnnxModel(tmp_path / "fixed.onnx"), 5000)
    assert_finite(OnnxModel(note_model), 20_000)


@pytest.mark.slow
def test_a_million_showers_are_finite(tmp_path: Path) -> None:
    sampler = toy_sampler(gain=3.0)
    metadata = ModelMetadata(toy_grid(), ENERGY_RANGE, (0.0, 0.7)).to_texts()
    export_fused(sampler, tmp_path / "wild.onnx", metadata)
    assert_finite(OnnxModel(tmp_path / "wild.onnx"), 1_000_000)


def test_numbers_of_the_double_precision_part_are_not_rounded(exported: Path) -> None:
    """14 steep splines enlarge a rounding of 1e-7 to more than 1e-3 of a layer's energy."""
    graph = onnx.load(exported / f"{NAME}.onnx").graph
    numbers = {
        float(value)
        for tensor in graph.initializer
        if len(tensor.dims) < 2
        for value in onnx.numpy_helper.to_array(tensor).ravel()
    }
    edges = (ETA_FACTOR * edge for interval in SPREAD for edge in interval)
    assert numbers.issuperset([MIN_SLOPE, *filter(None, edges)])
