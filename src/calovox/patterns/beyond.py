r"""How much of a voxel's energy patterns have beyond a border, on average over its candidates."""

import numpy as np

from calovox.arrays import Array, Float64
from calovox.binned_shower.placement import describe_energy
from calovox.geometry import Detector
from calovox.kernels import kernel
from calovox.patterns.candidates import CANDIDATES, weigh_candidates
from calovox.patterns.choosing import CHOICE_TYPE, find_keys, list_voxels, own_key
from calovox.patterns.library import PatternLibrary
from calovox.patterns.tables import PatternTables, pattern_tables
from calovox.voxelization import Voxels

__all__ = ["shares_beyond"]


def shares_beyond(
    voxels: Voxels, library: PatternLibrary, layer: int, abs_eta: float, detector: Detector
) -> Float64[Array, "event voxel"]:
    """Average what candidates of the voxels of a layer have beyond a border in abs(eta).

    Args:
        voxels: Showers with a centre.
        library: Patterns of the voxels' grid; its steps count for nothing.
        layer: Number of the layer.
        abs_eta: The border.
        detector: Where the layers lie.

    Returns:
        Shares of the energy; NaN for voxels of other layers, without energy or without patterns.

    Raises:
        ValueError: If the detector lacks the layer, or energies are negative or not finite.
    """
    shares = np.full(voxels.energy.shape, np.nan)
    eta, grid = np.ascontiguousarray(voxels.eta_center), voxels.grid
    place = grid.numbers.index(layer)
    good = _shares_kernel(
        np.ascontiguousarray(voxels.energy),
        np.ascontiguousarray(voxels.incident_energy, dtype=np.float64),
        np.abs(eta),
        detector.radii(eta, (layer,))[:, 0],
        grid.layer_boundaries[place : place + 2],
        np.array([[abs_eta, 0.0]]),  # a step that leaves what lies before it
        pattern_tables(library),
        shares,
    )
    if not good:
        raise ValueError(describe_energy(voxels))
    return shares


@kernel(error_model="numpy")
def _shares_kernel(
    energy: Array,
    incident_energy: Array,
    abs_eta: Array,
    radius: Array,
    of_layer: Array,
    step: Array,
    tables: PatternTables,
    shares: Array,
) -> bool:
    """Fill in the shares; False if an energy is negative or not finite."""
    choices, weights = np.empty(energy.shape[1], dtype=CHOICE_TYPE), np.empty(CANDIDATES)
    for event in range(energy.shape[0]):
        n_choices = list_voxels(energy[event], incident_energy[event], choices)
        if n_choices < 0:
            return False
        own = own_key(incident_energy[event], abs_eta[event], tables)
        find_keys(own, tables, choices[:n_choices])
        for choice in choices[:n_choices]:
            if of_layer[0] <= choice.voxel < of_layer[1] and choice.number > 0:
                weigh_candidates(choice, abs_eta[event], radius[event], step, tables, weights)
                shares[event, choice.voxel] = 1.0 - weights.mean()
    return True
