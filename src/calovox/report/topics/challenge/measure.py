"""High-level features, average showers and energy ratios of samples of the CaloChallenge.

FPD and KPD are those of the challenge, with voxels below its cut taken as empty: with its features
since 2024, and with those of 2022. They have no floor: a permutation test would cost 199 times as
much, and the estimators keep the bias of finite samples. The published values of a second sample
of Geant4 take the place of a floor.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import nan
from typing import Final

import numpy as np

from calovox.arrays import Array, Float32, Float64
from calovox.report.comparison import FEWEST_EVENTS, ObservableResult, compare_values
from calovox.report.topic import NotShown
from calovox.samples.batch import ShowerSource
from calovox.samples.bins import ALL
from calovox.samples.calochallenge import DATA_SETS
from calovox.samples.layout import VoxelLayout
from calovox.samples.observables.table import Observable
from calovox.samples.reading import choose_rows, read_batches
from calovox.samples.samples import Samples
from calovox.scores.challenge import (
    CUTS,
    FEATURES_2022,
    FEATURES_2024,
    FeatureList,
    PublishedDistance,
    challenge_features,
    describe_features,
    frechet_physics_distance,
    kernel_physics_distance,
    total_energy_chi2,
)
from calovox.scores.table import NotScored, Score, Scores
from calovox.tracking import Track
from calovox.units import format_energy

__all__ = [
    "ChallengeDistance",
    "ChallengeResult",
    "EnergyRatio",
    "measure_challenge",
    "score_challenge",
]

FEWEST_FOR_FPD: Final = 1000
"""Showers of each sample that FPD and KPD need."""

_MOST_NUMBERS: Final = 2**25
_MOST_SHOWERS: Final = 100_000
_MOST_ENERGIES: Final = 18
_ENERGY_BINS: Final = 6
_SEED: Final = 2028


@dataclass(frozen=True)
class EnergyRatio:
    """Energy of all voxels over that of the particle, for some incident energies.

    Attributes:
        energies: Lowest and highest incident energy in MeV.
        observable: Histograms.
    """

    energies: tuple[float, float]
    observable: ObservableResult


@dataclass(frozen=True)
class ChallengeDistance:
    """FPD and KPD of one sample for one list of features.

    Attributes:
        label: Name of the sample.
        features: Name of the list.
        fpd: FPD.
        kpd: KPD.
    """

    label: str
    features: FeatureList
    fpd: PublishedDistance
    kpd: PublishedDistance


@dataclass(frozen=True)
class ChallengeResult:
    """Everything on samples of the CaloChallenge.

    Attributes:
        data_set: Name of the data set; empty for another layout.
        particle: Name of the particle.
        cut: Energy in MeV below which a voxel counts as empty.
        layout: Where the voxels lie.
        described: What the features are.
        features: Histograms of all features.
        ratios: Energy ratios by incident energy.
        averages: Mean energy of each voxel in MeV, by sample, the reference first.
        n_compared: Showers of each sample that are compared, the reference first.
        distances: FPD and KPD of each sample.
        chi2: `total_energy_chi2` of each sample; None if it cannot be told.
        too_few: Samples with too few showers for FPD and KPD, and why.
        missing: What is not shown, and why.
    """

    data_set: str
    particle: str
    cut: float
    layout: VoxelLayout
    described: tuple[Observable, ...]
    features: tuple[ObservableResult, ...]
    ratios: tuple[EnergyRatio, ...]
    averages: Mapping[str, Float64[Array, " voxel"]]
    n_compared: Mapping[str, int]
    distances: tuple[ChallengeDistance, ...]
    chi2: Mapping[str, float | None]
    too_few: Mapping[str, str]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    """What is kept of a sample."""

    features: Float32[Array, "event feature"]
    energy: Float64[Array, " event"]
    ratio: Float64[Array, " event"]
    average: Float64[Array, " voxel"]


def measure_challenge(
    samples: Samples, track: Track, say: Callable[[str], None]
) -> ChallengeResult | NotShown:
    """Measure all samples, if they are of the CaloChallenge."""
    sources = samples.of_challenge
    if not sources:
        return NotShown(())
    (name, reference), *others = sources.items()
    if len(reference) < FEWEST_EVENTS:
        return NotShown((f"CaloChallenge: the reference has {len(reference)} showers",))
    layout = reference.layout
    same = {label: source for label, source in others if source.layout == layout}
    missing = tuple(
        f"CaloChallenge: the voxels of {label} are not those of the reference"
        for label, _ in others
        if label not in same
    )
    data_set = DATA_SETS.get(layout.n_voxels, "")
    cut = CUTS.get(data_set, 0.0)
    read = {name: _read(reference, cut, track)}
    read |= {label: _read(source, cut, track) for label, source in same.items()}
    named = [(label, place) for place, label in enumerate(same)]
    described = describe_features(layout)
    few = _too_few(read)
    return ChallengeResult(
        data_set=data_set,
        particle=layout.name,
        cut=cut,
        layout=layout,
        described=described,
        features=tuple(_compare_features(described, list(read.values()), named)),
        ratios=tuple(_ratios(list(read.values()), named)),
        averages={label: part.average for label, part in read.items()},
        n_compared={label: len(part.energy) for label, part in read.items()},
        distances=tuple(_distances(read, few, layout, say)),
        chi2={label: total_energy_chi2(read[name].ratio, read[label].ratio) for label in same},
        too_few=few,
        missing=(*missing, *(f"FPD and KPD of {k}: {v}" for k, v in few.items())),
    )


def score_challenge(result: ChallengeResult) -> Scores:
    """Give FPD, KPD and chi2 as scores; the feature of FPD and KPD is the list of features."""
    n_reference = next(iter(result.n_compared.values()))
    measured: list[tuple[str, str, str, float, float]] = [
        (entry.label, metric, entry.features, distance.value, distance.error)
        for entry in result.distances
        for metric, distance in (("fpd", entry.fpd), ("kpd", entry.kpd))
    ]
    measured += [
        (label, "chi2", "e_tot_over_e_inc", value, nan)
        for label, value in result.chi2.items()
        if value is not None
    ]
    rows = tuple(
        Score(
            *(label, metric, feature, ALL, ALL, value, error, nan, nan),
            n_reference=n_reference,
            n_simulated=result.n_compared[label],
        )
        for label, metric, feature, value, error in measured
    )
    without = tuple(
        NotScored(label, metric, ALL, ALL, reason)
        for label, reason in result.too_few.items()
        for metric in ("fpd", "kpd")
    )
    return Scores(rows, without)


def _read(source: ShowerSource, cut: float, track: Track) -> _Read:
    """Read a sample once."""
    n_features = len(describe_features(source.layout))
    most = min(_MOST_SHOWERS, _MOST_NUMBERS // n_features)
    rows = choose_rows(len(source), most, np.random.default_rng(_SEED))
    features = np.empty((len(rows), n_features), dtype=np.float32)
    ratios = []
    average = np.zeros(source.layout.n_voxels)
    start = 0
    for batch in read_batches(source, f"Measuring {source.path.name}", track):
        energy = batch.fraction * batch.incident_energy[:, None].astype(np.float32)
        average += energy.sum(axis=0, dtype=np.float64)
        low, high = np.searchsorted(rows, (start, start + len(batch)))
        chosen = rows[low:high] - start
        start += len(batch)
        found = challenge_features(
            energy[chosen], batch.incident_energy[chosen], source.layout, cut=cut
        )
        features[low:high] = found
        ratios.append(batch.fraction[chosen].sum(axis=1, dtype=np.float64))
    return _Read(
        features,
        source.incident_energy()[rows],
        np.concatenate(ratios),
        average / len(source),
    )


def _compare_features(
    described: tuple[Observable, ...], read: list[_Read], named: list[tuple[str, int]]
) -> Iterator[ObservableResult]:
    for column, entry in enumerate(described):
        values = [part.features[:, column].astype(np.float64) for part in read]
        yield compare_values(entry.name, values, named)


def _too_few(read: Mapping[str, _Read]) -> dict[str, str]:
    """Say of which samples there can be no FPD and KPD: of all if the reference is too small."""
    few = {
        label: f"{len(part.energy)} showers, {FEWEST_FOR_FPD} of each sample are needed"
        for label, part in read.items()
        if len(part.energy) < FEWEST_FOR_FPD
    }
    name, *others = read
    return dict.fromkeys(others, f"the reference has {few[name]}") if name in few else few


def _ratios(read: list[_Read], named: list[tuple[str, int]]) -> Iterator[EnergyRatio]:
    """Compare the energy ratios at each energy, or in bins if there are many energies."""
    energies, counts = np.unique(read[0].energy, return_counts=True)
    if len(energies) <= _MOST_ENERGIES and counts.min() >= FEWEST_EVENTS:
        ranges = [(float(energy), float(energy)) for energy in energies]
    else:
        edges = np.geomspace(energies[0], energies[-1], _ENERGY_BINS + 1).tolist()
        ranges = [*pairwise(edges)]
    for low, high in ranges:
        ends = low, high if high in (low, ranges[-1][1]) else np.nextafter(high, low)
        inside = [(part.energy >= ends[0]) & (part.energy <= ends[1]) for part in read]
        if np.count_nonzero(inside[0]) >= FEWEST_EVENTS:
            values = [part.ratio[rows] for part, rows in zip(read, inside, strict=True)]
            yield EnergyRatio((low, high), compare_values("e_tot_over_e_inc", values, named))


def _distances(
    read: Mapping[str, _Read],
    too_few: Mapping[str, str],
    layout: VoxelLayout,
    say: Callable[[str], None],
) -> Iterator[ChallengeDistance]:
    (_, reference), *others = read.items()
    for label, part in others:
        if label in too_few:
            continue
        for version in (FEATURES_2024, FEATURES_2022):
            # the first list is the beginning of the second
            n_features = len(describe_features(layout, version=version))
            say(f"FPD and KPD of {label}, features {version}")
            pair = [entry.features[:, :n_features] for entry in (reference, part)]
            yield ChallengeDistance(
                label,
                version,
                frechet_physics_distance(*pair),
                kernel_physics_distance(*pair),
            )


def ratio_title(ratio: EnergyRatio) -> str:
    """Write the incident energies of an energy ratio."""
    low, high = ratio.energies
    return format_energy(low) if low == high else f"{format_energy(low)} to {format_energy(high)}"
