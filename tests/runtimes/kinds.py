"""Every kind of export with photons, noise and the showers of the runtime that we pin.

One folder per kind, that any language reads: `model.onnx`, `shapes.json`, and each input and the
result `voxels` as bare numbers in single precision.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from calovox.export.onnx_file import export_fused, export_plain
from calovox.export.passes.fixed_shapes import fix_batch
from calovox.export.passes.rounding import round_weights
from calovox.models.base import Conditions
from calovox.models.two_stage import TwoStageSampler, WholeSampler
from calovox.runtime import OnnxModel, load_models
from calovox.runtime.metadata import ModelMetadata
from calovox.runtime.onnx_model import INPUTS
from calovox.training.sizes.kinds import InnSizes
from calovox.training.sizes.shapes import CfmSizes, DitSizes
from calovox.voxelization import VoxelGrid
from tests.export.test_gan import toy_gan
from tests.export.toy_runs import ENERGY_RANGE, ShapeSizes, build, toy_dit, toy_grid, toy_student
from tests.models.fast.toy_fast import toy_fast

SHIPPED = ("calocfm", "calodit_teacher", "calodit", "fastcalogan")
N_EVENTS = 20
_INN = InnSizes(n_blocks=4, width=16)
_CFM = CfmSizes(width=32, path="line", solver="euler", solver_steps=2)
_DIT = toy_dit(path="arc", solver="euler")
_REGULAR = DitSizes(width=24, heads=2, blocks=1, conditions="maxima", voxels="note")


def write_kinds(folder: Path) -> list[str]:
    """Write all kinds, and return their names."""
    names = []
    for name, write in _kinds():
        path = folder / name
        path.mkdir(parents=True)
        write(path / "model.onnx")
        _write_showers(path)
        names.append(name)
    return names


def _kinds() -> Iterator[tuple[str, Callable[[Path], object]]]:
    grid = toy_grid()
    cfm, dit = _sampler(grid, _CFM), _sampler(grid, _DIT)
    yield "default", _export(cfm, grid)
    yield "fixed", _export(cfm, grid, fixed=True)
    yield "half_weights", _export(round_weights(cfm), grid)
    yield "plain_cfm", _export(cfm, grid, export_plain)
    yield "plain_dit", _export(dit, grid, export_plain)
    yield "dit", _export(dit, grid)
    yield "two_evaluations", _export(_sampler(grid, toy_student(_DIT, evaluations=2)), grid)
    regular = VoxelGrid.regular()
    student = _sampler(regular, toy_student(_REGULAR, evaluations=1))
    yield "regular_grid", _export(student, regular)
    yield "gan", _export(toy_gan(1).eval(), grid)
    yield "fast", _export(toy_fast(grid), grid)
    for shipped in SHIPPED:
        for model in load_models(shipped).models:
            content = model.path.read_bytes()
            name = f"{shipped}_{model.path.stem.removeprefix('photon_')}"
            yield name, lambda path, content=content: path.write_bytes(content)


def _sampler(grid: VoxelGrid, sizes: ShapeSizes) -> TwoStageSampler:
    return TwoStageSampler(*build(grid, _INN, sizes)).eval()


def _export(
    sampler: WholeSampler,
    grid: VoxelGrid,
    write: Callable[..., None] = export_fused,
    *,
    fixed: bool = False,
) -> Callable[[Path], None]:
    def export(path: Path) -> None:
        write(sampler, path, ModelMetadata(grid, ENERGY_RANGE, (0.0, 0.7)).to_texts())
        if fixed:
            fix_batch(path, path)

    return export


def _write_showers(folder: Path) -> None:
    model = OnnxModel(folder / "model.onnx")
    rng = np.random.default_rng(1)
    energy = np.exp(rng.uniform(*np.log(model.energy_range), N_EVENTS)).astype(np.float32)
    eta = rng.uniform(*model.eta_range, N_EVENTS).astype(np.float32)
    noise = rng.standard_normal((N_EVENTS, *model.noise_shape), dtype=np.float32)
    n_layers = model.noise_shape[0] - model.n_shape_noise
    voxels = model.sample(Conditions(energy, eta), noise) * energy[:, None]
    columns = (10.0 * eta[:, None], energy[:, None], noise[:, :n_layers], noise[:, n_layers:])
    arrays = dict(zip(INPUTS, columns, strict=True)) | {"voxels": voxels}
    for name, values in arrays.items():
        values.astype(np.float32).tofile(folder / f"{name}.bin")
    shapes = {name: values.shape for name, values in arrays.items()}
    (folder / "shapes.json").write_text(json.dumps(shapes))
