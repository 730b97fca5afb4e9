r"""The dataset file: HDF5 with the keys of the note's Table A.1 at the root.

| key | shape | meaning |
| --- | --- | --- |
| `incident_energy` | event | kinetic energy of the photon in MeV |
| `eta_center` | event | pseudorapidity of the shower centre; also named `center_eta` |
| `energy_layer_j` | event x voxel | energy of layer j's voxels, fraction of the kinetic energy |
| `binstart_radius_layer_j`, `binsize_radius_layer_j` | voxel | inner radius and width, mm |
| `binstart_alpha_layer_j`, `binsize_alpha_layer_j` | voxel | lower edge and width in alpha, rad |

with the number j of each layer: 0, 1, 2, 3 and 12 in the built-in barrel. What we add lives in
groups, all of them optional for readers:

- `event`: `phi_center`, `dropped_fraction`, `index`, `photon_eta`, `photon_phi`, per event,
  `extrapolated` (truth values: the photon lies outside the range its model was trained for),
  `weight` (how many ordinary showers it stands for) and `interaction_radius` (where the photon
  first interacts, mm, infinite if it does not);
- `cells`: `cell` (row of the cell table) and `energy` (MeV) of the cells that were hit,
  `event_offsets` into them, and `outside` (MeV per event, hits outside all cells);
- `meta`: attributes `format`, `version`, `grid`, `cell_table`, `provenance`, `rounding` and, of
  other layers than those of the built-in barrel, `detector` (JSON), and groups of arrays that
  belong to the dataset, such as a calibration.

An event library for FastCaloSim has `phi_mod` at the root as well: the position of the shower
centre in its cell in phi.

Readers accept float32 and float64, any order of the voxels, columns of shape (event, 1), and any
compression that HDF5 or hdf5plugin can undo.

References:
    ATLAS Collaboration, *Photon showers in the ATLAS fast calorimeter simulation: A voxelized
    dataset with minimized information loss and improved ML models*, ATL-SOFT-PUB-2025-003 (2025),
    Appendix A.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

__all__ = [
    "CELL_COLUMNS",
    "ETA_CENTER",
    "ETA_CENTER_ALIAS",
    "EVENT_COLUMNS",
    "FORMAT",
    "INCIDENT_ENERGY",
    "LEAST_FRACTION",
    "PHI_MOD",
    "VERSION",
    "DatasetError",
    "LayerKeys",
    "layer_numbers",
]

FORMAT = "calovox dataset"
VERSION = 1

INCIDENT_ENERGY = "incident_energy"
ETA_CENTER = "eta_center"
ETA_CENTER_ALIAS = "center_eta"
PHI_MOD = "phi_mod"
_LAYERED = re.compile(
    r"(?:energy|binstart_alpha|binsize_alpha|binstart_radius|binsize_radius)_layer_(\d+)"
)

EVENT_COLUMNS = {
    "phi_center": "f8",
    "dropped_fraction": "f8",
    "index": "i8",
    "photon_eta": "f8",
    "photon_phi": "f8",
    "extrapolated": "?",
    "weight": "f8",
    "interaction_radius": "f8",
}
LEAST_FRACTION: Final = 1.3e-7
"""Voxels below this fraction of the kinetic energy are 0 in all that FastCaloSim reads: it divides
by 0 where the first voxel above 0 of a layer has 1.19e-7 of the kinetic energy or less."""

CELL_COLUMNS = {"cell": "i4", "energy": "f4", "event_offsets": "i8", "outside": "f8"}


class LayerKeys(NamedTuple):
    """Keys of one layer.

    Attributes:
        energy: Energies of its voxels.
        alpha_start: Their lower edges in alpha.
        alpha_size: Their widths in alpha.
        r_start: Their inner radii.
        r_size: Their radial widths.
    """

    energy: str
    alpha_start: str
    alpha_size: str
    r_start: str
    r_size: str

    @classmethod
    def of(cls, layer: int) -> "LayerKeys":
        """Name the keys of the layer with a number."""
        return cls(
            f"energy_layer_{layer}",
            f"binstart_alpha_layer_{layer}",
            f"binsize_alpha_layer_{layer}",
            f"binstart_radius_layer_{layer}",
            f"binsize_radius_layer_{layer}",
        )


def layer_numbers(names: Iterable[str]) -> tuple[int, ...]:
    """Find the layers that a dataset speaks of.

    Args:
        names: Keys at its root.

    Returns:
        Numbers of the layers, rising.
    """
    matches = (_LAYERED.fullmatch(name) for name in names)
    return tuple(sorted({int(match[1]) for match in matches if match is not None}))


class DatasetError(ValueError):
    """A dataset file that cannot be used, and why."""
