"""Every kind of inputs that trees are given, computed from showers.

All cells in windows with electronic noise are the figure of merit: they are what an analysis of
data can see. The other kinds find what is wrong with a model, down to what nobody could measure.
Parts of these tell what carries an AUC: voxels without the energy centre D, and the note's nine
observables, of which raw and calibrated energy are one here.
"""

from typing import Final, Literal

from calovox.arrays import Array, Int64
from calovox.samples.observables.observed import ObservedShowers
from calovox.samples.observables.table import ObservableTable
from calovox.scores.referee.inputs import (
    ClassifierInputs,
    observable_inputs,
    voxel_inputs,
    window_inputs,
)

__all__ = [
    "FIGURE_OF_MERIT",
    "KINDS",
    "NOISE_SEEDS",
    "PARTS",
    "THRESHOLD",
    "Kind",
    "inputs_of",
    "observables_of",
]

Kind = Literal[
    "all cells, noise",
    "all cells",
    "cell observables, noise",
    "cell observables",
    "voxels",
    "voxel observables",
    "voxels without D",
    "shower shapes",
]
"""What trees are given."""

KINDS: Final[tuple[Kind, ...]] = (
    "all cells, noise",
    "all cells",
    "cell observables, noise",
    "cell observables",
    "voxels",
    "voxel observables",
    "voxels without D",
    "shower shapes",
)
"""All kinds of inputs, that of the figure of merit first."""

PARTS: Final[tuple[Kind, ...]] = ("voxels without D", "shower shapes")
"""Kinds of inputs that others hold: they never count as the largest AUC."""

FIGURE_OF_MERIT: Final[Kind] = "all cells, noise"
"""The kind of inputs that tells what a physicist could see."""

THRESHOLD: Final = 1.0
"""Energy in MeV below which a voxel counts as empty."""

NOISE_SEEDS: Final = (1, 2)
"""Seeds of the electronic noise of the reference and of the samples."""

_OF_CENTRE: Final = ("center_eta", "center_phi", "center_r", "move_", "asymmetry")
_SHAPES: Final = ("f1", "delta_e", "e_ratio", "w_eta1", "fracs1", "r_phi", "r_eta", "cells_e_all")


def inputs_of(
    kind: Kind,
    showers: ObservedShowers,
    photon: Int64[Array, " event"],
    *,
    threshold: float,
    noise_seed: int,
) -> ClassifierInputs:
    """Compute what trees are given.

    Args:
        kind: Which inputs.
        showers: The showers.
        photon: Number of the photon of each.
        threshold: Energy in MeV below which a voxel counts as empty.
        noise_seed: Seed of the electronic noise.

    Returns:
        The inputs.
    """
    photons = showers.energy, photon
    if kind.startswith("all cells"):
        cells = showers.cells(noise_seed if kind.endswith("noise") else None)
        return window_inputs(cells, *photons, abs_eta=showers.abs_eta)
    table = observables_of(kind, showers, threshold=threshold, noise_seed=noise_seed)
    if kind not in ("voxels", "voxels without D"):
        return observable_inputs(table, *photons, abs_eta=showers.abs_eta)
    return voxel_inputs(
        showers.voxel_energy,
        *photons,
        threshold=threshold,
        abs_eta=showers.abs_eta,
        observables=table,
    )


def observables_of(
    kind: Kind, showers: ObservedShowers, *, threshold: float, noise_seed: int
) -> ObservableTable:
    """Compute the observables of a kind of inputs.

    Args:
        kind: Which inputs.
        showers: The showers.
        threshold: Energy in MeV below which a voxel counts as empty.
        noise_seed: Seed of the electronic noise.

    Returns:
        One row per shower.
    """
    if kind.startswith("voxel"):
        table = showers.voxel_observables(threshold)
        if kind != "voxels without D":
            return table
        return table.select([name for name in table.names if not name.startswith(_OF_CENTRE)])
    table = showers.cell_observables(noise_seed if kind.endswith("noise") else None)
    return table.select(_SHAPES) if kind == "shower shapes" else table
