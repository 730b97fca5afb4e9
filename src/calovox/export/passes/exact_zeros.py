"""Voxels with next to nothing are exactly 0.

FastCaloSim gives hits to voxels above 1.19e-7 of the kinetic energy, and what is left over to the
first voxel above 0: if that one is smaller, it has no hits, and its energy is divided by 0. What
it reads has therefore nothing between 0 and `LEAST_FRACTION`.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from calovox.dataset.keys import LEAST_FRACTION
from calovox.export.fused.conditions import ENERGY_LIMITS

__all__ = ["add_exact_zeros", "has_exact_zeros"]

_KEY = "least_fraction"


def add_exact_zeros(model: onnx.ModelProto, energy: str) -> None:
    """Make voxels below `LEAST_FRACTION` of the kinetic energy 0; all others keep their bits.

    NaN, which a graph must not give, stays NaN. A model that has been changed so stays as it is.

    Args:
        model: A model with one output; it is changed.
        energy: Name of the input with the kinetic energy.
    """
    if has_exact_zeros(model):
        return
    graph = model.graph
    (output,) = graph.output
    # the graph keeps its output under another name, and new nodes give the old one
    whole = f"{output.name}.whole"
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [whole if name == output.name else name for name in names]
    numbers = {
        "zeros.lowest": ENERGY_LIMITS[0],
        "zeros.highest": ENERGY_LIMITS[1],
        "zeros.least": LEAST_FRACTION,
        "zeros.zero": 0.0,
    }
    graph.initializer.extend(
        numpy_helper.from_array(np.array(value, dtype=np.float32), name)
        for name, value in numbers.items()
    )
    lowest, highest, least, zero = numbers
    graph.node.extend(
        [
            # the energy as the graph itself limits it, so that infinity gives no NaN
            helper.make_node("Clip", [energy, lowest, highest], ["zeros.energy"]),
            helper.make_node("Mul", ["zeros.energy", least], ["zeros.limit"]),
            helper.make_node("Less", [whole, "zeros.limit"], ["zeros.small"]),
            helper.make_node("Where", ["zeros.small", zero, whole], [output.name]),
        ]
    )
    model.metadata_props.add(key=_KEY, value=str(LEAST_FRACTION))


def has_exact_zeros(model: onnx.ModelProto) -> bool:
    """Tell whether `add_exact_zeros` has changed a model."""
    return any(entry.key == _KEY for entry in model.metadata_props)
