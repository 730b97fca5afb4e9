"""What showers are like in each layer, by their voxels: nothing is asked of the detector.

Of each layer, means over some showers of the sample (`calovox.samples.observables.observed`): its
share in the energy of all voxels, the voxels above 1 MeV, and the energy centres and widths along
eta and phi, from the shower centre of the layer (`calovox.samples.observables.voxels`). Centres
and widths are of showers with energy in the layer; layers that are not divided in alpha have none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.report.topic import NotShown
from calovox.samples.batch import ShowerSource
from calovox.samples.observables.observed import ObservedShowers
from calovox.samples.observables.table import ObservableTable, ratio_or_zero
from calovox.samples.observables.voxels import LAYER_ENERGY, TOTAL_ENERGY
from calovox.samples.sample import files_of
from calovox.samples.samples import Samples
from calovox.samples.source import DatasetSource

__all__ = ["QUANTITIES", "LayersResult", "Moments", "Quantity", "SampleLayers", "measure_layers"]


@dataclass(frozen=True)
class Quantity:
    """Something that each layer has.

    Attributes:
        name: The beginning of its name among the observables of voxels.
        title: What it is.
        unit: Its unit; empty for a pure number.
        needs_energy: Whether it is of showers with energy in the layer alone.
        counts_voxels: Whether it means something between samples of the same voxels alone.
    """

    name: str
    title: str
    unit: str = ""
    needs_energy: bool = False
    counts_voxels: bool = False


QUANTITIES: Final = (
    Quantity(LAYER_ENERGY, "share of the energy"),
    Quantity("n_above_1mev", "voxels above 1 MeV", counts_voxels=True),
    Quantity("center_eta", "energy centre along eta", "mm", needs_energy=True),
    Quantity("center_phi", "energy centre along phi", "mm", needs_energy=True),
    Quantity("width_eta", "width along eta", "mm", needs_energy=True),
    Quantity("width_phi", "width along phi", "mm", needs_energy=True),
)
"""What is shown, in the order of the panels."""


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of a quantity in each layer; NaN for under two showers.

    Attributes:
        n_events: Showers.
        mean: Mean.
        error: Its statistical error.
        rms: Standard deviation.
    """

    n_events: Int64[Array, " layer"]
    mean: Float64[Array, " layer"]
    error: Float64[Array, " layer"]
    rms: Float64[Array, " layer"]


@dataclass(frozen=True)
class SampleLayers:
    """The layers of one sample.

    Attributes:
        label: Name of the sample.
        place: Its place among the simulations, from 0; -1 for the reference.
        n_events: Showers.
        quantities: Moments by the names of `QUANTITIES`, without those that count voxels if its
            voxels are not those of the reference.
    """

    label: str
    place: int
    n_events: int
    quantities: Mapping[str, Moments]


@dataclass(frozen=True)
class LayersResult:
    """The layers of all samples that have those of the reference.

    Attributes:
        numbers: Numbers of the layers.
        names: Their names.
        samples: The samples, the reference first.
        missing: What is not shown, and why.
    """

    numbers: tuple[int, ...]
    names: tuple[str, ...]
    samples: tuple[SampleLayers, ...]
    missing: tuple[str, ...]


def measure_layers(samples: Samples) -> LayersResult | NotShown:
    """Measure the layers of all samples by their voxels."""
    if not samples.observed:
        return NotShown(("Layers: no reference was given",))
    (name, reference), *others = samples.observed.items()
    layers = reference.layout.layers
    found, missing = [_measure(name, -1, reference, QUANTITIES)], []
    for place, (label, showers) in enumerate(others):
        if showers.layout.layers != layers:
            missing.append(f"Layers: {label}: its layers are not those of the reference")
            continue
        same = showers.layout == reference.layout
        shown = [quantity for quantity in QUANTITIES if same or not quantity.counts_voxels]
        found.append(_measure(label, place, showers, shown))
        missing += [
            f"Layers: {quantity.title} of {label}: its voxels are not those of the reference"
            for quantity in QUANTITIES
            if quantity not in shown
        ]
    names = _layer_names(samples.judged[name], layers)
    return LayersResult(layers, names, tuple(found), tuple(missing))


def _measure(
    label: str, place: int, showers: ObservedShowers, shown: Sequence[Quantity]
) -> SampleLayers:
    table, layers = showers.voxel_observables(0.0), showers.layout.layers
    energies = np.stack([table[f"{LAYER_ENERGY}_{layer}"] for layer in layers], axis=1)
    quantities = {
        quantity.name: _moments(_values(table, quantity, layers), energies, quantity)
        for quantity in shown
    }
    return SampleLayers(label, place, len(showers), quantities)


def _values(
    table: ObservableTable, quantity: Quantity, layers: tuple[int, ...]
) -> Float64[Array, "event layer"]:
    """Give a quantity in each layer, NaN in layers that do not have it."""
    columns = []
    for layer in layers:
        name = f"{quantity.name}_{layer}"
        values = table[name] if name in table.names else np.full(len(table), np.nan)
        is_share = quantity.name == LAYER_ENERGY
        columns.append(ratio_or_zero(values, table[TOTAL_ENERGY]) if is_share else values)
    return np.stack(columns, axis=1)


def _moments(
    values: Float64[Array, "event layer"],
    energies: Float64[Array, "event layer"],
    quantity: Quantity,
) -> Moments:
    known = np.isfinite(values) & ((energies > 0.0) | (not quantity.needs_energy))
    count = known.sum(axis=0)
    number = np.maximum(count, 2)
    mean = np.where(known, values, 0.0).sum(axis=0) / number
    square = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0)
    rms = np.sqrt(square / (number - 1))
    mean, error, rms = (
        np.where(count >= 2, column, np.nan) for column in (mean, rms / np.sqrt(number), rms)
    )
    return Moments(count.astype(np.int64), mean, error, rms)


def _layer_names(source: ShowerSource, layers: tuple[int, ...]) -> tuple[str, ...]:
    for file in files_of(source):
        if isinstance(file, DatasetSource):
            return file.grid.layer_names
    return tuple(f"layer {layer}" for layer in layers)
