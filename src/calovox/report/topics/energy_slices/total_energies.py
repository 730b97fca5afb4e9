"""E_tot of the showers of a dataset: the sum of all voxels, so that cells are not needed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calovox.arrays import Array, Float64
from calovox.dataset import DatasetReader

__all__ = ["TotalEnergies", "read_totals"]


@dataclass(frozen=True)
class TotalEnergies:
    """What the slices need to know of a sample.

    Attributes:
        label: How the report calls it.
        energy: Kinetic energies in MeV.
        eta_center: Pseudorapidity of the shower centres.
        ratio: Sum of all voxels over the kinetic energy.
        place: Place of a simulation in the report: gives its colour.
    """

    label: str
    energy: Float64[Array, " event"]
    eta_center: Float64[Array, " event"]
    ratio: Float64[Array, " event"]
    place: int = 0


def read_totals(path: Path, label: str, place: int = 0) -> TotalEnergies:
    """Add up the voxels of each shower of a dataset.

    Args:
        path: A dataset; cells are not needed.
        label: How the report calls it.
        place: Place of a simulation in the report.

    Returns:
        Energies and pseudorapidities.

    Raises:
        ValueError: If the dataset has no events.
    """
    batches = [
        (voxels.incident_energy, voxels.eta_center, voxels.total_fraction)
        for voxels in DatasetReader(path).batches()
    ]
    if not batches:
        raise ValueError(f"{path}: expected events to evaluate, got none")
    energy, eta_center, ratio = map(np.concatenate, zip(*batches, strict=True))
    return TotalEnergies(label, energy, eta_center, ratio, place)
