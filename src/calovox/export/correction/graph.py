"""An exported graph in torch, with weights that can be trained.

A weight is what the file has, plus `pace` times what is trained, which is 0 at the start. The
optimiser takes steps of the same size for everything that it trains: those of a trained model so
are smaller than those of a critic that starts from random weights, and weight decay draws it back
to where it was.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import onnx
import torch
from jaxtyping import Float
from onnx import NodeProto, numpy_helper
from torch import Tensor, nn

from calovox.export.correction.operators import run_node
from calovox.export.fused.energies import LayerShares
from calovox.export.passes.editing import Editing
from calovox.export.passes.stages import read_by_fast_shapes, read_by_shapes
from calovox.runtime.onnx_model import INPUTS

__all__ = ["ExportedModel", "TorchGraph", "put_weights"]

_OUTPUT: Final = "voxels"
_ETA, _ENERGY, _, _VOXEL_NOISE = INPUTS

_FIXED: Final = (
    *("both", "of_none", "position", "tilts", "directions"),
    *("model.photons", "model.shapes.first"),
)
"""Parts of the names of constants that are no weights, although a product or a sum reads them."""


class TorchGraph(nn.Module):
    """The nodes that lead from given tensors to the voxels.

    Args:
        model: The exported model.
        given: Names of the tensors that are given.
        weights: Names of the constants that are trained.
        pace: How much a weight changes where what is trained changes by 1.
    """

    def __init__(
        self, model: onnx.ModelProto, given: Sequence[str], weights: Sequence[str], pace: float
    ) -> None:
        super().__init__()
        self.pace = pace
        constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.nodes = _nodes_between(model.graph.node, {*given, *constants}, _OUTPUT)
        used = {name for node in self.nodes for name in node.input} & constants.keys()
        self.places = {name: f"tensor_{k}" for k, name in enumerate(sorted(used))}
        self.weights = tuple(name for name in weights if name in used)
        for name, place in self.places.items():
            values = torch.from_numpy(np.array(constants[name]))
            values = values.float() if values.dtype == torch.float16 else values
            self.register_buffer(place, values, persistent=False)
        self.changes = nn.ParameterDict(
            {self.places[name]: torch.zeros_like(self.start(name)) for name in self.weights}
        )

    def start(self, name: str) -> Tensor:
        """Give a constant as the file has it."""
        values: Tensor = getattr(self, self.places[name])
        return values

    def current(self) -> dict[str, Tensor]:
        """Give all weights as they are now, by the names of the file."""
        return {
            name: self.start(name) + self.pace * self.changes[self.places[name]]
            for name in self.weights
        }

    def forward(self, values: Mapping[str, Tensor]) -> Float[Tensor, "event voxel"]:
        """Compute the voxels.

        Args:
            values: The given tensors by name.

        Returns:
            What the graph gives, MeV.
        """
        known = {name: self.start(name) for name in self.places} | self.current() | dict(values)
        for node in self.nodes:
            found = run_node(node, [known[name] if name else None for name in node.input])
            known.update(zip(node.output, found, strict=False))
        return known[_OUTPUT]


class ExportedModel(nn.Module):
    """An exported model whose voxels can be trained.

    Voxels are drawn for given energies of the layers: what draws these stays as it is.

    Args:
        model: The exported model.
        pace: How much a weight changes where what is trained changes by 1.
    """

    def __init__(self, model: onnx.ModelProto, *, pace: float = 1.0) -> None:
        super().__init__()
        names = {tensor.name for tensor in model.graph.initializer}
        self.two_stages = not any(name.startswith("model.energies") for name in names)
        read = read_by_shapes if self.two_stages else read_by_fast_shapes
        self.shares = tuple(read(Editing(model)))
        given = [_ETA, _ENERGY, _VOXEL_NOISE, *self.shares]
        weights = _weights(model, given, two_stages=self.two_stages)
        self.graph = TorchGraph(model, given, weights, pace)
        sizes = {
            value.name: value.type.tensor_type.shape.dim[1].dim_value
            for value in model.graph.input
        }
        self.n_noise = sizes[_VOXEL_NOISE]

    def draw(
        self,
        energy: Float[Tensor, " event"],
        eta: Float[Tensor, " event"],
        layers: Float[Tensor, "event layer"],
        rng: torch.Generator,
    ) -> Float[Tensor, "event voxel"]:
        """Draw showers.

        Args:
            energy: Kinetic energies in MeV.
            eta: abs(eta) of the shower centres.
            layers: Energies of the layers in MeV.
            rng: Where the noise comes from.

        Returns:
            Energies of the voxels in MeV.
        """
        size = (len(energy), self.n_noise)
        noise = torch.empty(size, device=energy.device).normal_(generator=rng)
        voxels: Tensor = self.graph(self.given(energy, eta, layers, noise))
        return voxels

    def given(
        self,
        energy: Float[Tensor, " event"],
        eta: Float[Tensor, " event"],
        layers: Float[Tensor, "event layer"],
        noise: Float[Tensor, "event noise"],
    ) -> dict[str, Tensor]:
        """Name what the graph is given.

        Args:
            energy: Kinetic energies in MeV.
            eta: abs(eta) of the shower centres.
            layers: Energies of the layers in MeV.
            noise: Standard normal numbers.

        Returns:
            Tensors by name.
        """
        values = {_ETA: 10.0 * eta[:, None], _ENERGY: energy[:, None], _VOXEL_NOISE: noise}
        whole = layers.sum(dim=1, keepdim=True)
        parts = layers / torch.where(whole > 0.0, whole, 1.0)
        read = _layer_shares(layers, energy) if self.two_stages else (parts, layers)
        return values | dict(zip(self.shares, read, strict=True))

    def __repr__(self) -> str:
        n_weights = sum(values.numel() for values in self.graph.changes.values())
        return f"ExportedModel({len(self.graph.nodes)} nodes, {n_weights} weights)"


def put_weights(model: onnx.ModelProto, weights: Mapping[str, Tensor]) -> None:
    """Give an exported model other weights, rounded as those that it has.

    Args:
        model: The model; it is changed.
        weights: By the names of its constants.

    Raises:
        ValueError: If it has no such constant, or one of another shape.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for name, values in weights.items():
        old = constants.get(name)
        if old is None or tuple(old.dims) != tuple(values.shape):
            raise ValueError(
                f"--correction: expected the model that was corrected, got one without the "
                f"constant {name} of shape {tuple(values.shape)}"
            )
        kind = numpy_helper.to_array(old).dtype
        old.CopyFrom(numpy_helper.from_array(values.detach().numpy().astype(kind), name))


