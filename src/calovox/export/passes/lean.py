"""Graphs in fewer and faster nodes, which give the same showers up to rounding."""

from typing import Final

import onnx

from calovox.export.passes.compact import compact
from calovox.export.passes.lean_tables import make_tables_lean
from calovox.export.passes.lean_transformer import make_transformer_lean
from calovox.export.passes.mixed_flow import make_mixed
from calovox.export.passes.single import make_single

__all__ = ["is_lean", "make_lean"]

_KEY: Final = "lean"
_KIND: Final = "2"
"""Graphs of kind 1 had splines in double precision."""


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
    make_single(model)
    compact(model)
    onnx.checker.check_model(model, full_check=True)
    others = [entry for entry in model.metadata_props if entry.key != _KEY]
    del model.metadata_props[:]
    model.metadata_props.extend([*others, onnx.StringStringEntryProto(key=_KEY, value=_KIND)])


def is_lean(model: onnx.ModelProto) -> bool:
    """Tell whether `make_lean` has written a model."""
    return any(entry.key == _KEY and entry.value == _KIND for entry in model.metadata_props)
