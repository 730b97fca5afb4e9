r"""Events of foreign tables become hits of ours.

A hit at (x, y, z) has r = sqrt(x^2 + y^2), phi = atan2(y, x) and sinh(eta) = z / r: the photon
flies from the origin of the detector. A hit without a number of a layer is in the layer at its
radius and eta. Hits in no layer, and hits without energy, are left out and
counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float64, Int64, UInt8
from calovox.foreign.description import Description, unit_factor
from calovox.foreign.events import EventBatch, whole_numbers
from calovox.foreign.tables import ForeignFileError, Table
from calovox.geometry import NO_LAYER, Detector, layer_at, wrap_phi
from calovox.hits import Hits
from calovox.photons import PDG, Particle, Photons

__all__ = [
    "LeftOut",
    "check_hits",
    "columns_to_hits",
    "columns_to_particle",
    "columns_to_photons",
    "mixed_particles",
    "positions_of",
]

_MASS = 0.51099895  # MeV, of electrons and positrons
_LARGEST = 1e30  # no length or energy is larger; single precision ends at 3.4e38
_SMALLEST_R = 1.0  # mm: nothing nearer to the beam axis is in a calorimeter


@dataclass
class LeftOut:
    """What was left out so far.

    Attributes:
        n_hits: All hits that were read.
        energy: Their energy in MeV.
        n_without_energy: Hits of energy 0.
        n_outside: Hits in no layer.
        energy_outside: Their energy in MeV.
    """

    n_hits: int = 0
    energy: float = 0.0
    n_without_energy: int = 0
    n_outside: int = 0
    energy_outside: float = 0.0


def columns_to_hits(
    table: Table,
    batch: EventBatch,
    photons: Photons,
    description: Description,
    detector: Detector,
    left_out: LeftOut,
) -> Hits:
    """Convert events of a table.

    Args:
        table: Where they are from, for messages.
        batch: The events.
        photons: Their photons.
        description: What the columns mean.
        detector: The layers that the hits are in.
        left_out: Counts what is left out.

    Returns:
        The hits, in single precision.

    Raises:
        ForeignFileError: If a number is not finite or too large, or a layer is not one of the
            detector.
    """
    columns = description.hits
    check_hits(table, batch.hits, description)
    eta, phi, r = positions_of(batch.hits, description)
    energy = batch.hits[columns.energy] * (unit_factor(columns, "energy_unit") * columns.scale)
    _check_finite(table, f"{columns.energy} in MeV", energy)
    if columns.layer is None:
        layer = layer_at(detector, r, eta)
    else:
        layer = _layers(table, batch.hits[columns.layer], description, detector)
        layer[r < _SMALLEST_R] = NO_LAYER
    without, outside = energy == 0.0, layer == NO_LAYER
    left_out.n_hits += len(energy)
    left_out.energy += float(energy.sum())
    left_out.n_without_energy += int(without.sum())
    left_out.n_outside += int((outside & ~without).sum())
    left_out.energy_outside += float(energy[outside].sum())
    keep = ~(without | outside)
    offsets = np.concatenate([[0], np.cumsum(keep)])[batch.offsets].astype(np.int64)
    below_pi = np.nextafter(np.float32(np.pi), np.float32(0.0))
    return Hits(
        layer=layer[keep],
        eta=eta[keep].astype(np.float32),
        phi=np.clip(phi[keep].astype(np.float32), -below_pi, below_pi),
        r=r[keep].astype(np.float32),
        energy=energy[keep].astype(np.float32),
        event_offsets=offsets,
        photons=photons,
    )


def columns_to_photons(
    table: Table,
    values: Mapping[str, Float64[Array, " event"]],
    index: Int64[Array, " event"],
    description: Description,
) -> Photons:
    """Convert the photons of events.

    Args:
        table: Where they are from, for messages.
        values: Columns by their names.
        index: Index of each event.
        description: What the columns mean.

    Returns:
        The photons.

    Raises:
        ForeignFileError: If the particles are not of one known kind, or an energy or direction
            is none.
    """
    columns = description.photons
    particle = columns_to_particle(table, values, index, description)
    energy_unit = unit_factor(columns, "energy_unit")
    angle = unit_factor(columns, "angle_unit")
    given = {}
    for key in columns.direction:
        entry = getattr(columns, key)
        numbers = values[entry] if isinstance(entry, str) else np.full(len(index), entry)
        given[key] = numbers.astype(np.float64)
        _check_finite(table, entry if isinstance(entry, str) else key, given[key])
    if "px" in given:
        p_t = np.hypot(given["px"], given["py"])
        with np.errstate(divide="ignore", invalid="ignore"):
            eta = np.arcsinh(given["pz"] / p_t)
        mass = 0.0 if particle == "photon" else _MASS / energy_unit
        momentum = np.hypot(p_t, given["pz"])
        energy = np.hypot(momentum, mass) - mass
        phi = np.arctan2(given["py"], given["px"])
    else:
        energy, phi = given["energy"], given["phi"] * angle
        eta = given["eta"] if "eta" in given else _eta_of(given["theta"] * angle)
    try:
        return Photons(energy=energy * energy_unit, eta=eta, phi=wrap_phi(phi), index=index)
    except ValueError as problem:
        raise ForeignFileError(f"{table.path}: {problem}") from problem


def columns_to_particle(
    table: Table,
    values: Mapping[str, Float64[Array, " event"]],
    index: Int64[Array, " event"],
    description: Description,
) -> Particle:
    """Tell which particles events have.

    Args:
        table: Where they are from, for messages.
        values: Columns of the photons by their names.
        index: Index of each event, of one at least.
        description: What the columns mean.

    Returns:
        The kind of particle; a photon if nothing is said.

    Raises:
        ForeignFileError: If a kind is not known, or there are several.
    """
    column, kinds = description.photons.pdg, {code: name for name, code in PDG.items()}
    if column is None:
        return "photon"
    if not isinstance(column, str):
        return kinds[int(column)]
    codes = values[column]
    unknown = np.flatnonzero(~np.isin(codes, list(kinds)))
    if len(unknown):
        known = ", ".join(f"{code} ({name}s)" for code, name in kinds.items())
        raise ForeignFileError(
            f"{table.path}: expected {known} in `{column}`, got {codes[unknown[0]]:g} in event "
            f"{index[unknown[0]]}"
        )
    other = np.flatnonzero(codes != codes[0])
    if len(other):
        first, second = kinds[int(codes[0])], kinds[int(codes[other[0]])]
        raise mixed_particles(f"{table.path}", first, second, int(index[other[0]]))
    return kinds[int(codes[0])]


def mixed_particles(paths: str, first: Particle, second: Particle, event: int) -> ForeignFileError:
    """Give the error of files with more than one kind of particle.

    Args:
        paths: The files.
        first: The kind of the events before.
        second: Another kind.
        event: The first event of the other kind.

    Returns:
        The error.
    """
    return ForeignFileError(
        f"{paths}: expected one kind of particle, got {first}s and, in event {event}, a {second}: "
        "import each kind from files of its own"
    )


def check_hits(table: Table, hits: Mapping[str, Array], description: Description) -> None:
    """Check positions and energies of hits before anything is computed from them.

    Args:
        table: Where they are from, for messages.
        hits: Columns by their names.
        description: What they mean.

    Raises:
        ForeignFileError: If a number is not finite or too large.
    """
    for key in (*description.hits.position, "energy"):
        name = getattr(description.hits, key)
        _check_finite(table, name, hits[name])


def positions_of(
    hits: Mapping[str, Array], description: Description
) -> tuple[Float64[Array, " hit"], Float64[Array, " hit"], Float64[Array, " hit"]]:
    """Give the positions of hits.

    Args:
        hits: Columns by their names.
        description: What they mean.

    Returns:
        Pseudorapidity, azimuth in rad, and distance from the beam axis in mm.
    """
    columns = description.hits
    length, angle = unit_factor(columns, "length_unit"), unit_factor(columns, "angle_unit")
    values = {key: hits[getattr(columns, key)].astype(np.float64) for key in columns.position}
    if "x" in values:
        x, y, z = (length * values[key] for key in ("x", "y", "z"))
        return _eta_at(z, np.hypot(x, y)), wrap_phi(np.arctan2(y, x)), np.hypot(x, y)
    r, phi = length * values["r"], wrap_phi(angle * values["phi"])
    return values["eta"] if "eta" in values else _eta_at(length * values["z"], r), phi, r


def _eta_at(z: Float64[Array, " hit"], r: Float64[Array, " hit"]) -> Float64[Array, " hit"]:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        eta = np.arcsinh(z / r)
    return np.where(np.isfinite(eta), eta, 0.0)  # on the beam axis, where there is no layer


def _eta_of(theta: Float64[Array, " event"]) -> Float64[Array, " event"]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-np.log(np.tan(0.5 * theta)))


def _layers(
    table: Table, values: Array, description: Description, detector: Detector
) -> UInt8[Array, " hit"]:
    name = description.hits.layer
    assert name is not None  # or they are found
    numbers, known = whole_numbers(values, table, name), description.layers
    own = np.unique(numbers)
    allowed = (*detector.numbers, NO_LAYER)
    unknown = [n for n in own.tolist() if known.get(n, None if known else n) not in allowed]
    if unknown:
        ours = ", ".join(map(str, detector.numbers))
        raise ForeignFileError(
            f"{table.path}: expected layers {ours} in `{name}`, got {unknown[0]}: say in [layers] "
            "which one it is, or that it is none, or leave `layer` out to find it by the position"
        )
    if not known:
        return numbers.astype(np.uint8)
    table_of = np.array([known[n] for n in own.tolist()], dtype=np.uint8)
    return table_of[np.searchsorted(own, numbers)]


def _check_finite(table: Table, name: str, values: Array) -> None:
    wrong = np.flatnonzero(~(np.abs(values) <= _LARGEST))
    if len(wrong):
        raise ForeignFileError(
            f"{table.path}: expected finite numbers in `{name}`, of at most {_LARGEST:g}, got "
            f"{values[wrong[0]]}"
        )
