"""What the first events say of units: how far out hits lie, and how much energy they have."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.foreign.description_file import parse_description
from calovox.foreign.events import PhotonTable, read_events, whole_numbers
from calovox.foreign.hits import check_hits, columns_to_photons, positions_of
from calovox.foreign.tables import choose_table
from calovox.geometry import NO_LAYER, Detector, layer_at

__all__ = ["ENERGIES", "LENGTHS", "Measured", "measure"]

LENGTHS: Final[Mapping[str, float]] = {"mm": 1.0, "cm": 10.0, "m": 1e3}
"""Units of lengths, in mm."""

ENERGIES: Final[Mapping[str, float]] = {"MeV": 1.0, "GeV": 1e3}
"""Units of energies, in MeV."""


@dataclass(frozen=True)
class Measured:
    """Numbers of the first events, in the units of the file.

    Attributes:
        inside: Share of the energy in the layers of the detector, by the unit of lengths.
        energies: Lowest and highest energy of a photon.
        ratio: Mean of the energy of all hits over that of the photon.
        largest_phi: Largest absolute azimuth, by section.
        layers: Numbers in the column of layers.
    """

    inside: Mapping[str, float]
    energies: tuple[float, float]
    ratio: float
    largest_phi: Mapping[str, float]
    layers: set[int]


def measure(
    sections: Mapping[str, Any], path: Path, photons: Path | None, detector: Detector
) -> Measured | None:
    """Measure the first events of a file.

    Args:
        sections: A description without units.
        path: The file of hits.
        photons: The file of photons, if it is another one.
        detector: The layers that the hits are in.

    Returns:
        The numbers; None if there are no events.

    Raises:
        ForeignFileError: If it cannot be read.
    """
    plain = {
        "hits": {"length_unit": "mm", "energy_unit": "MeV"},
        "photons": {"energy_unit": "MeV"},
    }
    description = parse_description(
        {name: {**section, **plain[name]} for name, section in sections.items()}
    )
    columns = description.hits
    table = choose_table(path, columns.table, offsets=columns.offsets)
    batch = next(read_events(table, description), None)
    if batch is None or len(batch) == 0:
        return None
    check_hits(table, batch.hits, description)
    values = batch.photons
    keys = np.arange(len(batch)) if batch.keys is None else batch.keys
    if description.photons.is_apart:
        source = choose_table(photons or path, description.photons.table)
        values = PhotonTable(source, description.photons).take(keys)
    photon = columns_to_photons(table, values, np.arange(len(batch)), description)
    energy = batch.hits[columns.energy].astype(np.float64)
    eta, _, r = positions_of(batch.hits, description)
    total = energy.sum() or 1.0
    inside = {
        unit: float(energy[layer_at(detector, r * factor, eta) != NO_LAYER].sum() / total)
        for unit, factor in LENGTHS.items()
    }
    sums = np.diff(np.concatenate([[0.0], np.cumsum(energy)])[batch.offsets])
    with np.errstate(over="ignore"):  # infinite for photons of hardly any energy: no unit fits
        response = float(np.mean(sums / photon.energy))
    layers: set[int] = set()
    if columns.layer is not None:
        numbers = whole_numbers(batch.hits[columns.layer], table, columns.layer)
        layers = set(np.unique(numbers).tolist())
    own_phi, phi = batch.hits.get(columns.phi or ""), values.get(f"{description.photons.phi}")
    return Measured(
        inside,
        (float(photon.energy.min()), float(photon.energy.max())),
        response,
        {
            section: 0.0 if found is None else float(np.abs(found).max(initial=0.0))
            for section, found in (("hits", own_phi), ("photons", phi))
        },
        layers,
    )
