"""Exported models whose showers get the energy centre of the training showers afterwards."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import onnx
from onnx import compose

from calovox.dataset import DatasetReader
from calovox.export.onnx_file import module_to_onnx
from calovox.export.passes.compact import compact
from calovox.export.passes.portable import make_portable
from calovox.files.whole import file_hash
from calovox.models.shapes.centroid import VoxelCentroid
from calovox.runtime.onnx_model import INPUTS
from calovox.training.data.showers import ShowerFiles
from calovox.training.fits.centroid import fit_centroid, measure_moments, unfitted_centroid
from calovox.voxelization import VoxelGrid

__all__ = ["add_centroid", "fit_centroids"]

_KEY: Final = "centroid"
_PREFIX: Final = "centroid."


def fit_centroids(
    paths: Sequence[Path], content: dict[str, Any], grid: VoxelGrid
) -> list[VoxelCentroid]:
    """Fit the energy centre to the showers in the range of abs(eta) of each model.

    Args:
        paths: Datasets of training showers.
        content: The content of `model.json`; it is changed, to say what they were.
        grid: The voxels of the models.

    Returns:
        One distribution per model.

    Raises:
        ValueError: If a dataset has other voxels, no showers in a range, showers that are not
            centred on their hits, or layers that the built-in barrel does not have.
    """
    readers = [DatasetReader(path) for path in paths]
    for reader in readers:
        if reader.grid != grid:
            raise ValueError(f"{reader.path}: expected the voxels of the model, {grid!r}")
    moments = None
    centroids = []
    for model in content["models"]:
        part = ShowerFiles(readers, eta_range=tuple(model["eta_range"]))
        if moments is None and unfitted_centroid(grid) is not None:
            moments = measure_moments(ShowerFiles(readers))  # once for all ranges
        centroid = fit_centroid(part, None if moments is None else moments[part.rows])
        if centroid is None or not centroid.known:
            raise ValueError(
                f"{paths[0]}: expected showers of several energies that are centred on their "
                "hits, in layers of the built-in barrel"
            )
        centroids.append(centroid)
    content[_KEY] = [
        {"name": path.name, "sha256": file_hash(path), "n_showers": len(reader)}
        for path, reader in zip(paths, readers, strict=True)
    ]
    return centroids


def add_centroid(model: onnx.ModelProto, centroid: VoxelCentroid) -> None:
    """Move the energy centre of all showers of a graph, before anything becomes exactly 0.

    Args:
        model: An exported model with exact zeros; it is changed.
        centroid: The distribution.

    Raises:
        ValueError: If the graph moves it already, as those of newly trained models do.
    """
    if any(entry.key == _KEY for entry in model.metadata_props):
        raise ValueError("--centroid-from: expected a model whose energy centre is not moved yet")
    (output,) = model.graph.output
    whole = f"{output.name}.whole"
    free = f"{output.name}.free"
    (maker,) = [node for node in model.graph.node if whole in node.output]
    maker.output[:] = [free if name == whole else name for name in maker.output]
    part = _centroid_graph(centroid, free, whole)
    place = list(model.graph.node).index(maker) + 1
    nodes = [*model.graph.node[:place], *part.node, *model.graph.node[place:]]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(part.initializer)
    model.metadata_props.add(key=_KEY, value="of the training showers")
    make_portable(model)


def _centroid_graph(centroid: VoxelCentroid, free: str, whole: str) -> onnx.GraphProto:
    """Write the nodes that lead from free to moved voxels."""
    n_voxels = len(centroid.directions)
    sizes = {"voxels": n_voxels, "energy": 1, "noise": n_voxels}
    model = module_to_onnx(centroid, sizes, "moved")
    compact(model)
    names = {"voxels": free, "energy": INPUTS[1], "noise": INPUTS[3], "moved": whole}
    graph = compose.add_prefix(model, _PREFIX).graph
    for node in graph.node:
        for ends in (node.input, node.output):
            ends[:] = [names.get(end.removeprefix(_PREFIX), end) for end in ends]
    return graph
