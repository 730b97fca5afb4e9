"""Where the two stages of an exported graph meet."""

from onnx import NodeProto

from calovox.export.passes.editing import Editing

__all__ = ["read_by_fast_shapes", "read_by_shapes"]


def read_by_shapes(graph: Editing) -> list[str]:
    """Name what the nodes of the voxels read of the energies of the layers.

    Args:
        graph: The graph of a model of two stages.

    Returns:
        The fields of `calovox.export.fused.energies.LayerShares` in their order.

    Raises:
        ValueError: If the graph was not written by this package.
    """
    is_left, both, enter = (
        _reader_of_weight(graph, f".context.{name}.weight")
        for name in ("is_left", "both", "enter")
    )
    left = is_left.input[0]
    (energy,) = [node for node in graph.readers(left) if node.op_type == "Mul"]
    context = graph.maker(enter.input[0])
    assert context is not None  # total, and the logarithms of the shares
    return [energy.output[0], left, context.input[0], both.input[0]]


def read_by_fast_shapes(graph: Editing) -> list[str]:
    """Name what the nodes of a CaloFast's voxels read of the energies of the layers.

    Args:
        graph: The graph of a CaloFast.

    Returns:
        The share of each layer in all of them, and its energy in MeV.

    Raises:
        ValueError: If the graph was not written by this package.
    """
    enter = _reader_of_weight(graph, ".of_condition.weight")
    condition = graph.maker(enter.input[0])
    assert condition is not None  # the photon, and the roots of shares and energies
    roots = graph.maker(condition.input[1])
    assert roots is not None
    found = []
    for name in roots.input:
        while (node := graph.maker(name)) is not None and node.op_type in ("Sqrt", "Mul"):
            if node.op_type == "Mul" and not graph.is_constant(node.input[1]):
                break
            name = node.input[0]
        found.append(name)
    return found


def _reader_of_weight(graph: Editing, ending: str) -> NodeProto:
    found = [n for n in graph.nodes if len(n.input) > 1 and n.input[1].endswith(ending)]
    if len(found) != 1:
        raise ValueError(
            f"export: expected a graph of calovox with one weight *{ending}, got {len(found)}"
        )
    return found[0]
