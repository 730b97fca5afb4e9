r"""Showers of LEMURS and of Geant4's example Par04: cylinders of voxels about the photon.

An HDF5 file has `showers` (event, r, phi, z), `incident_energy`, both in MeV, and the direction of
the photon, `incident_theta` and `incident_phi` in rad. Angles of voxels start at -pi, as Par04
counts them. Every z is a layer, from 0. Sizes of voxels are not in the file; a layer does not need
its thickness, and the width of the rings is an argument.

The default width is an assumption. Par04's macro has 18 rings of 2.325 mm, 0.25 Moliere radii of
tungsten, for silicon and tungsten (of 4 mm for scintillator and lead), and the binning of data set
2 of the CaloChallenge, the same cylinder, 9 rings of 4.65 mm. LEMURS has 9 rings as well.

References:
    A. Zaborowska et al., *Geant4 example Par04*,
    https://gitlab.cern.ch/geant4/geant4/-/tree/master/examples/extended/parameterisations/Par04
    P. McKeown, P. Raikwar, A. Zaborowska, *LEMURS dataset: Large-scale multi-detector
    ElectroMagnetic Universal Representation of Showers* (2025), https://arxiv.org/abs/2509.05108
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from calovox.files.hdf5 import open_for_reading
from calovox.foreign.showers.columns import (
    batches_of_showers,
    numbers_of_events,
    shape_of,
    to_fractions,
)
from calovox.foreign.showers.polar import PolarLayer, polar_grid
from calovox.foreign.tables.table import ForeignFileError
from calovox.geometry.coordinates import wrap_phi
from calovox.voxelization import Voxels

__all__ = ["DEFAULT_RING", "LemursShowers"]

DEFAULT_RING: Final = 4.65
"""Width of the rings in mm, assumed: half a Moliere radius of tungsten, as in data set 2."""

_LEAST_ANGLE: Final = 1e-6  # rad from the beam
_MOST_LAYERS: Final = 255
_MOST_VOXELS: Final = 1_000_000


class LemursShowers:
    """A file of LEMURS, or of Par04.

    Args:
        path: The file.
        ring: Width of the rings in mm.

    Attributes:
        layout: What the layout is called.
        path: The file.
        grid: Its voxels: z by z, then by phi, then by r.

    Raises:
        ForeignFileError: If it is no usable file.
    """

    layout = "LEMURS and Par04"

    def __init__(self, path: Path, *, ring: float = DEFAULT_RING) -> None:
        self.path = path
        with open_for_reading(path, ForeignFileError) as file:
            shape = shape_of(file, path, "showers")
            if len(shape) != 4 or not 0 < np.prod(shape[1:], dtype=object) <= _MOST_VOXELS:
                raise ForeignFileError(
                    f"{path}: expected `showers` of shape (event, r, phi, z), got {shape}"
                )
            n_events, n_r, n_alpha, n_layers = shape
            if n_layers > _MOST_LAYERS:
                raise ForeignFileError(
                    f"{path}: expected {_MOST_LAYERS} layers at most, got {n_layers} along z"
                )
            energy = numbers_of_events(file, path, "incident_energy", n_events, positive=True)
            theta = numbers_of_events(file, path, "incident_theta", n_events)
            self._phi = wrap_phi(numbers_of_events(file, path, "incident_phi", n_events))
        aside = (theta > _LEAST_ANGLE) & (theta < np.pi - _LEAST_ANGLE)
        if not aside.all():
            event = int(np.flatnonzero(~aside)[0])
            raise ForeignFileError(
                f"{path}: expected `incident_theta` between 0 and pi, at least {_LEAST_ANGLE:g} "
                f"from either, got {theta[event]} in event {event}"
            )
        self._energy, self._eta = energy, -np.log(np.tan(0.5 * theta))
        edges = ring * np.arange(n_r + 1)
        layers = [PolarLayer(number, edges, n_alpha) for number in range(n_layers)]
        try:
            self.grid = polar_grid(layers, "LEMURS")
        except ValueError as problem:
            raise ForeignFileError(f"{path}: {problem}") from problem

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self._energy)

    def batches(self, size: int) -> Iterator[Voxels]:
        """Read all showers, so many at a time."""
        for rows, showers in batches_of_showers(self.path, len(self), size):
            incident, eta, phi = self._energy[rows], self._eta[rows], self._phi[rows]
            energy = showers.transpose(0, 3, 2, 1).reshape(len(incident), -1)
            yield Voxels(
                grid=self.grid,
                energy=to_fractions(self.path, energy, incident, rows.start),
                incident_energy=incident,
                eta_center=eta,
                phi_center=phi,
                index=np.arange(rows.start, rows.stop, dtype=np.int64),
                photon_eta=eta,
                photon_phi=phi,
            )
