r"""Photons to simulate: kinetic energy, direction, and the distributions they are drawn from.

The note's spectrum (ATL-SOFT-PUB-2025-003, section 2.3) has the density of log E

$$p(\log E) \propto 1 \; (E < E_t), \qquad (E / E_t)^{-k} \; (E \ge E_t),$$

between 2^8 and 2^22 MeV, with E_t = 2^19 MeV and k = 1 / log 8, natural logarithms throughout.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, Protocol, runtime_checkable

import numpy as np

from calovox.arrays import Array, Bool, Float, Float64, Int, Int64
from calovox.photons.weights import complete_weights, is_weight
from calovox.random_streams import Stream, event_keys, event_uniforms
from calovox.units import parse_quantity

__all__ = [
    "PDG",
    "Distribution",
    "Fixed",
    "LogUniform",
    "NoteSpectrum",
    "Particle",
    "Photons",
    "SignedUniform",
    "Uniform",
    "concatenate_photons",
    "draw_photons",
    "event_indices",
    "parse_energies",
    "parse_etas",
    "parse_particle",
    "photons_digest",
]

Particle = Literal["photon", "electron", "positron"]
"""Kinds of particles; wherever nothing else is said, it is a photon."""

PDG: Final[Mapping[Particle, int]] = {"photon": 22, "electron": 11, "positron": -11}
"""Their numbers of the Particle Data Group."""

_LAST_EVENT: Final = 2**63 - 1
_SAME_VALUE: Final = 1e-6


@runtime_checkable
class Distribution(Protocol):
    """A distribution given by its quantile function."""

    def quantile(self, u: Float[Array, "*shape"]) -> Float64[Array, "*shape"]:
        """Map uniform numbers in [0, 1) to values."""
        ...

    def holds(self, values: Float[Array, "*shape"]) -> Bool[Array, "*shape"]:
        """Tell which values can be drawn."""
        ...


@dataclass(frozen=True)
class Fixed:
    """One value."""

    value: float

    def quantile(self, u: Float[Array, "*shape"]) -> Float64[Array, "*shape"]:
        """Return the value for every number."""
        return np.full(np.shape(u), self.value)

    def holds(self, values: Float[Array, "*shape"]) -> Bool[Array, "*shape"]:
        """Tell which are this value, but for the rounding of single precision."""
        return np.asarray(np.abs(values - self.value) <= _SAME_VALUE * abs(self.value))


@dataclass(frozen=True)
class Uniform:
    """A flat density between two bounds."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"range: expected low < high, got {self.low:g}:{self.high:g}")

    def quantile(self, u: Float[Array, "*shape"]) -> Float64[Array, "*shape"]:
        """Interpolate between the bounds."""
        return self.low + (self.high - self.low) * np.asarray(u)

    def holds(self, values: Float[Array, "*shape"]) -> Bool[Array, "*shape"]:
        """Tell which lie between the bounds, the upper one not included."""
        return np.asarray((values >= self.low) & (values < self.high))


@dataclass(frozen=True)
class SignedUniform:
    """A flat density of the absolute value, both signs equally likely."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high:
            raise ValueError(f"range: expected 0 <= low < high, got {self.low:g}:{self.high:g}")

    def quantile(self, u: Float[Array, "*shape"]) -> Float64[Array, "*shape"]:
        """Use the lower half of the unit interval for the negative sign."""
        twice = 2.0 * np.asarray(u)  # one number gives both sign and size
        size = self.low + (self.high - self.low) * (twice % 1.0)
        return np.where(twice < 1.0, -size, size)

    def holds(self, values: Float[Array, "*shape"]) -> Bool[Array, "*shape"]:
        """Tell which lie between the bounds, the upper one not included."""
        return np.asarray((np.abs(values) >= self.low) & (np.abs(values) < self.high))


@dataclass(frozen=True)
class LogUniform:
    """A flat density of the logarithm between two bounds."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high:
            raise ValueError(f"log range: expected 0 < low < high, got {self.low:g}:{self.high:g}")

    def quantile(self, u: Float[Array, "*shape"]) -> Float64[Array, "*shape"]:
        """Interpolate between the logarithms of the bounds."""
        return self.low * np.exp(np.asarray(u) * math.log(self.high / self.low))

    def holds(self, values: Float[Array, "*shape"]) -> Bool[Array, "*shape"]:
        """Tell which lie between the bounds, the upper one not included."""
        return np.asarray((values >= self.low) & (values < self.high))


