"""What reduced precision of a shipped model costs and gives, and whether the referee notices.

Run from the repository: ``python -m bench.reduced_precision [MODEL]``; it takes half an hour. Each
variant of the model's first file draws showers of the photons of ``sample/photons_scan.h5`` in its
range of eta. Boosted trees compare its voxels with those of the shipped file, drawn with other
noise: two draws of the shipped file are the floor. They also compare both with Geant4. E_tot is
compared by chi2 in bins of equal numbers. A variant is accepted if neither the trees nor chi2 see
it, within two standard deviations, and if it is smaller or faster. Times are ratios to the shipped
file, in turns on one thread.

With ``--accelerator cuda``, the shipped file and its variants run on a GPU, and are compared with
what the shipped file draws on the CPU. There, large layers in float16 take the place of int8.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from scipy.stats import chi2 as chi2_distribution

from bench.timing import count, rounds, run
from calovox.arrays import Array, Float32
from calovox.dataset import DatasetReader
from calovox.export.passes.compact import compact
from calovox.export.passes.editing import Editing
from calovox.models.base import Conditions
from calovox.random_streams import Stream, event_keys, event_normals
from calovox.runtime import ModelSet, OnnxModel, load_models
from calovox.runtime.accelerators import Accelerator
from calovox.runtime.onnx_model import INPUTS
from calovox.scores.referee import ClassifierInputs, classify_by_trees, voxel_inputs
from calovox.scores.referee.kinds import THRESHOLD

BINS = 40
LEAST = 64
"""Neurons on both sides of a layer that is worth int8."""


class Sample(NamedTuple):
    """Showers of the same photons: voxels in MeV, and energies of the photons."""

    voxels: Float32[Array, "event voxel"]
    energy: Array
    abs_eta: Array

    def inputs(self) -> ClassifierInputs:
        return voxel_inputs(
            self.voxels,
            self.energy,
            np.arange(len(self.energy)),
            threshold=THRESHOLD,
            abs_eta=self.abs_eta,
        )


class Calibration(CalibrationDataReader):  # type: ignore[misc]
    """Photons and noise that int8 is calibrated with: none of the evaluation."""

    def __init__(self, model: OnnxModel) -> None:
        rng = np.random.default_rng(7)
        low, high = np.log(model.energy_range)
        sizes = (1, 1, 5, model.n_shape_noise)
        self._batches = []
        for _ in range(8):
            batch = [rng.normal(size=(64, size)).astype(np.float32) for size in sizes]
            batch[0] = rng.uniform(*model.eta_range, (64, 1)).astype(np.float32) * np.float32(10)
            batch[1] = np.exp(rng.uniform(low, high, (64, 1))).astype(np.float32)
            self._batches.append(dict(zip(INPUTS, batch, strict=True)))

    def get_next(self) -> dict[str, Array] | None:
        return self._batches.pop() if self._batches else None


def variants(
    model: OnnxModel, folder: Path, accelerator: Accelerator
) -> Iterator[tuple[str, Path]]:
    """Write all variants of a model that make sense on an accelerator."""
    for name, make in (
        ("all weights in float16", lambda graph: store(graph, TensorProto.FLOAT16)),
        ("all weights in bfloat16", lambda graph: store(graph, TensorProto.BFLOAT16)),
        ("splines of the flow in float32, too", narrow),
        *([("large layers in float16", halve_layers)] if accelerator == "cuda" else []),
    ):
        graph = onnx.load(model.path)
        make(graph)
        path = folder / f"{name}.onnx"
        onnx.save(graph, path)
        yield name, path
    if accelerator == "cpu":
        yield from in_int8(model, folder)


def in_int8(model: OnnxModel, folder: Path) -> Iterator[tuple[str, Path]]:
    """Write the variants with large layers in int8."""
    named, layers = folder / "named.onnx", write_named(model.path, folder / "named.onnx")
    options = {
        "weight_type": QuantType.QInt8,
        "nodes_to_quantize": layers,
        "op_types_to_quantize": ["MatMul", "Gemm"],
        "extra_options": {"MatMulConstBOnly": True},
    }
    quantize_dynamic(named, folder / "dynamic.onnx", **options)
    yield "large layers in int8, dynamic", _compacted(folder / "dynamic.onnx")
    quantize_static(named, folder / "static.onnx", Calibration(model), per_channel=True, **options)
    yield "large layers in int8, static", _compacted(folder / "static.onnx")


def _compacted(path: Path) -> Path:
    """Store in half precision again what the quantizer has widened."""
    graph = onnx.load(path)
    compact(graph)
    onnx.save(graph, path)
    return path


def store(graph: onnx.ModelProto, kind: int) -> None:
    """Round weights and widen them when the file is loaded."""
    editing = Editing(graph)
    editing.write()
    casts, tensors = [], []
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind != "f" or values.size < 512 or np.abs(values).max() > 6e4:
            tensors.append(tensor)
            continue
        narrow_kind = helper.tensor_dtype_to_np_dtype(kind)
        rounded = numpy_helper.from_array(
            values.astype(np.float32).astype(narrow_kind), f"{tensor.name}.stored"
        )
        tensors.append(rounded)
        casts.append(helper.make_node("Cast", [rounded.name], [tensor.name], to=tensor.data_type))
    _put(graph, casts, tensors)


def narrow(graph: onnx.ModelProto) -> None:
    """Let all that is in double precision compute in single precision."""
    Editing(graph).write()
    tensors = []
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float64:
            narrowed = values.astype(np.float32)
            # the ends of a spline lie below 1, where a root is
            ends = (np.abs(narrowed) == 1.0) & (np.abs(values) != 1.0)
            values = np.where(ends, narrowed * np.float32(1.0 - 2.0**-24), narrowed)
        tensors.append(numpy_helper.from_array(values, tensor.name))
    for node in graph.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.i == TensorProto.DOUBLE:
                attribute.i = TensorProto.FLOAT
    del graph.graph.value_info[:]
    _put(graph, [], tensors)
    compact(graph)


def halve_layers(graph: onnx.ModelProto) -> None:
    """Let large layers multiply in half precision; on a CPU, only their weights are rounded."""
    editing = Editing(graph)
    editing.fold_constants()
    for node in list(editing.nodes):
        if node.op_type not in ("Gemm", "MatMul") or not editing.is_constant(node.input[1]):
            continue
        weights = editing.value(node.input[1])
        if weights.dtype != np.float32 or weights.ndim != 2 or min(weights.shape) < LEAST:
            continue
        names, wide = list(node.input), node.output[0]
        halves, product = [editing.fresh("half") for _ in names], editing.fresh("half")
        casts = [
            helper.make_node("Cast", [name], [half], to=TensorProto.FLOAT16)
            for name, half in zip(names, halves, strict=True)
        ]
        multiply = onnx.NodeProto.FromString(node.SerializeToString())
        multiply.input[:], multiply.output[:] = halves, [product]
        widen = helper.make_node("Cast", [product], [wide], to=TensorProto.FLOAT)
        editing.replace(node, [*casts, multiply, widen])
    editing.write()
    compact(graph)


def write_named(path: Path, copy: Path) -> list[str]:
    """Copy a model with names of its nodes; list the large layers."""
    graph = onnx.load(path)
    editing = Editing(graph)
    editing.fold_constants()
    editing.write()
    sizes = {tensor.name: tuple(tensor.dims) for tensor in graph.graph.initializer}
    layers = []
    for position, node in enumerate(graph.graph.node):
        node.name = f"{node.op_type}_{position}"
        size = sizes.get(node.input[1], ()) if len(node.input) > 1 else ()
        if node.op_type in ("Gemm", "MatMul") and len(size) == 2 and min(size) >= LEAST:
            layers.append(node.name)
    del graph.graph.value_info[:]
    onnx.save(graph, copy)
    return layers


def _put(graph: onnx.ModelProto, casts: list[onnx.NodeProto], tensors: list[TensorProto]) -> None:
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in graph.graph.node]
    copies = [TensorProto.FromString(tensor.SerializeToString()) for tensor in tensors]
    del graph.graph.node[:], graph.graph.initializer[:]
    graph.graph.node.extend([*casts, *nodes])
    graph.graph.initializer.extend(copies)


def draw(model: OnnxModel, energy: Array, eta: Array, seed: int) -> Sample:
    keys = event_keys(seed, Stream.MODEL, np.arange(len(energy)))
    noise = event_normals(keys, *model.noise_shape)
    shares = model.sample(Conditions(energy, eta), noise)
    return Sample(shares * energy[:, None].astype(np.float32), energy, np.abs(eta))


def measure_chi2(first: Sample, second: Sample) -> tuple[float, float]:
    """Compare E_tot / E in bins of equal numbers; give chi2 over its number, and the p-value."""
    shares = [s.voxels.sum(axis=1, dtype=np.float64) / s.energy for s in (first, second)]
    edges = np.quantile(np.concatenate(shares), np.linspace(0.0, 1.0, BINS + 1)[1:-1])
    a, b = (np.bincount(edges.searchsorted(x), minlength=BINS) for x in shares)
    chi2 = float(((a - b) ** 2 / (a + b)).sum())
    return chi2 / (BINS - 1), float(chi2_distribution.sf(chi2, BINS - 1))


def time_in_turns(models: list[OnnxModel], n_showers: int, n_rounds: int) -> list[str]:
    """Give the ratio to the first model: the median of the rounds, with its 16 and 84 %."""
    (n_noise,) = models[0].noise_shape
    noise = np.random.default_rng(1).normal(size=(n_showers, n_noise)).astype(np.float32)
    photons = Conditions(np.full(n_showers, 65536.0), np.full(n_showers, 0.2))
    calls = 20 if n_showers == 1 else 1
    times = np.empty((n_rounds, len(models)))
    for row in times:
        for position, model in enumerate(models):
            spent = []
            for _ in range(calls + 1):
                start = time.perf_counter()
                model.sample(photons, noise)
                spent.append(time.perf_counter() - start)
            row[position] = np.median(spent[1:])
    found = np.percentile(times / times[:, :1], [50, 16, 84], axis=0).T
    return [f"{median:.2f} ({low:.2f} to {high:.2f})" for median, low, high in found]


def judge(
    shipped: Sample, sample: Sample, geant4: Sample, n_seeds: int
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    """Give AUC and error against the shipped file and against Geant4, and chi2 with p-value."""
    of_sample = sample.inputs()
    found = [
        classify_by_trees(other.inputs(), of_sample, n_seeds=n_seeds)
        for other in (shipped, geant4)
    ]
    (near, far) = ((areas.mean, areas.error) for areas in found)
    return near, far, measure_chi2(shipped, sample)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="calodit")
    parser.add_argument("--sample", type=Path, default=Path("sample/photons_scan.h5"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--accelerator", choices=get_args(Accelerator), default="cpu")
    arguments = parser.parse_args()
    accelerator: Accelerator = arguments.accelerator
    models = load_models(arguments.model)
    assert isinstance(models, ModelSet)  # of ONNX files
    shipped = models.models[0]
    showers = DatasetReader(arguments.sample).read()
    inside = np.flatnonzero(np.abs(showers.eta_center) < shipped.eta_range[1])
    energy, eta = (
        x[inside].astype(np.float64) for x in (showers.incident_energy, showers.eta_center)
    )
    voxels = showers.energy[inside] * energy[:, None].astype(np.float32)
    geant4 = Sample(voxels, energy, np.abs(eta))
    n_rounds = rounds(5)
    reference = draw(shipped, energy, eta, 1)
    with tempfile.TemporaryDirectory() as name:
        files = [("as shipped", shipped.path), *variants(shipped, Path(name), accelerator)]
        drawn = [OnnxModel(path, accelerator=accelerator) for _, path in files]
        single = time_in_turns(drawn, 1, n_rounds)
        batch = time_in_turns(drawn, count(1000), n_rounds)
        floor = at_geant4 = (0.0, 0.0)
        size = shipped.path.stat().st_size
        print(f"{len(energy)} photons, {arguments.seeds} seeds")
        for (title, path), model, one, many in zip(files, drawn, single, batch, strict=True):
            sample = draw(model, energy, eta, 2)
            near, far, (chi2, p_value) = judge(reference, sample, geant4, arguments.seeds)
            if path == shipped.path:
                floor, at_geant4 = near, far
            seen = [
                found[0] - base[0] > 2.0 * np.hypot(found[1], base[1])
                for found, base in ((near, floor), (far, at_geant4))
            ]
            verdict = "refused" if any(seen) or p_value < 0.0455 else "not seen"
            print(
                f"| {title} | {path.stat().st_size / size:.2f} | {one} | {many} "
                f"| {near[0]:.3f} +- {near[1]:.3f} | {far[0]:.3f} +- {far[1]:.3f} "
                f"| {chi2:.2f} ({p_value:.2f}) | {verdict} |",
                flush=True,
            )


if __name__ == "__main__":
    run(main)
