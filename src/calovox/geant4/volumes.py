"""Nested volumes for Geant4 out of a list of shells.

Neighbouring shells are enclosed, a few at a time, by tubes that they fill completely, and these
tubes by larger ones: a tree. A particle inside a shell has no daughter volume to look at, and
when it leaves it Geant4 searches a few neighbours instead of a hundred. ``bench/bench_geant4.py``
compares this with other arrangements. Lengths are turned from mm into calzone's cm here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from calovox.geant4.detector import ENTRANCE_RADIUS, DetectorModel, Shell

__all__ = ["WORLD", "Recording", "detector_volumes", "shell_name"]

Recording = Literal["sensitive", "all"]
"""Record deposits of the sensitive shells only, or of all shells."""

WORLD = "World"
_VACUUM = "G4_Galactic"
_CM = 0.1  # calzone takes cm


@dataclass(frozen=True)
class _Node:
    """A volume without its place, and the radii it fills."""

    name: str
    r_min: float
    r_max: float
    volumes: Mapping[str, dict[str, Any]]


def detector_volumes(detector: DetectorModel, *, recording: Recording) -> dict[str, Any]:
    """Describe the detector as calzone's nested dictionary.

    Particles that fly back through the entrance, or leave the shells, are dropped.

    Args:
        detector: The detector.
        recording: Which shells record energy deposits.

    Returns:
        The argument of ``calzone.Geometry``.
    """
    nodes = [_shell_node(shell, detector.z_range, recording) for shell in detector.shells()]
    root = _grow_tree(nodes, detector.branching, detector.z_range)
    low, high = detector.z_range
    center = 0.5 * (low + high) * _CM
    world: dict[str, Any] = {
        "material": _VACUUM,
        "box": [
            2.2 * root.r_max * _CM,
            2.2 * root.r_max * _CM,
            2.2 * max(abs(low), abs(high)) * _CM,
        ],
        "Inside": {
            "material": _VACUUM,
            "role": "kill_ingoing",
            "position": [0.0, 0.0, center],
            "cylinder": {"length": (high - low) * _CM, "radius": (ENTRANCE_RADIUS - 1.0) * _CM},
        },
    }
    for name, volume in root.volumes.items():
        world[name] = volume | {"position": [0.0, 0.0, center]}
    return {WORLD: world, "materials": detector.materials()}


def shell_name(path: str) -> str:
    """Find the shell that a recorded volume belongs to.

    Args:
        path: Path of the volume in the tree.

    Returns:
        The name of the `Shell`.
    """
    return path.rsplit(".", 1)[-1].removesuffix("Beyond")


def _tube(
    r_min: float, r_max: float, z_range: tuple[float, float], center: float, material: str
) -> dict[str, Any]:
    length = z_range[1] - z_range[0]
    position = 0.5 * (z_range[0] + z_range[1]) - center
    return {
        "material": material,
        "position": [0.0, 0.0, position * _CM],
        "cylinder": {
            "length": length * _CM,
            "radius": r_max * _CM,
            "thickness": (r_max - r_min) * _CM,
        },
    }


def _shell_node(shell: Shell, z_range: tuple[float, float], recording: Recording) -> _Node:
    low, high = z_range
    center = 0.5 * (low + high)
    pieces = {shell.name: ((low, high), shell.material)}
    if shell.material_beyond is not None:
        pieces = {
            shell.name: ((low, shell.z_transition), shell.material),
            f"{shell.name}Beyond": ((shell.z_transition, high), shell.material_beyond),
        }
    role: dict[str, Any] = {}
    if recording == "all" or shell.sensitive:
        role = {"role": "record_deposits"}
    volumes = {
        name: _tube(shell.r_min, shell.r_max, piece, center, material) | role
        for name, (piece, material) in pieces.items()
    }
    return _Node(shell.name, shell.r_min, shell.r_max, volumes)


def _grow_tree(nodes: Sequence[_Node], branching: int, z_range: tuple[float, float]) -> _Node:
    # Geant4 looks for the next volume among the daughters of one: few of them keep that fast
    level = 0
    while len(nodes) > 1:
        groups = [nodes[start : start + branching] for start in range(0, len(nodes), branching)]
        nodes = [_enclose(group, f"Level{level}", z_range) for group in groups]
        level += 1
    return nodes[0]


def _enclose(group: Sequence[_Node], prefix: str, z_range: tuple[float, float]) -> _Node:
    if len(group) == 1:
        return group[0]
    r_min, r_max = group[0].r_min, group[-1].r_max
    tube = _tube(r_min, r_max, z_range, 0.5 * (z_range[0] + z_range[1]), _VACUUM)
    for node in group:
        tube |= node.volumes
    name = f"{prefix}From{group[0].name}"
    return _Node(name, r_min, r_max, {name: tube})
