"""Graphs in fewer and faster nodes, which give the same showers up to rounding."""

from typing import Final

import onnx

from calovox.export.passes.compact import compact
from calovox.export.passes.lean_tables import make_tables_lean
from calovox.export.passes.lean_transformer import make_transformer_lean
from calovox.export.passes.mixed_flow import make_mixed

__all__ = ["is_lean", "make_lean"]

_KEY: Final = "lean"


def make_lean(model: onnx.ModelProto) -> None:
    """Write flows, transformers and tables of a graph in fewer and faster nodes.

    What is built in another way than in this package stays as it is, as does a model that has
    been changed so.

    Args:
        model: A model as `make_portable` leaves it; it is changed.

    Raises:
        ValueError: If its flow is of this package, but of a version before 0.2.0.
    """
    if is_lean(model):
        return
    make_mixed(model)
    make_transformer_lean(model)
    make_tables_lean(model)
    compact(model)
    onnx.checker.check_model(model, full_check=True)
    model.metadata_props.add(key=_KEY, value="1")


def is_lean(model: onnx.ModelProto) -> bool:
    """Tell whether `make_lean` has written a model."""
    return any(entry.key == _KEY for entry in model.metadata_props)
