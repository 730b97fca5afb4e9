"""What models of shapes can be made of, by name; imports no torch."""

from typing import Literal

__all__ = ["LayerWeighting", "PathKind", "SolverName", "TokenKind", "VoxelSpaceKind"]

PathKind = Literal["arc", "line", "karras"]
"""Paths from noise to data: see `calovox.models.shapes.arc`. They lead to the same samples, in
steps of different quality."""

SolverName = Literal["euler", "heun", "midpoint", "rk4"]
"""Methods that follow a path: see `calovox.models.shapes.solvers`."""

LayerWeighting = Literal["note", "equal"]
"""How the loss of CaloCFM weighs voxels: see `calovox.models.shapes.cfm`."""

TokenKind = Literal["patches", "rings", "voxels"]
"""What a token of CaloDiT-2 is made of: see `calovox.models.shapes.tokens`."""

VoxelSpaceKind = Literal["quantiles", "note"]
"""Normal scores, or what the note has for the model in question."""
