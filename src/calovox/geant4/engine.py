"""Geant4 through calzone: photons in, energy deposits out. The only module that imports calzone.

Every event starts at its own position of Geant4's random stream, a 128-bit number made from the
seed and the event index. Its deposits therefore do not depend on which events are simulated with
it, nor in which order. (Geant4 keeps no state of its own between events with the
electromagnetic physics used here; a test compares deposits bit by bit.)

References:
    Geant4 Collaboration, *Recent developments in Geant4*, NIM A 835 (2016) 186,
    https://doi.org/10.1016/j.nima.2016.06.125
    V. Niess, *Calzone*, https://calzone.readthedocs.io
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float64, Int, Int64, UInt64
from calovox.geant4.detector import ENTRANCE_RADIUS, DetectorModel
from calovox.geant4.nuclear_reactions import switch_off_nuclear_reactions
from calovox.geant4.volumes import Recording, detector_volumes, shell_name
from calovox.photons import Photons
from calovox.random_streams import Stream, event_keys

__all__ = [
    "ELECTRON",
    "PHOTON",
    "Deposits",
    "Geant4DataError",
    "ShowerEngine",
    "build_simulation",
    "calzone_version",
    "random_positions",
]

PHOTON: Final = 22
ELECTRON: Final = 11
_NOT_INSTALLED = (
    "Geant4 is not installed: get it with pip install '.[geant4]' in the folder of calovox's "
    "sources"
)
_MM = 10.0
_CM = 0.1


class Geant4DataError(RuntimeError):
    """Geant4, or its data, is not installed; the message says how to get it."""


@dataclass(frozen=True)
class Deposits:
    """Energy deposits of a batch of events, in the frame of the detector model.

    Attributes:
        start: Start of each step in mm.
        end: End of each step in mm; the start itself for deposits at a point.
        energy: Deposited energy in MeV, as released in the recording volume.
        event_offsets: Deposits of event i are the rows ``event_offsets[i]:event_offsets[i + 1]``.
        shell: Number of the recording volume of each deposit, an index of `shell_names`.
        shell_names: Names of the recording volumes.
    """

    start: Float64[Array, "deposit 3"]
    end: Float64[Array, "deposit 3"]
    energy: Float64[Array, " deposit"]
    event_offsets: Int64[Array, " offset"]
    shell: Int64[Array, " deposit"]
    shell_names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.event_offsets) - 1


def random_positions(
    seed: int, event_indices: Int[Array, " event"]
) -> UInt64[Array, "event word"]:
    """Derive where in Geant4's random stream each event starts.

    Args:
        seed: Seed of the run.
        event_indices: Index of each event in the whole run.

    Returns:
        The upper and the lower 64 bits of the positions, which lie a random distance out of
        2^128 apart: two events would share numbers only if they lay within some 10^10.
    """
    indices = np.asarray(event_indices, dtype=np.int64)
    upper = event_keys(seed, Stream.GEANT4, indices)
    lower = event_keys(seed, Stream.GEANT4, -1 - indices)
    return np.stack([upper, lower], axis=1)


class ShowerEngine:
    """Geant4 with one detector and one set of physics settings.

    Physics is Geant4's standard electromagnetic list; hadronic interactions and reactions of
    photons and leptons with nuclei are off.
    """

    def __init__(
        self,
        detector: DetectorModel | None = None,
        *,
        cut: float = 0.1,
        recording: Recording = "sensitive",
    ) -> None:
        """Build the detector and load the physics tables.

        Args:
            detector: The detector; the built-in one by default.
            cut: Production threshold in mm: particles of shorter range are not followed.
            recording: Which shells record energy deposits.

        Raises:
            Geant4DataError: If calzone or the data files of Geant4 are missing.
        """
        self._calzone = _import_calzone()
        volumes = detector_volumes(detector or DetectorModel(), recording=recording)
        self._simulation = build_simulation(volumes, cut=cut)

    @classmethod
    def from_volumes(cls, volumes: dict[str, Any], *, cut: float = 0.1) -> "ShowerEngine":
        """Build any other geometry.

        Args:
            volumes: The geometry as calzone's nested dictionary.
            cut: Production threshold in mm.

        Returns:
            Geant4 with this geometry.

        Raises:
            Geant4DataError: If calzone or the data files of Geant4 are missing.
        """
        engine = cls.__new__(cls)
        engine._calzone = _import_calzone()
        engine._simulation = build_simulation(volumes, cut=cut)
        return engine

    def run(
        self,
        photons: Photons,
        *,
        seed: int,
        radius: Float64[Array, " event"] | None = None,
        pdg: int = PHOTON,
    ) -> Deposits:
        """Simulate photons, or other particles.

        Each photon is moved to phi = 0 and eta >= 0.

        Args:
            photons: The photons.
            seed: Seed of the run.
            radius: Distance from the beam axis in mm at which each of them starts; None for the
                entrance of the calorimeter.
            pdg: Particle number of the Particle Data Group.

        Returns:
            The deposits, event by event.
        """
        start = _on_lines(photons, radius)
        return self.run_particles(
            pdg, photons.energy, *start, random_positions(seed, photons.index)
        )

    def first_interactions(
        self, photons: Photons, *, seed: int, radius: Float64[Array, " event"] | None = None
    ) -> Float64[Array, " event"]:
        """Find where the photons that `run` simulates interact first.

        Geant4 follows the photon before anything that it makes, so that its random numbers are the
        same if all that it makes is dropped: this costs 50 microseconds a photon.

        Args:
            photons: The photons.
            seed: Seed of the run.
            radius: Distance from the beam axis in mm at which each of them starts; None for the
                entrance of the calorimeter.

        Returns:
            Distance from the beam axis in mm; infinite for a photon that leaves the detector.
        """
        particles = self._particles(PHOTON, photons.energy, *_on_lines(photons, radius))
        simulation = self._simulation
        simulation.secondaries, simulation.tracking = False, True
        try:
            vertices = simulation.run(
                particles, random_indices=random_positions(seed, photons.index)
            ).vertices
        finally:
            simulation.secondaries, simulation.tracking = True, False
        return _first_radii(vertices, len(photons))

    def run_particles(
        self,
        pdg: int,
        energy: Float64[Array, " event"],
        position: Float64[Array, "event 3"],
        direction: Float64[Array, "event 3"],
        random_indices: UInt64[Array, "event word"],
    ) -> Deposits:
        """Simulate one particle per event.

        Args:
            pdg: Particle number of the Particle Data Group.
            energy: Kinetic energy in MeV.
            position: Starting point in mm.
            direction: Unit vector of the momentum.
            random_indices: Start in the random stream, from `random_positions`.

        Returns:
            The deposits, event by event.
        """
        particles = self._particles(pdg, energy, position, direction)
        result = self._simulation.run(particles, random_indices=random_indices)
        return _collect_deposits(result.deposits, len(energy))

    def _particles(
        self,
        pdg: int,
        energy: Float64[Array, " event"],
        position: Float64[Array, "event 3"],
        direction: Float64[Array, "event 3"],
    ) -> Any:
        particles = self._calzone.particles(len(energy), pid=pdg)
        particles["energy"] = energy
        particles["position"] = position * _CM
        particles["direction"] = direction
        return particles


def build_simulation(volumes: dict[str, Any], *, cut: float) -> Any:
    """Set up Geant4 with standard electromagnetic physics, and check that its data are there.

    Args:
        volumes: The geometry as calzone's nested dictionary.
        cut: Production threshold in mm.

    Returns:
        A ``calzone.Simulation`` that records every deposit.

    Raises:
        Geant4DataError: If calzone or the data files of Geant4 are missing.
    """
    calzone = _import_calzone()
    _prepare_physics()
    return calzone.Simulation(
        calzone.Geometry(volumes),
        physics=calzone.Physics("standard", default_cut=cut * _CM),
        random=calzone.Random(0),
        sample_deposits="detailed",
    )


@cache
def _prepare_physics() -> None:
    """Initialise Geant4 once per process, in an empty box, and keep it electromagnetic."""
    calzone = _import_calzone()
    box = calzone.Geometry({"Box": {"box": 1.0, "material": "G4_Galactic"}})
    simulation = calzone.Simulation(
        box, physics=calzone.Physics("standard"), random=calzone.Random(0)
    )
    try:
        simulation.run(calzone.particles(1, pid=PHOTON, energy=1e-3))
    except FileNotFoundError as error:
        raise Geant4DataError(
            f"Geant4 data: {error}; get it with 'python -m calzone download' (2 GB), or set "
            f"GEANT4_DATA_DIR to a folder that has it"
        ) from None
    switch_off_nuclear_reactions()


def calzone_version() -> str:
    """Return the version of calzone.

    Raises:
        Geant4DataError: If it is not installed.
    """
    try:
        return version("calzone")
    except PackageNotFoundError:
        raise Geant4DataError(_NOT_INSTALLED) from None


def _import_calzone() -> Any:
    try:
        return import_module("calzone")
    except ImportError:
        raise Geant4DataError(_NOT_INSTALLED) from None


def _on_lines(
    photons: Photons, radius: Float64[Array, " event"] | None
) -> tuple[Float64[Array, "event 3"], Float64[Array, "event 3"]]:
    """Place photons on their lines from the origin: positions and directions."""
    abs_eta = np.abs(photons.eta)
    none = np.zeros_like(abs_eta)
    direction = np.stack([1.0 / np.cosh(abs_eta), none, np.tanh(abs_eta)], axis=1)
    line = np.stack([np.ones_like(abs_eta), none, np.sinh(abs_eta)], axis=1)
    start = np.full(len(photons), ENTRANCE_RADIUS) if radius is None else radius
    return start[:, None] * line, direction


def _first_radii(vertices: Any, n_events: int) -> Float64[Array, " event"]:
    """Find where each photon does anything else than to cross a border."""
    process = vertices["process"]
    rows = np.flatnonzero((process != b"") & (process != b"Transport"))
    events, first = np.unique(vertices["event"][rows], return_index=True)
    position = vertices["position"][rows[first]] * _MM
    radius = np.full(n_events, np.inf)
    radius[events.astype(np.int64)] = np.hypot(position[:, 0], position[:, 1])
    return radius


def _collect_deposits(recorded: Any, n_events: int) -> Deposits:
    """Join the deposits of all volumes, sorted by event."""
    # calzone lists volumes in the order of their first deposit, which depends on the batch: sorted
    # by name, the order inside an event depends on the event alone
    names = sorted(recorded)
    empty = np.zeros((0, 3))
    events, starts, ends = [np.zeros(0, np.int64)], [empty], [empty]
    energies, shells = [np.zeros(0)], [np.zeros(0, np.int64)]
    for number, name in enumerate(names):
        for rows, fields in (
            (recorded[name].line, ("start", "end")),
            (recorded[name].point, ("position", "position")),
        ):
            events.append(rows["event"].astype(np.int64))
            starts.append(rows[fields[0]])
            ends.append(rows[fields[1]])
            energies.append(rows["value"])
            shells.append(np.full(len(rows), number, dtype=np.int64))
    event = np.concatenate(events)
    # stable: the deposits of an event keep the order in which Geant4 made them
    order = np.argsort(event, kind="stable")
    counts = np.bincount(event, minlength=n_events)
    return Deposits(
        start=np.concatenate(starts)[order] * _MM,
        end=np.concatenate(ends)[order] * _MM,
        energy=np.concatenate(energies)[order],
        event_offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        shell=np.concatenate(shells)[order],
        shell_names=tuple(shell_name(name) for name in names),
    )
