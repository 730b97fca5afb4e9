"""Exported models whose layer energies come from another CaloINN afterwards.

The voxels of a pair are drawn for given layer energies, so that its CaloINN can be exchanged: the
nodes that give the layer energies are those of the other one, and all others stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import onnx
import torch
from onnx import compose
from torch import Tensor

from calovox.export.fused.conditions import ENERGY_LIMITS, ETA_LIMITS
from calovox.export.graphs import EnergyStage
from calovox.export.onnx_file import module_to_onnx
from calovox.export.pairs import describe_run
from calovox.export.parity import measure_parity
from calovox.export.passes.compact import compact
from calovox.export.passes.editing import Editing
from calovox.export.passes.fixed_shapes import save_onnx
from calovox.export.passes.lean import make_lean
from calovox.export.passes.portable import make_portable
from calovox.export.passes.stages import read_by_shapes
from calovox.export.renewal.metadata import describe_part
from calovox.models.inn import CaloINN
from calovox.runtime import OnnxModel
from calovox.runtime.onnx_model import INPUTS
from calovox.training.runs.model import TrainedModel

__all__ = ["match_runs", "replace_energies"]

_PREFIX: Final = "inn."
_LAYERS: Final = "layers"
_PARITY_SHOWERS: Final = 10_000
_PARITY_SEED: Final = 1


def match_runs(
    runs: Sequence[TrainedModel], content: Mapping[str, Any], folder: Path
) -> list[TrainedModel]:
    """Find the run of each exported model.

    Args:
        runs: Trained models.
        content: The content of `model.json`.
        folder: Folder of the exported models.

    Returns:
        One CaloINN for each model.

    Raises:
        ValueError: If a model has no CaloINN of its own, or not one of the runs fits it.
    """
    return [_match(runs, OnnxModel(folder / model["file"]), model) for model in content["models"]]


def _match(
    runs: Sequence[TrainedModel], exported: OnnxModel, model: Mapping[str, Any]
) -> TrainedModel:
    name = model["file"]
    if model.get("energies", {}).get("kind") != "inn":
        raise ValueError(f"--energies: expected an exported model with a CaloINN, got {name}")
    low, high = eta_range = tuple(model["eta_range"])
    found = [run for run in runs if run.kind == "inn" and run.eta_range == eta_range]
    if len(found) != 1:
        raise ValueError(
            f"--energies: expected one run of an INN for |eta| from {low:g} to {high:g}, got "
            f"{len(found)}"
        )
    (run,) = found
    if run.grid.numbers != exported.grid.numbers or run.particle != exported.particle:
        raise ValueError(
            f"--energies: expected an INN of the layers {exported.grid.numbers} and of one "
            f"{exported.particle}, got {run.grid.numbers} and {run.particle}"
        )
    (lowest, highest), (lower, upper) = run.energy_range, model["energy_range"]
    if lowest > lower or highest < upper:
        raise ValueError(
            f"--energies: expected an INN for {lower:g} to {upper:g} MeV, as of {name}, got one "
            f"for {lowest:g} to {highest:g} MeV"
        )
    return run


def replace_energies(path: Path, run: TrainedModel) -> dict[str, Any]:
    """Let an exported model draw its layer energies with another CaloINN.

    Args:
        path: The ONNX file, as `make_lean` leaves it; it is changed.
        run: The trained CaloINN.

    Returns:
        What `model.json` says of the energies.

    Raises:
        ValueError: If its graph was not written by this package.
    """
    energies = run.model
    assert isinstance(energies, CaloINN)
    model = onnx.load(path)
    _exchange_nodes(model, energies.eval())
    described = describe_run(run)
    describe_part(model, "energies", described)
    save_onnx(model, path)
    parity = measure_parity(OnnxModel(path), energies, _PARITY_SHOWERS, seed=_PARITY_SEED)
    return described | {"parity": asdict(parity)}


def _exchange_nodes(model: onnx.ModelProto, energies: CaloINN) -> None:
    """Put the nodes of a CaloINN in place of those that gave the layer energies."""
    graph = Editing(model)
    names = read_by_shapes(graph)
    graph.nodes = [node for node in graph.nodes if not set(names) & set(node.output)]
    graph.put_before(_energy_graph(energies, names))
    graph.write()
    compact(model)
    onnx.checker.check_model(model, full_check=True)


class _EnergyGraph(EnergyStage):
    """The layer energies alone, side by side with what shape models read of them."""

    def forward(self, eta: Tensor, energy: Tensor, noise: Tensor) -> Tensor:
        eta, energy = eta.clamp(*ETA_LIMITS), energy.clamp(*ENERGY_LIMITS)
        return torch.cat(self.layers(eta, energy, noise), dim=1)


def _energy_graph(energies: CaloINN, names: Sequence[str]) -> onnx.GraphProto:
    """Write the nodes that give the fields of `LayerShares`, under given names."""
    sizes = dict(zip(INPUTS[:3], (1, 1, *energies.noise_shape), strict=True))
    model = module_to_onnx(_EnergyGraph(energies), sizes, _LAYERS)
    compact(model)
    make_portable(model)
    make_lean(model)
    graph = model.graph
    (joined,) = [node for node in graph.node if _LAYERS in node.output]
    new_names = dict(zip(joined.input, names, strict=True)) | {name: name for name in INPUTS[:3]}
    graph.node.remove(joined)
    prefixed = compose.add_prefix_graph(graph, _PREFIX)
    for node in prefixed.node:
        for ends in (node.input, node.output):
            ends[:] = [new_names.get(end.removeprefix(_PREFIX), end) for end in ends]
    return prefixed
