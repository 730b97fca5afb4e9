"""What the referee says: of one sample, and of all."""

from collections.abc import Mapping
from dataclasses import dataclass

from calovox.arrays import Array, Float64
from calovox.samples.observables.table import Observable
from calovox.scores.referee.judge import TreeTest
from calovox.scores.referee.kinds import Kind
from calovox.scores.referee.seen import SeenObservable
from calovox.scores.referee.trees import TreeAreas

__all__ = ["RefereeResult", "SampleVerdict", "Seen", "WorstObservable"]


@dataclass(frozen=True)
class Seen:
    """What a classifier sees in one kind of observables.

    Attributes:
        kind: The observables.
        observables: One entry each, the worst first.
    """

    kind: Kind
    observables: tuple[SeenObservable, ...]


@dataclass(frozen=True)
class WorstObservable:
    """One of the observables that tell most, of all samples.

    Attributes:
        kind: Which observables it is of.
        observable: What it is.
        reference: Its values in the reference.
        simulated: Its values in each sample that has it, by name.
    """

    kind: Kind
    observable: Observable
    reference: Float64[Array, " event"]
    simulated: Mapping[str, Float64[Array, " _"]]


@dataclass(frozen=True)
class SampleVerdict:
    """What the referee says of one sample.

    Attributes:
        label: Name of the sample.
        n_showers: Showers of each class.
        same_photons: Whether they are of the same photons as those of the reference.
        tests: One test per kind of inputs.
        seen: What trees see in each kind of observables.
        missing: Kinds of inputs that the sample lacks, and why.
    """

    label: str
    n_showers: int
    same_photons: bool
    tests: tuple[TreeTest, ...]
    seen: tuple[Seen, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class RefereeResult:
    """What the referee says of all samples.

    Attributes:
        threshold: Energy in MeV below which a voxel counts as empty.
        n_seeds: How often trees were trained.
        floors: AUC of halves of the reference by the kind of inputs.
        samples: One verdict per sample.
        worst: Values of the observables that tell most.
        missing: What was not judged, and why.
    """

    threshold: float
    n_seeds: int
    floors: Mapping[str, TreeAreas]
    samples: tuple[SampleVerdict, ...]
    worst: tuple[WorstObservable, ...] = ()
    missing: tuple[str, ...] = ()
