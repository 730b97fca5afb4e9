"""Graphs as ONNX files: small, without tiny voxels, for old and new runtimes.

The exporter drops factors that it takes for 1: graphs must not rely on a factor closer to 1 than
1e-4, but add the difference. Messages of the exporter about itself help no user, and are not
shown.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import onnx
import torch
from onnxscript import opset18 as op
from torch import nn

from calovox.export.fused.fast import FastGraph
from calovox.export.fused.gan import GanGraph
from calovox.export.graphs import FusedGraph, PlainGraph
from calovox.export.passes.compact import compact
from calovox.export.passes.exact_zeros import add_exact_zeros
from calovox.export.passes.fixed_shapes import save_onnx
from calovox.export.passes.lean import make_lean
from calovox.export.passes.portable import make_portable
from calovox.models.fast import CaloFast
from calovox.models.gan import CaloGAN
from calovox.models.two_stage import WholeSampler
from calovox.runtime.onnx_model import INPUTS

__all__ = ["export_fused", "export_plain", "module_to_onnx"]

_OUTPUT: Final = "voxels"
_EVENTS: Final = 3  # of the example: anything but 1, which the exporter takes for fixed


def export_fused(sampler: WholeSampler, path: Path, metadata: Mapping[str, str]) -> None:
    """Write a model, for batches of any size.

    Args:
        sampler: The model, in evaluation mode.
        path: The file; replaced if it exists.
        metadata: What the file says about itself.
    """
    graph: nn.Module
    if isinstance(sampler, CaloGAN):
        graph = GanGraph(sampler)
    elif isinstance(sampler, CaloFast):
        graph = FastGraph(sampler)
    else:
        graph = FusedGraph(sampler)
    _export(graph, sampler, path, metadata, lean=True)


def export_plain(sampler: WholeSampler, path: Path, metadata: Mapping[str, str]) -> None:
    """Write a model operation by operation: the reference that speed is compared with.

    Args:
        sampler: The model, in evaluation mode.
        path: The file; replaced if it exists.
        metadata: What the file says about itself.
    """
    _export(PlainGraph(sampler), sampler, path, metadata, lean=False)


def _export(
    graph: nn.Module,
    sampler: WholeSampler,
    path: Path,
    metadata: Mapping[str, str],
    *,
    lean: bool,
) -> None:
    inputs = dict(zip(INPUTS, (1, 1, *sampler.noise_parts), strict=True))
    model = module_to_onnx(graph, inputs, _OUTPUT)
    onnx.helper.set_model_props(model, dict(metadata))
    compact(model)
    make_portable(model)
    if lean:
        make_lean(model)
    add_exact_zeros(model, INPUTS[1])
    save_onnx(model, path)


def module_to_onnx(module: nn.Module, inputs: Mapping[str, int], output: str) -> onnx.ModelProto:
    """Translate a module, as the exporter writes it.

    Args:
        module: Maps matrices, event by number, to one.
        inputs: Names of the matrices in the order of its arguments, and how many numbers each
            has for an event.
        output: Name of the result.

    Returns:
        The graph, for batches of any size.
    """
    batch = torch.export.Dim("batch")
    with _quiet():
        program = torch.onnx.export(
            module.eval(),
            tuple(torch.ones(_EVENTS, size) for size in inputs.values()),
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes=[{0: batch}] * len(inputs),
            custom_translation_table={torch.ops.aten.softplus.default: _softplus},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    # where in the source each node comes from, with the paths of this machine
    for part in (model.graph, *model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]
    return model


def _softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """Translate softplus as it is; the exporter's own adds a case for large numbers."""
    return op.Softplus(x)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
