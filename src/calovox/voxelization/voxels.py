"""Voxel energies of many events on one grid."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from calovox.arrays import Array, Bool, Float32, Float64, Int, Int64
from calovox.photons.weights import complete_weights
from calovox.voxelization.grid import VoxelGrid

__all__ = ["Voxels", "concatenate_voxels"]


@dataclass(frozen=True)
class Voxels:
    """Voxel energies of a batch of events; what a file does not say is None.

    Attributes:
        grid: The voxels.
        energy: Energy of each voxel, as a fraction of the event's kinetic energy.
        incident_energy: Kinetic energy of the photon in MeV.
        eta_center: Pseudorapidity of the shower centre.
        phi_center: Azimuth of the shower centre in rad, [-pi, pi).
        dropped_fraction: Energy of the hits that no voxel holds, as a fraction.
        index: Index of the event in its run: the key of its random numbers.
        photon_eta: Pseudorapidity of the photon.
        photon_phi: Azimuth of the photon in rad, [-pi, pi).
        extrapolated: Whether the photon lies outside the range its model was trained for.
        weight: How many ordinary showers the event stands for; each for itself if None.
        interaction_radius: Distance from the beam axis at which the photon first interacts, in mm;
            infinite if it does not.
    """

    grid: VoxelGrid
    energy: Float32[Array, "event voxel"]
    incident_energy: Float64[Array, " event"]
    eta_center: Float64[Array, " event"]
    phi_center: Float64[Array, " event"] | None = None
    dropped_fraction: Float64[Array, " event"] | None = None
    index: Int64[Array, " event"] | None = None
    photon_eta: Float64[Array, " event"] | None = None
    photon_phi: Float64[Array, " event"] | None = None
    extrapolated: Bool[Array, " event"] | None = None
    weight: Float64[Array, " event"] | None = None
    interaction_radius: Float64[Array, " event"] | None = None

    def __post_init__(self) -> None:
        shape = (len(self.incident_energy), self.grid.n_voxels)
        if self.energy.shape != shape:
            raise ValueError(
                f"Voxels: expected `energy` of shape {shape}, got {self.energy.shape}"
            )
        for name, values in vars(self).items():
            if name != "grid" and values is not None and len(values) != shape[0]:
                raise ValueError(
                    f"Voxels: expected {shape[0]} values of `{name}`, got {len(values)}"
                )
        good = (self.incident_energy > 0) & (self.incident_energy < np.inf)
        if not good.all():
            event = int(np.flatnonzero(~good)[0])
            raise ValueError(
                f"Voxels: expected `incident_energy` above 0, got "
                f"{self.incident_energy[event]} in event {event}"
            )

    def __len__(self) -> int:
        return len(self.incident_energy)

    def __getitem__(self, events: slice | Int[Array, " chosen"]) -> "Voxels":
        """Return some of the events."""
        chosen: dict[str, Any] = {k: values[events] for k, values in self._columns().items()}
        return replace(self, **chosen)

    def __repr__(self) -> str:
        return f"Voxels({len(self)} events on {self.grid!r})"

    @property
    def layer_energy(self) -> Float64[Array, "event layer"]:
        """Energy of each layer, as a fraction of the kinetic energy."""
        starts = self.grid.layer_boundaries[:-1]
        return np.add.reduceat(self.energy, starts, axis=1, dtype=np.float64)

    @property
    def total_fraction(self) -> Float64[Array, " event"]:
        """Energy of all voxels, as a fraction of the kinetic energy."""
        return np.asarray(self.energy.sum(axis=1, dtype=np.float64))

    def _columns(self) -> dict[str, Array]:
        columns = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        return {name: values for name, values in columns.items() if values is not None}


def concatenate_voxels(parts: Sequence[Voxels]) -> Voxels:
    """Join batches of events on one grid, in order.

    Args:
        parts: At least one batch.

    Returns:
        All events; a column is None unless every batch has it. If any have weights, the others
        weigh 1.

    Raises:
        ValueError: If the grids differ.
    """
    if any(part.grid != parts[0].grid for part in parts):
        raise ValueError("concatenate_voxels: expected all parts on the same grid")
    joined: dict[str, Any] = {}
    for field in fields(Voxels)[1:]:
        columns = [getattr(part, field.name) for part in parts]
        if field.name == "weight":
            columns = complete_weights(columns, [len(part) for part in parts])
        complete = all(column is not None for column in columns)
        joined[field.name] = np.concatenate(columns) if complete else None
    return replace(parts[0], **joined)
