"""E_tot of the showers of a sample: the sum of all voxels, so that cells are not needed."""

from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.samples.batch import ShowerSource
from calovox.samples.reading import read_batches
from calovox.tracking import Track, silently

__all__ = ["TotalEnergies", "read_totals"]


@dataclass(frozen=True)
class TotalEnergies:
    """Energies of a sample, with and without what escapes the voxels.

    Attributes:
        label: How the report calls it.
        energy: Kinetic energies in MeV.
        eta_center: Pseudorapidity of the shower centres.
        ratio: Sum of all voxels over the kinetic energy.
        place: Place of a simulation in the report: gives its colour.
        layers: Numbers of the layers.
    """

    label: str
    energy: Float64[Array, " event"]
    eta_center: Float64[Array, " event"]
    ratio: Float64[Array, " event"]
    place: int = 0
    layers: tuple[int, ...] = BARREL_NUMBERS


def read_totals(source: ShowerSource, label: str, *, track: Track = silently) -> TotalEnergies:
    """Add up the voxels of each shower of a sample.

    Args:
        source: The sample; cells are not needed.
        label: How the report calls it.
        track: Shows the progress over showers.

    Returns:
        Energies and pseudorapidities.

    Raises:
        ValueError: If the sample does not tell pseudorapidities.
    """
    columns = []
    for batch in read_batches(source, f"Adding up {label}", track):
        if batch.eta_center is None:
            raise ValueError(f"{source.path}: expected pseudorapidities of the showers, got none")
        ratio = batch.fraction.sum(axis=1, dtype=np.float64)
        columns.append((batch.incident_energy, batch.eta_center, ratio))
    energy, eta_center, ratio = map(np.concatenate, zip(*columns, strict=True))
    return TotalEnergies(label, energy, eta_center, ratio, layers=source.layout.layers)
