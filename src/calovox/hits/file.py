r"""The hits file: HDF5 with one row per hit, the offsets of the events, and their photons.

| dataset | type | meaning |
| --- | --- | --- |
| `layer` | uint8 | layer number of each hit |
| `eta`, `phi`, `r`, `energy` | float32 | position (rad, mm) and energy (MeV) of each hit |
| `event_offsets` | int64 | hits of event i are the rows `event_offsets[i]` to `[i + 1]` |
| `event/energy`, `event/eta`, `event/phi` | float64 | the photon of each event |
| `event/index` | int64 | index of each event in its run |
| `event/weight` | float64 | optional: how many ordinary showers each event stands for |
| `event/interaction_radius` | float64 | optional: where the photon first interacts (mm) |

The root has the attributes `format` ("calovox hits") and `version`; the group `meta` has
`provenance`, `phi_modulation` (parameters of the modulation, and whether it is in the energies:
`calovox.phi_modulation.state`), `rounding`, `particle` if it is no photon, and, if the layers are
not those of the built-in barrel, `detector` (`calovox.geometry.detector_files.mark`), as JSON.
Readers accept additional datasets, groups and attributes.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from calovox.arrays import Array, Float, Float32, Int64
from calovox.files.hdf5 import (
    Compression,
    append_rows,
    check_version,
    compression_of,
    create_column,
    open_for_reading,
    read_json,
    read_table,
    round_mantissa,
    write_json,
)
from calovox.files.writer import BatchWriter
from calovox.geometry.detector_files.mark import DetectorMark, read_mark
from calovox.hits.hits import Hits, concatenate_hits
from calovox.photons import Particle, Photons, parse_particle
from calovox.photons.weights import describe_weights, refuse_weights
from calovox.units import format_energy

__all__ = ["HitsFileError", "HitsReader", "HitsWriter", "read_hits", "read_particle"]

FORMAT = "calovox hits"
VERSION = 1
_HIT_COLUMNS = {"layer": "u1", "eta": "f4", "phi": "f4", "r": "f4", "energy": "f4"}
_EVENT_COLUMNS = {"energy": "f8", "eta": "f8", "phi": "f8", "index": "i8"}
_OPTIONAL_COLUMNS = {"weight": "f8", "interaction_radius": "f8"}
_BUFFERED_HITS = 1_000_000
_ANGLE_STEPS = 2.0**18
_LENGTH_STEPS = 2.0**7


class HitsFileError(ValueError):
    """A hits file that cannot be used, and why."""


class HitsWriter(BatchWriter):
    """Writes a hits file batch by batch; the file appears when the ``with`` block ends well.

    With ``compression="gzip"``, programs without the filters of hdf5plugin read the file.
    With `precision_bits`, energies keep that many mantissa bits (12: relative error below 1.3e-4).
    With `round_positions`, eta and phi become multiples of 2^-18 and r of 2^-7 mm: an error below
    0.005 mm, far inside the 0.5 mm within which hits are merged.

    Example::

        with HitsWriter(path, provenance={"seed": 1}) as writer:
            writer.append(hits)
    """

    def __init__(
        self,
        path: Path,
        *,
        provenance: Mapping[str, Any],
        phi_modulation: Mapping[str, Any] | None = None,
        detector: DetectorMark | None = None,
        particle: Particle = "photon",
        overwrite: bool = False,
        precision_bits: int | None = None,
        round_positions: bool = False,
        compression: Compression = "blosc2",
    ) -> None:
        round_mantissa(np.ones(1, dtype=np.float32), precision_bits)
        super().__init__(path, overwrite=overwrite)
        self._meta: dict[str, Any] = {"provenance": dict(provenance)}
        if phi_modulation is not None:
            self._meta["phi_modulation"] = dict(phi_modulation)
        if detector is not None:
            self._meta["detector"] = detector.to_dict()
        if particle != "photon":
            self._meta["particle"] = particle
        self._meta["rounding"] = {"precision_bits": precision_bits, "positions": round_positions}
        self._precision_bits = precision_bits
        self._round_positions = round_positions
        self._compression: Compression = compression
        self._pending: list[Hits] = []
        self._n_pending = 0
        self._n_hits = 0

    def append(self, hits: Hits) -> None:
        """Add events behind those written before.

        Args:
            hits: Any number of events.

        Raises:
            ValueError: If a hit is not finite.
        """
        for name in ("eta", "phi", "r", "energy"):
            _check_finite(getattr(hits, name), name, "HitsWriter", ValueError)
        # cut where the buffer is full: the file does not depend on how events came in batches
        while self._n_pending + hits.n_hits >= _BUFFERED_HITS:
            full = int(np.searchsorted(hits.event_offsets, _BUFFERED_HITS - self._n_pending))
            self._pending.append(hits[:full])
            self._flush()
            hits = hits[full:]
        self._pending.append(hits)
        self._n_pending += hits.n_hits

    def _create(self) -> None:
        self._file.attrs["format"] = FORMAT
        self._file.attrs["version"] = VERSION
        meta = self._file.create_group("meta")
        for name, value in self._meta.items():
            write_json(meta, name, value)
        for name, dtype in _HIT_COLUMNS.items():
            create_column(self._file, name, dtype, compression=self._compression)
        create_column(self._file, "event_offsets", "i8", compression=self._compression)
        append_rows(self._file["event_offsets"], np.zeros(1, dtype=np.int64))
        events = self._file.create_group("event")
        for name, dtype in _EVENT_COLUMNS.items():
            create_column(events, name, dtype, compression=self._compression)

    def _flush(self) -> None:
        if not self._pending:
            return
        hits = concatenate_hits(self._pending)
        self._pending, self._n_pending = [], 0
        append_rows(self._file["layer"], hits.layer)
        for name in ("eta", "phi", "r"):
            values = getattr(hits, name).astype(np.float32)
            if self._round_positions:
                values = _round_position(values, name)
            append_rows(self._file[name], values)
        energy = hits.energy.astype(np.float32)
        append_rows(self._file["energy"], round_mantissa(energy, self._precision_bits))
        append_rows(self._file["event_offsets"], hits.event_offsets[1:] + self._n_hits)
        self._append_events(hits.photons)
        self._n_hits += hits.n_hits
        self._file.check_disk()

    def _append_events(self, photons: Photons) -> None:
        events = self._file["event"]
        known = {name for name in _OPTIONAL_COLUMNS if getattr(photons, name) is not None}
        if not len(events["index"]):
            for name in sorted(known):
                create_column(events, name, _OPTIONAL_COLUMNS[name], compression=self._compression)
        if {*_EVENT_COLUMNS, *known} != set(events):
            differing = ", ".join(sorted({*_EVENT_COLUMNS, *known} ^ set(events)))
            raise ValueError(
                "HitsWriter: expected the columns of the first events in all of them, differing: "
                f"{differing}"
            )
        for name in events:
            append_rows(events[name], getattr(photons, name))


class HitsReader:
    """Reads a hits file in batches of events; checks its structure at once, values as they come.

    Args:
        path: The file.
        takes_weights: Whether the caller knows what to do with showers that have weights; a file
            with such showers is refused otherwise.

    Attributes:
        path: The file.
        event_offsets: Offsets of all events in the file.
        provenance: How the hits were made.
        phi_modulation: What is known of the phi modulation in the energies; None if nothing is.
        optional: Names of the columns of the events that not every file has.
        detector: What it says of its detector; None for the layers of the built-in barrel.
        particle: What made the showers.
    """

    def __init__(self, path: Path, *, takes_weights: bool = False) -> None:
        self.path = path
        with open_for_reading(path, HitsFileError) as file:
            _check_structure(file, path)
            self.optional = tuple(name for name in _OPTIONAL_COLUMNS if name in file["event"])
            if "weight" in self.optional and not takes_weights:
                raise HitsFileError(refuse_weights(path))
            self.event_offsets: Int64[Array, " offset"] = file["event_offsets"][:]
            self.provenance: dict[str, Any] = read_table(file.get("meta"), "provenance") or {}
            self.phi_modulation: dict[str, Any] | None = read_table(
                file.get("meta"), "phi_modulation"
            )
            self.detector = read_mark(file.get("meta"), path, HitsFileError)
            self.particle = read_particle(file.get("meta"), path, HitsFileError)
            n_hits = file["energy"].shape[0]
        offsets = self.event_offsets
        if offsets[0] != 0 or offsets[-1] != n_hits or np.any(np.diff(offsets) < 0):
            raise HitsFileError(f"{path}: `event_offsets` must rise from 0 to {n_hits}")

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.event_offsets) - 1

    def __repr__(self) -> str:
        return f"HitsReader({self.path}: {len(self)} events, {self.n_hits} hits)"

    @property
    def n_hits(self) -> int:
        """Number of hits of all events."""
        return int(self.event_offsets[-1])

    def read(self, events: slice = slice(None)) -> Hits:
        """Read consecutive events.

        Args:
            events: Which ones, all by default.

        Returns:
            Their hits.

        Raises:
            HitsFileError: If a value is not finite, or the file is damaged.
        """
        start, stop, step = events.indices(len(self))
        if step != 1:
            raise IndexError(f"HitsReader: expected a slice of step 1, got {step}")
        with open_for_reading(self.path, HitsFileError) as file:
            return self._read(file, start, max(start, stop))

    def photons(self) -> Photons:
        """Read the photons of all events, without their hits.

        Returns:
            One photon per event.

        Raises:
            HitsFileError: If an energy is not above 0, or the file is damaged.
        """
        with open_for_reading(self.path, HitsFileError) as file:
            return _read_photons(file, self.path, slice(None))

    def batches(self, max_hits: int = 2_000_000, *, rows: slice = slice(None)) -> Iterator[Hits]:
        """Read events, as many at a time as have at most so many hits.

        Args:
            max_hits: Limit per batch; an event with more is a batch of its own.
            rows: Which events; all by default.

        Yields:
            Events in the order of the file.
        """
        start, end, _ = rows.indices(len(self))
        with open_for_reading(self.path, HitsFileError) as file:
            while start < end:
                limit = self.event_offsets[start] + max_hits
                stop = int(np.searchsorted(self.event_offsets, limit, side="right")) - 1
                stop = min(max(stop, start + 1), end)
                yield self._read(file, start, stop)
                start = stop

    def writer_options(self) -> dict[str, Any]:
        """Give the options with which `HitsWriter` writes such a file."""
        with open_for_reading(self.path, HitsFileError) as file:
            rounding = read_table(file.get("meta"), "rounding") or {}
            compression = compression_of(file["energy"])
        return {
            "phi_modulation": self.phi_modulation,
            "detector": self.detector,
            "particle": self.particle,
            "precision_bits": rounding.get("precision_bits"),
            "round_positions": bool(rounding.get("positions", False)),
            "compression": compression,
        }

    def summary(self) -> dict[str, str]:
        """Describe the file.

        Returns:
            Lines for a reader, by their titles.
        """
        with open_for_reading(self.path, HitsFileError) as file:
            energy, eta = file["event/energy"][:], file["event/eta"][:]
            weights = file["event/weight"][:] if "weight" in self.optional else np.empty(0)
        lines = {
            "format": f"{FORMAT} {VERSION}",
            "events": f"{len(self)}",
            "hits": f"{self.n_hits}",
        }
        if len(self):
            lines["hits per event"] = f"{self.n_hits / len(self):.0f}"
            lines["energy"] = f"{format_energy(energy.min())} to {format_energy(energy.max())}"
            lines["eta"] = f"{eta.min():.4f} to {eta.max():.4f}"
        if self.particle != "photon":
            lines["particle"] = self.particle
        if self.detector is not None:
            lines["detector"] = self.detector.name
        if len(weights):
            lines["weights"] = describe_weights(weights)
        modulation = self.phi_modulation
        lines["phi modulation"] = (
            "unknown" if modulation is None else f"{modulation.get('state', 'present')}"
        )
        return lines | {f"made with {key}": f"{value}" for key, value in self.provenance.items()}

    def _read(self, file: h5py.File, start: int, stop: int) -> Hits:
        offsets = self.event_offsets[start : stop + 1]
        rows = slice(int(offsets[0]), int(offsets[-1]))
        columns = {name: file[name][rows] for name in _HIT_COLUMNS}
        for name in ("eta", "phi", "r", "energy"):
            _check_finite(columns[name], name, str(self.path), HitsFileError)
        photons = _read_photons(file, self.path, slice(start, stop))
        try:
            return Hits(**columns, event_offsets=offsets - offsets[0], photons=photons)
        except ValueError as problem:
            raise HitsFileError(f"{self.path}: {problem}") from problem


def read_particle(meta: h5py.Group | None, path: Path, error: type[ValueError]) -> Particle:
    """Read what made the showers of a file of hits or voxels.

    Args:
        meta: Its group ``meta``, if it has one.
        path: The file, for messages.
        error: What to raise.

    Returns:
        The particle; a photon if the file does not say.

    Raises:
        ValueError: Of the given type, if it is none that is known.
    """
    try:
        return parse_particle(read_json(meta, "particle"))
    except ValueError as problem:
        raise error(f"{path}: {problem}") from problem


def read_hits(path: Path) -> Hits:
    """Read a whole hits file.

    Args:
        path: The file.

    Returns:
        All its events.

    Raises:
        HitsFileError: If it is no usable hits file.
    """
    return HitsReader(path).read()


def _read_photons(file: h5py.File, path: Path, events: slice) -> Photons:
    try:
        known = file["event"]
        names = [*_EVENT_COLUMNS, *(name for name in _OPTIONAL_COLUMNS if name in known)]
        return Photons(**{name: known[name][events] for name in names})
    except ValueError as problem:
        raise HitsFileError(f"{path}: {problem}") from problem


def _check_structure(file: h5py.File, path: Path) -> None:
    if file.attrs.get("format") != FORMAT:
        raise HitsFileError(f"{path} is no hits file: its `format` is not '{FORMAT}'")
    check_version(file, path, VERSION, HitsFileError)
    lengths: dict[str, int] = {}
    columns = dict(_HIT_COLUMNS) | {"event_offsets": "i8"}
    columns |= {f"event/{name}": dtype for name, dtype in _EVENT_COLUMNS.items()}
    optional = {f"event/{name}": dtype for name, dtype in _OPTIONAL_COLUMNS.items()}
    optional = {name: dtype for name, dtype in optional.items() if name in file}
    columns |= optional
    for name, dtype in columns.items():
        column = file.get(name)
        if not isinstance(column, h5py.Dataset):
            raise HitsFileError(f"{path}: the dataset `{name}` is missing")
        if column.ndim != 1 or column.dtype != np.dtype(dtype):
            raise HitsFileError(
                f"{path}: expected `{name}` as a flat column of {np.dtype(dtype)}, "
                f"got {column.dtype} of shape {column.shape}"
            )
        lengths[name] = column.shape[0]
    expected = dict.fromkeys(_HIT_COLUMNS, lengths["energy"]) | {
        f"event/{name}": lengths["event_offsets"] - 1 for name in _EVENT_COLUMNS
    }
    expected |= dict.fromkeys(optional, lengths["event_offsets"] - 1)
    for name, length in expected.items():
        if lengths[name] != length:
            raise HitsFileError(f"{path}: expected {length} rows of `{name}`, got {lengths[name]}")


def _check_finite(
    values: Float[Array, " hit"], name: str, where: str, error: type[ValueError]
) -> None:
    finite = np.isfinite(values)
    if not np.all(finite):
        row = int(np.flatnonzero(~finite)[0])
        raise error(
            f"{where}: expected finite numbers in `{name}`, got {values[row]} in hit {row}"
        )


def _round_position(values: Float32[Array, " hit"], name: str) -> Float32[Array, " hit"]:
    steps = _LENGTH_STEPS if name == "r" else _ANGLE_STEPS
    rounded = np.rint(values.astype(np.float64) * steps) / steps
    if name == "phi":
        limit = np.floor(np.pi * steps) / steps
        rounded = np.clip(rounded, -limit, limit)
    return rounded.astype(np.float32)