@dataclass(frozen=True)
class NoteSpectrum:
    """The spectrum of the note's dataset, in MeV.

    References:
        ATL-SOFT-PUB-2025-003, section 2.3 and Figure 5.
    """

    low: float = 2.0**8
    transition: float = 2.0**19
    high: float = 2.0**22

    @property
    def decay(self) -> float:
        """The exponent k."""
        return 1.0 / math.log(self.high / self.transition)

    def quantile(self, u: Float[Array, "*shape"]) -> Float64[Array, "*shape"]:
        """Invert the cumulative distribution of log E in closed form."""
        # log E is flat up to the transition and falls exponentially from there to 1/e at the end
        flat = math.log(self.transition / self.low)
        area = np.asarray(u) * (flat + (1.0 - math.exp(-1.0)) / self.decay)
        above = np.maximum(area - flat, 0.0)
        # log1p: the tail starts at exactly 0
        tail = -np.log1p(-above * self.decay) / self.decay
        return self.low * np.exp(np.minimum(area, flat) + tail)

    def holds(self, values: Float[Array, "*shape"]) -> Bool[Array, "*shape"]:
        """Tell which lie between the bounds, the upper one not included."""
        return np.asarray((values >= self.low) & (values < self.high))

    def density(self, energy: Float[Array, "*shape"]) -> Float64[Array, "*shape"]:
        """Evaluate p(log E), normalised over log E.

        Args:
            energy: Kinetic energy in MeV.

        Returns:
            The density, 0 outside the bounds.
        """
        energy = np.asarray(energy, dtype=np.float64)
        norm = math.log(self.transition / self.low) + (1.0 - math.exp(-1.0)) / self.decay
        shape = np.minimum(1.0, (energy / self.transition) ** -self.decay)
        return np.where((energy >= self.low) & (energy <= self.high), shape / norm, 0.0)


@dataclass(frozen=True)
class Photons:
    """Photons that reach the calorimeter, with momenta that point back to the detector origin.

    Files say if they are other particles (`Particle`), which are treated alike.

    Attributes:
        energy: Kinetic energy in MeV.
        eta: Pseudorapidity of the momentum.
        phi: Azimuth of the momentum in rad, [-pi, pi).
        index: Index of the event in the whole run: the key of its random numbers.
        weight: How many ordinary showers the event stands for; None if each stands for itself.
        interaction_radius: Distance from the beam axis at which the photon first interacts, in mm;
            infinite if it does not; None if it is not known.
    """

    energy: Float64[Array, " event"]
    eta: Float64[Array, " event"]
    phi: Float64[Array, " event"]
    index: Int64[Array, " event"]
    weight: Float64[Array, " event"] | None = None
    interaction_radius: Float64[Array, " event"] | None = None

    def __post_init__(self) -> None:
        columns = [values for values in vars(self).values() if values is not None]
        sizes = {len(values) for values in columns}
        if len(sizes) > 1:
            raise ValueError(f"Photons: expected columns of one length, got {sorted(sizes)}")
        checks = [
            ("energies above 0", self.energy, (self.energy > 0) & (self.energy < np.inf)),
            ("finite eta", self.eta, np.isfinite(self.eta)),
            ("finite phi", self.phi, np.isfinite(self.phi)),
            ("indices of 0 or more", self.index, self.index >= 0),
        ]
        if self.weight is not None:
            checks.append(("weights above 0", self.weight, is_weight(self.weight)))
        if self.interaction_radius is not None:
            radius = self.interaction_radius
            checks.append(("radii of 0 or more", radius, radius >= 0))
        for wanted, values, good in checks:
            if not good.all():
                wrong = int(np.flatnonzero(~good)[0])
                raise ValueError(
                    f"Photons: expected {wanted}, got {values[wrong]} in event {wrong}"
                )

    def __len__(self) -> int:
        return len(self.energy)

    def __getitem__(self, events: slice | Int[Array, " chosen"]) -> "Photons":
        columns: dict[str, Any] = {
            name: None if v is None else v[events] for name, v in vars(self).items()
        }
        return Photons(**columns)


def concatenate_photons(parts: Sequence[Photons]) -> Photons:
    """Join photons, in order.

    Args:
        parts: At least one batch.

    Returns:
        All photons. If any have weights, the others weigh 1; the radii of the interactions are
        None unless all are known.
    """
    joined: dict[str, Any] = {}
    for field in fields(Photons):
        columns = [getattr(part, field.name) for part in parts]
        if field.name == "weight":
            columns = complete_weights(columns, [len(part) for part in parts])
        known = all(column is not None for column in columns)
        joined[field.name] = np.concatenate(columns) if known else None
    return Photons(**joined)


