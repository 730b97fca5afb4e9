"""Barycentres of EMB1 and EMB2 less the direction of the photon: bias and width.

The reconstructed position of a photon comes from these. The bias is the mean, without values
beyond the outer 0.1 % of the reference on either side; the width is half of the central 68 %. Both
have errors from 100 bootstrap samples. Only photons that all samples have are taken, and only
showers with a cell in the layer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64
from calovox.report.comparison import FEWEST_EVENTS, ObservableResult, compare_values
from calovox.report.topic import NotShown
from calovox.samples.bins import ALL, EventBin, event_bins
from calovox.samples.observables.observed import ObservedShowers
from calovox.samples.observables.pairs import ObservedPair, common_rows, pair_showers
from calovox.samples.observables.table import Observable, ObservableTable
from calovox.samples.samples import Samples
from calovox.scores.referee.kinds import NOISE_SEEDS

__all__ = [
    "Barycentre",
    "PositionOfSample",
    "PositionResult",
    "PositionSetting",
    "bias_and_width",
    "measure_position",
]

_N_BOOTSTRAP: Final = 100
_SEED: Final = 2032
_TRIMMED: Final = 0.001
_CENTRAL: Final = (0.16, 0.84)


@dataclass(frozen=True)
class PositionOfSample:
    """Bias and width of one barycentre of one sample in one bin of energy.

    Attributes:
        label: Name of the sample.
        energy_bin: The bin.
        n_showers: Showers with a cell in the layer.
        bias: Mean, in the unit of the observable.
        bias_error: Its error.
        width: Half of the central 68 %.
        width_error: Its error.
    """

    label: str
    energy_bin: str
    n_showers: int
    bias: float
    bias_error: float
    width: float
    width_error: float


@dataclass(frozen=True)
class Barycentre:
    """One barycentre along one axis.

    Attributes:
        observable: What it is.
        result: Histograms of the reference and of all samples, all energies.
        rows: Bias and width, bin by bin: that of the reference first, then those of the samples.
    """

    observable: Observable
    result: ObservableResult
    rows: tuple[PositionOfSample, ...]


@dataclass(frozen=True)
class PositionSetting:
    """All barycentres, with electronic noise or without.

    Attributes:
        noise: Whether cells have noise.
        barycentres: Along eta and phi, in EMB1 and EMB2.
    """

    noise: bool
    barycentres: tuple[Barycentre, ...]


@dataclass(frozen=True)
class PositionResult:
    """Positions of all samples.

    Attributes:
        settings: Without noise, then, if it was asked for, with noise.
        places: Place of each sample in the report, which gives its colour.
        missing: What cannot be compared, and why.
    """

    settings: tuple[PositionSetting, ...]
    places: Mapping[str, int]
    missing: tuple[str, ...]


def measure_position(samples: Samples) -> PositionResult | NotShown:
    """Measure positions of all samples whose cells and photons are known."""
    named = list(samples.observed.items())
    if len(named) < 2 or not named[0][1].has_cells:
        why = "no reference and simulation with cells and directions of photons were given"
        return NotShown((f"Position: {why}",))
    (name, reference), *others = named
    pairs: dict[str, ObservedPair] = {}
    places, missing = {}, []
    for place, (label, showers) in enumerate(others):
        source = samples.judged[name], samples.judged[label]
        found = (
            pair_showers(reference, showers, source) if showers.has_cells else "it has no cells"
        )
        if isinstance(found, ObservedPair):
            pairs[label], places[label] = found, place
        else:
            missing.append(f"Position: {label}: {found}")
    common = common_rows(reference, pairs.values())
    chosen = {name: reference[common]}
    chosen |= {label: pair.simulated[pair.inside(common)] for label, pair in pairs.items()}
    settings = tuple(
        _measure(chosen, places, noise=noise)
        for noise in ((False, True) if samples.files.noise else (False,))
    )
    return PositionResult(settings, places, tuple(missing))


def bias_and_width(
    values: Float64[Array, " event"], ends: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Measure bias and width with their errors.

    Args:
        values: Barycentres less the photon.
        ends: Values beyond these are left out of the mean.

    Returns:
        Bias, its error, width, its error.
    """
    rng = np.random.default_rng(_SEED)
    drawn = values[rng.integers(0, len(values), (_N_BOOTSTRAP, len(values)))]
    bias, width = _both(values[None], ends)
    biases, widths = _both(drawn, ends)
    return float(bias[0]), float(biases.std()), float(width[0]), float(widths.std())


def _both(
    values: Float64[Array, "draw event"], ends: tuple[float, float]
) -> tuple[Float64[Array, " draw"], Float64[Array, " draw"]]:
    inside = (values >= ends[0]) & (values <= ends[1])
    number = np.maximum(inside.sum(axis=1), 1)
    low, high = np.quantile(values, _CENTRAL, axis=1)
    return np.where(inside, values, 0.0).sum(axis=1) / number, 0.5 * (high - low)


def _measure(
    chosen: Mapping[str, ObservedShowers], places: Mapping[str, int], *, noise: bool
) -> PositionSetting:
    tables = {
        label: showers.barycentres(NOISE_SEEDS[min(place, 1)] if noise else None)
        for place, (label, showers) in enumerate(chosen.items())
    }
    first = next(iter(tables.values()))
    return PositionSetting(
        noise,
        tuple(_barycentre(observable, tables, chosen, places) for observable in first.observables),
    )


def _barycentre(
    observable: Observable,
    tables: Mapping[str, ObservableTable],
    chosen: Mapping[str, ObservedShowers],
    places: Mapping[str, int],
) -> Barycentre:
    values = [table[observable.name] for table in tables.values()]
    known = [column != 0.0 for column in values]  # 0 is a shower without a cell in the layer
    ends = np.quantile(values[0][known[0]], (_TRIMMED, 1.0 - _TRIMMED))
    rows = _rows(values, known, chosen, (float(ends[0]), float(ends[1])))
    result = compare_values(
        observable.name,
        [column[where] for column, where in zip(values, known, strict=True)],
        list(places.items()),
    )
    return Barycentre(observable, result, tuple(rows))


def _rows(
    values: Sequence[Float64[Array, " _"]],
    known: Sequence[Bool[Array, " _"]],
    chosen: Mapping[str, ObservedShowers],
    ends: tuple[float, float],
) -> Iterator[PositionOfSample]:
    for entry in _energy_bins():
        for column, where, (label, showers) in zip(values, known, chosen.items(), strict=True):
            inside = column[where & entry.select(showers.energy, None)]
            if len(inside) >= FEWEST_EVENTS:
                measured = bias_and_width(inside, ends)
                yield PositionOfSample(label, entry.energy_name, len(inside), *measured)


def _energy_bins() -> list[EventBin]:
    return [entry for entry in event_bins(with_eta=False) if entry.eta_name == ALL]
