"""Which model a correction is of: what its file computes, and not what it says of itself."""

import hashlib

import onnx

__all__ = ["graph_hash"]


def graph_hash(model: onnx.ModelProto) -> str:
    """Hash the graph and the weights of a model, without descriptions.

    Args:
        model: The model.

    Returns:
        SHA-256 of nodes, constants, inputs, outputs and operator sets: the same for files that
        differ in metadata, texts or the program that wrote them.
    """
    bare = onnx.ModelProto(opset_import=model.opset_import, functions=model.functions)
    bare.graph.CopyFrom(model.graph)
    bare.graph.ClearField("name")
    graph = bare.graph
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("doc_string")
        if "metadata_props" in part.DESCRIPTOR.fields_by_name:
            part.ClearField("metadata_props")
    graph.ClearField("value_info")
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).hexdigest()
