r"""A library of voxelised showers, from which each photon gets one: BinnedShower's first step.

Three ways to match (note, section 2.4):

- *perfect*: the same event's voxels, its own centre, its own energy;
- *nearest*: the shower nearest to the photon in abs(eta), log2 of the energy, and position of the
  shower centre in its cell in phi. Distances are in units of 0.05, of one octave, and of one cell,
  as in FastCaloSim's ``TFCSBinnedShower::find_best_match``; unlike there, the two ends of a cell
  are neighbours, and showers of either sign of eta are alike, because voxels mirror eta;
- *random*: any shower.

A shower matched to a photon has the energy and the direction of that photon, and keeps the
fractions of the energy in its voxels.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from calovox.arrays import Array, Float64, Int, Int64
from calovox.geometry import CellTable
from calovox.phi_modulation import PERIOD, center_phases
from calovox.photons import Photons, event_indices
from calovox.random_streams import Stream, event_keys, event_uniforms
from calovox.voxelization import Voxels

__all__ = ["ShowerLibrary"]

ETA_UNIT: Final = 0.05
"""Difference in abs(eta) that counts as much as a factor of two in energy, or a whole cell."""


_PERIOD_IN_FILES: Final = float(np.float32(PERIOD))


@dataclass(frozen=True)
class ShowerLibrary:
    """Voxelised showers to choose from.

    Attributes:
        voxels: The showers.
        phi_mod: Position of each shower centre in its cell in phi, in rad, [0, 2 pi / 1024); None
            to take it from the showers' `phi_center`, if they have one.
        cells: The cells in which positions count; None for the built-in barrel.
    """

    voxels: Voxels
    phi_mod: Float64[Array, " event"] | None = None
    cells: CellTable | None = None

    def __post_init__(self) -> None:
        if len(self) == 0:
            raise ValueError("ShowerLibrary: expected at least one shower, got none")
        phi, eta = self.voxels.phi_center, self.voxels.eta_center
        if self.phi_mod is None and phi is not None:
            phases = center_phases(eta, phi, self.cells)
            object.__setattr__(self, "phi_mod", phases)
        phi_mod = self.phi_mod
        if phi_mod is not None and not (
            len(phi_mod) == len(self) and np.all((phi_mod >= 0) & (phi_mod <= _PERIOD_IN_FILES))
        ):
            raise ValueError(
                f"ShowerLibrary: `phi_mod` must have {len(self)} values in [0, 2 pi / 1024)"
            )

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self.voxels)

    def __repr__(self) -> str:
        return f"ShowerLibrary({len(self)} showers of {self.voxels.grid.n_voxels} voxels)"

    def match_perfect(self, indices: Int[Array, " photon"]) -> Voxels:
        """Return showers as they are.

        Args:
            indices: Event index of each wanted shower.

        Returns:
            Its voxels, its centre, its energy.

        Raises:
            KeyError: If the library does not hold one of the events.
            ValueError: If the showers have no index.
        """
        if self.voxels.index is None:
            raise ValueError("ShowerLibrary: perfect matching needs showers with an `index`")
        order = np.argsort(self.voxels.index, kind="stable")
        known = self.voxels.index[order]
        found = np.minimum(np.searchsorted(known, indices), len(known) - 1)
        missing = np.flatnonzero(known[found] != indices)
        if len(missing) > 0:
            raise KeyError(f"ShowerLibrary: no shower of event {np.asarray(indices)[missing[0]]}")
        return self.voxels[order[found]]

    def match_nearest(self, photons: Photons, *, in_cell: bool = True) -> Voxels:
        """Give each photon the nearest shower.

        Args:
            photons: Photons with their direction at the calorimeter.
            in_cell: Whether the position in the cell in phi counts too.

        Returns:
            One shower per photon, with the photon's energy and direction.

        Raises:
            ValueError: If the position in the cell is to count but is not known.
        """
        if in_cell and self.phi_mod is None:
            raise ValueError(
                "ShowerLibrary: the showers' positions in their cells are not known; "
                "match with in_cell=False"
            )
        tree = self._tree_in_cell if in_cell else self._tree
        phases = center_phases(photons.eta, photons.phi, self.cells) if in_cell else None
        _, rows = tree.query(_coordinates(photons.eta, photons.energy, phases))
        return _moved(self.voxels, rows, photons)

    def match_random(self, photons: Photons, *, seed: int) -> Voxels:
        """Give each photon any shower.

        Args:
            photons: Photons with their direction at the calorimeter.
            seed: Seed of the run; the choice depends on it and on the photon's index.

        Returns:
            One shower per photon, with the photon's energy and direction.
        """
        numbers = event_uniforms(event_keys(seed, Stream.MATCHING, photons.index), 1)[:, 0]
        return _moved(self.voxels, (numbers * len(self)).astype(np.int64), photons)

    def match_displaced(self, number: int, *, seed: int, first: int = 0) -> Voxels:
        """Repeat the showers in their order, each at a new azimuth.

        Args:
            number: How many; event i is shower i modulo the size of the library.
            seed: Seed of the run; an azimuth depends on it and on i.
            first: Index of the first event.

        Returns:
            Showers with their own energy and eta, and a phi that is uniform in [-pi, pi).
        """
        events = event_indices(first, number)
        rows = events % len(self)
        numbers = event_uniforms(event_keys(seed, Stream.PLACEMENT, events), 1)[:, 0]
        photons = Photons(
            energy=self.voxels.incident_energy[rows],
            eta=self.voxels.eta_center[rows],
            phi=np.pi * (2.0 * numbers - 1.0),
            index=events,
        )
        return _moved(self.voxels, rows, photons)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(_coordinates(self.voxels.eta_center, self.voxels.incident_energy, None))

    @cached_property
    def _tree_in_cell(self) -> cKDTree:
        points = _coordinates(self.voxels.eta_center, self.voxels.incident_energy, self.phi_mod)
        return cKDTree(points, boxsize=[0.0, 0.0, 1.0])  # 0: not periodic


def _coordinates(
    eta: Float64[Array, " event"],
    energy: Float64[Array, " event"],
    phi_mod: Float64[Array, " event"] | None,
) -> Float64[Array, "event coordinate"]:
    columns = [np.abs(eta) / ETA_UNIT, np.log2(energy)]
    if phi_mod is not None:
        columns.append(phi_mod / PERIOD % 1.0)
    return np.stack(columns, axis=1)


def _moved(voxels: Voxels, rows: Int64[Array, " photon"], photons: Photons) -> Voxels:
    return replace(
        voxels[rows],
        incident_energy=photons.energy,
        eta_center=photons.eta,
        phi_center=photons.phi,
        index=photons.index,
        photon_eta=photons.eta,
        photon_phi=photons.phi,
    )