def photons_digest(parts: Iterable[Photons]) -> str:
    """Compute a checksum of a run's photons.

    Args:
        parts: Batches of them, in order; read once for each column.

    Returns:
        SHA-256 in hexadecimal; the same however the photons are cut into batches.
    """
    digest = hashlib.sha256()
    for name, dtype in (("energy", "<f8"), ("eta", "<f8"), ("phi", "<f8"), ("index", "<i8")):
        for photons in parts:
            digest.update(np.ascontiguousarray(getattr(photons, name), dtype=dtype).tobytes())
    return digest.hexdigest()


def event_indices(first: int, number: int) -> Int64[Array, " event"]:
    """Number the events of a run.

    Args:
        first: Index of the first event.
        number: How many events.

    Returns:
        Their indices.

    Raises:
        ValueError: If an index would not be an integer from 0 to 2^63 - 1, or there are more
            than fit into memory.
    """
    if not 0 <= first <= _LAST_EVENT - number + 1:
        raise ValueError(
            f"events: expected indices from 0 to 2^63 - 1, got {number} from {first} on: "
            f"begin with an earlier one"
        )
    try:
        return first + np.arange(number, dtype=np.int64)
    except (MemoryError, ValueError):
        raise ValueError(f"events: expected as many as fit into memory, got {number}") from None


def draw_photons(
    event_indices: Int[Array, " event"],
    *,
    energy: Distribution,
    eta: Distribution,
    seed: int,
) -> Photons:
    """Draw photons with uniform phi; each depends on the seed and its own index alone.

    Args:
        event_indices: Index of each event in the whole run.
        energy: Distribution of the kinetic energy in MeV.
        eta: Distribution of the pseudorapidity.
        seed: Seed of the run.

    Returns:
        One photon per index.
    """
    numbers = event_uniforms(event_keys(seed, Stream.PHOTONS, event_indices), 3)
    return Photons(
        energy=energy.quantile(numbers[:, 0]),
        eta=eta.quantile(numbers[:, 1]),
        phi=math.pi * (2.0 * numbers[:, 2] - 1.0),
        index=np.asarray(event_indices, dtype=np.int64),
    )


def parse_energies(text: str) -> Distribution:
    """Read an energy distribution from text.

    Args:
        text: ``65GeV``, ``49GeV:98GeV``, ``log:256MeV:4.2TeV`` or ``spectrum``.

    Returns:
        The distribution, in MeV.

    Raises:
        ValueError: If the text is none of these.
    """
    if text == "spectrum":
        return NoteSpectrum()
    distribution = _parse(
        "energy", text, "log", LogUniform, lambda part: parse_quantity(part, "energy")
    )
    if distribution.quantile(np.zeros(1))[0] <= 0:
        raise ValueError(f"energy: expected values above 0, got '{text}'")
    return distribution


def parse_etas(text: str) -> Distribution:
    """Read a distribution of the pseudorapidity from text.

    Args:
        text: ``0.2``, ``-1.35:1.35`` or ``abs:0.2:0.25`` (both signs).

    Returns:
        The distribution.

    Raises:
        ValueError: If the text is none of these.
    """
    return _parse("eta", text, "abs", SignedUniform, _parse_number)


def parse_particle(text: object) -> Particle:
    """Read the kind of a particle, as files have it.

    Args:
        text: Its name; None for a photon.

    Returns:
        The kind.

    Raises:
        ValueError: If it is none of the known ones.
    """
    for known in PDG:
        if text == known or (text is None and known == "photon"):
            return known
    raise ValueError(f"particle: expected {', '.join(PDG)}, got {text!r}")


def _parse_number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got '{text}'")
    return value


def _parse(
    name: str,
    text: str,
    prefix: str,
    prefixed: Callable[[float, float], Distribution],
    parse_value: Callable[[str], float],
) -> Distribution:
    parts = text.split(":")
    try:
        if len(parts) == 1:
            return Fixed(parse_value(parts[0]))
        if len(parts) == 2:
            return Uniform(parse_value(parts[0]), parse_value(parts[1]))
        if len(parts) == 3 and parts[0] == prefix:
            return prefixed(parse_value(parts[1]), parse_value(parts[2]))
    except ValueError as problem:
        raise ValueError(f"{name}: {problem}") from None
    raise ValueError(f"{name}: expected VALUE, LOW:HIGH or {prefix}:LOW:HIGH, got '{text}'")