def _nodes_between(nodes: Sequence[NodeProto], given: set[str], wanted: str) -> list[NodeProto]:
    """List the nodes that a tensor depends on, in their order, but for those behind given ones."""
    needed, chosen = {wanted}, []
    for node in reversed(nodes):
        if needed & set(node.output):
            chosen.append(node)
            needed |= {name for name in node.input if name and name not in given}
    return chosen[::-1]


def _weights(model: onnx.ModelProto, given: Sequence[str], *, two_stages: bool) -> list[str]:
    """Name the weights of the networks, which products and sums read."""
    constants = {t.name: t for t in model.graph.initializer}
    # in two stages, tables and the centroid are behind the network
    end = _scores(model.graph.node) if two_stages else _OUTPUT
    nodes = _nodes_between(model.graph.node, {*given, *constants}, end)
    widened = {node.output[0]: node.input[0] for node in nodes if node.op_type == "Cast"}
    readers = [node for node in nodes if node.op_type in ("Gemm", "MatMul", "Add")]
    read = {widened.get(name, name) for node in readers for name in node.input}
    return sorted(name for name in read & constants.keys() if _is_weight(constants[name]))


def _is_weight(constant: onnx.TensorProto) -> bool:
    values = numpy_helper.to_array(constant)
    if values.dtype.kind != "f" or values.ndim == 0 or np.isin(values, (0.0, 1.0)).all():
        return False
    return not any(part in constant.name for part in _FIXED)


def _scores(nodes: Sequence[NodeProto]) -> str:
    """Name the normal scores that tables turn into voxels."""
    found = [n for n in nodes if n.op_type == "Unsqueeze" and n.output[0].startswith("tables.")]
    if len(found) != 1:
        raise ValueError(
            "correct: expected a model whose voxels are normal scores (train with "
            "--voxels quantiles), or a CaloFast"
        )
    return str(found[0].input[0])


def _layer_shares(
    layers: Float[Tensor, "event layer"], energy: Float[Tensor, " event"]
) -> LayerShares:
    """Give what the nodes of the voxels read of energies of layers in MeV."""
    left = layers.flip(1).cumsum(dim=1).flip(1)
    shares = torch.where(left > 0.0, layers / torch.where(left > 0.0, left, 1.0), 0.0)[:, :-1]
    total = left[:, :1] / energy[:, None]
    return LayerShares(
        layers, left, total, torch.cat([shares, torch.ones_like(total), 1.0 - shares], dim=1)
    )
