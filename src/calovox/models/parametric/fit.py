"""Fit of FastCaloSimV2 to hits.

Hits are read twice, batch by batch: first for the energies of the layers, for which some hundred
bytes per shower are kept, then for the average shapes. The result is the same for the same hits in
the same order.

With some 150 showers in a sample (AtlFast3: up to 10 000), two things depend on their number:

- The first PCA has one bin for every `SHOWERS_PER_BIN` showers, and at most `MAX_BINS`.
- A sample of fewer than `ENOUGH_SHOWERS` also takes the showers of the next slice on either side,
  and so on until it has enough, but none from beyond |eta| = `BORDER`, where the absorbers and the
  borders of the layers change. Fewer than `MIN_SHOWERS` are refused.

The shape of a layer that has no energy in a bin is that of all showers.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.files.hdf5 import round_mantissa
from calovox.geometry.barrel import BARREL_NUMBERS, atlas_barrel
from calovox.hits import Hits
from calovox.models.parametric.energies import fit_bin, principal_bins
from calovox.models.parametric.model import N_VARIABLES, SLICE, ParametricModel
from calovox.models.parametric.shapes import fine_grid, fold, half_edges
from calovox.photons import Particle
from calovox.random_streams import Stream, event_keys, event_uniforms
from calovox.voxelization import hits_to_voxels, shower_centers

__all__ = [
    "BORDER",
    "ENOUGH_SHOWERS",
    "MAX_BINS",
    "MIN_SHOWERS",
    "SHOWERS_PER_BIN",
    "fit_parametric",
]

SHOWERS_PER_BIN: Final = 30
MAX_BINS: Final = 5
ENOUGH_SHOWERS: Final = 50
MIN_SHOWERS: Final = 10
BORDER: Final = 0.8

_MANTISSA_BITS: Final = 12


def fit_parametric(
    read: Callable[[str], Iterable[Hits]],
    *,
    eta_range: tuple[float, float],
    energy_range: tuple[float, float] | None = None,
    phi_modulation: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    particle: Particle = "photon",
) -> ParametricModel:
    """Fit a parametrisation.

    Args:
        read: Gives batches of hits, the same at both calls; called with a title of the work.
        eta_range: Lowest and highest |eta| of the slices; showers with centres outside are left
            out.
        energy_range: Stored energies are the powers of two in this range, in MeV; by default, all
            that are within half an octave of a shower.
        phi_modulation: What is known of the phi modulation in the hits.
        provenance: How the parametrisation is made.
        particle: What made the showers.

    Returns:
        The parametrisation.

    Raises:
        ValueError: If the borders of |eta| are no multiples of `SLICE`, there is no power of two
            in the range of energies, a sample has too few showers, or a layer has negative energy.
    """
    eta_edges = _slices(eta_range)
    showers = _read_showers(read("energies"), eta_edges)
    numbers = _energy_numbers(showers, energy_range)
    samples = _make_samples(showers, eta_edges, numbers)
    parts = [_fit_sample(showers, sample) for sample in samples]
    n_bins = np.array([len(part.bins) for part in parts])
    shape = (len(numbers), len(eta_edges) - 1)
    return ParametricModel(
        energies=2.0**numbers,
        eta_edges=eta_edges,
        n_showers=np.array([len(sample) for sample in samples]).reshape(shape),
        n_bins=n_bins.reshape(shape),
        response=np.array([showers.values[sample, 0].mean() for sample in samples]).reshape(shape),
        quantiles=_round(np.concatenate([part.quantiles for part in parts])),
        empty=np.concatenate([part.empty for part in parts]),
        axes=_round(np.concatenate([part.axes for part in parts])),
        shapes=_fit_shapes(read("shapes"), [chosen for part in parts for chosen in part.bins]),
        phi_modulation=phi_modulation,
        provenance=provenance or {},
        particle=particle,
    )


@dataclass(frozen=True)
class _Showers:
    """What is kept of all showers, in the order in which they were read."""

    energy_number: Int64[Array, " event"]  # base-2 logarithm of the nearest stored energy in MeV
    slice_index: Int64[Array, " event"]  # slice of the centre in |eta|, -1 outside of all
    values: Float64[Array, "event variable"]  # E_tot / E_kin and the fractions of the layers
    tie_breakers: Float64[Array, "event variable"]  # depend on the index of the event alone


@dataclass(frozen=True)
class _SampleFit:
    """Fit of one sample: the showers of each of its bins, and what was fitted to them."""

    bins: list[Int64[Array, "_"]]
    quantiles: Array
    empty: Array
    axes: Array


def _slices(eta_range: tuple[float, float]) -> Float64[Array, " edge"]:
    low, high = (value / SLICE for value in eta_range)
    first, last = round(low), round(high)
    if not 0 <= first < last or max(abs(low - first), abs(high - last)) > 1e-6:
        raise ValueError(
            f"eta: expected 0 <= LOW < HIGH, both multiples of {SLICE}, got "
            f"{eta_range[0]:g}:{eta_range[1]:g}"
        )
    return np.arange(first, last + 1) / round(1.0 / SLICE)


def _read_showers(batches: Iterable[Hits], eta_edges: Float64[Array, " edge"]) -> _Showers:
    parts = [_summarize(hits, eta_edges) for hits in batches]
    if not parts:
        raise ValueError("hits: expected showers, got none")
    return _Showers(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _summarize(
    hits: Hits, eta_edges: Float64[Array, " edge"]
) -> tuple[Array, Array, Array, Array]:
    """Give the columns of `_Showers` for a batch."""
    photons, n_layers = hits.photons, len(BARREL_NUMBERS)
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    rows = n_layers * event + atlas_barrel().positions(hits.layer)
    sums = np.bincount(rows, weights=hits.energy, minlength=n_layers * len(hits))
    layer_energy = sums.reshape(len(hits), n_layers)
    if (layer_energy < 0.0).any():
        row, layer = np.argwhere(layer_energy < 0.0)[0]
        raise ValueError(
            f"hits: expected layers without negative energy, got {layer_energy[row, layer]:.4g} "
            f"MeV in layer {BARREL_NUMBERS[layer]} of event {photons.index[row]}: its share "
            "cannot be parametrised"
        )
    total = layer_energy.sum(axis=1, keepdims=True)
    fractions = np.divide(layer_energy, total, out=np.zeros_like(layer_energy), where=total > 0.0)
    size = np.abs(shower_centers(hits)[0])
    inside = (eta_edges[0] <= size) & (size < eta_edges[-1])
    slice_index = np.where(inside, np.searchsorted(eta_edges, size, side="right") - 1, -1)
    keys = event_keys(0, Stream.TIES, photons.index)
    return (
        np.rint(np.log2(photons.energy)).astype(np.int64),
        slice_index,
        np.column_stack([total[:, 0] / photons.energy, fractions]),
        event_uniforms(keys, N_VARIABLES),
    )


def _energy_numbers(
    showers: _Showers, energy_range: tuple[float, float] | None
) -> Int64[Array, " energy"]:
    """Give the logarithms to base 2 of the stored energies."""
    used = showers.energy_number[showers.slice_index >= 0]
    if not len(used):
        raise ValueError("hits: expected showers in the range of |eta|, got none")
    if energy_range is None:
        return np.arange(used.min(), used.max() + 1)
    powers = 2.0 ** np.arange(64)
    low, high = energy_range
    numbers = np.flatnonzero((low * (1.0 - 1e-9) <= powers) & (powers <= high * (1.0 + 1e-9)))
    if not len(numbers):
        raise ValueError(
            f"energy: expected a range that holds a power of two in MeV, got {low:g} to {high:g} "
            f"MeV"
        )
    return numbers


def _make_samples(
    showers: _Showers, eta_edges: Float64[Array, " edge"], numbers: Int64[Array, " energy"]
) -> list[Int64[Array, "_"]]:
    """Give the showers of each energy and slice."""
    used = showers.slice_index >= 0
    samples = []
    for number in numbers:
        of_energy = np.flatnonzero(used & (showers.energy_number == number))
        slices = showers.slice_index[of_energy]
        for position in range(len(eta_edges) - 1):
            low, high = _widen(slices, position, eta_edges)
            chosen = of_energy[(low <= slices) & (slices < high)]
            if len(chosen) < MIN_SHOWERS:
                raise ValueError(
                    f"hits: expected at least {MIN_SHOWERS} showers within half an octave of "
                    f"{2.0**number:g} MeV at {eta_edges[low]:g} <= |eta| < {eta_edges[high]:g}, "
                    f"got {len(chosen)}: add hits, or narrow the range of |eta|"
                )
            samples.append(chosen)
    return samples


def _widen(
    slices: Int64[Array, " chosen"], position: int, eta_edges: Float64[Array, " edge"]
) -> tuple[int, int]:
    """Give the first slice of a sample, and the one behind its last."""
    n_slices = len(eta_edges) - 1
    border = int(np.searchsorted(eta_edges, BORDER - 1e-9))
    first, last = (0, min(border, n_slices)) if position < border else (border, n_slices)
    low, high = position, position + 1
    while (low, high) != (first, last):
        if np.count_nonzero((low <= slices) & (slices < high)) >= ENOUGH_SHOWERS:
            break
        low, high = max(low - 1, first), min(high + 1, last)
    return low, high


def _fit_sample(showers: _Showers, chosen: Int64[Array, " chosen"]) -> _SampleFit:
    values, tie_breakers = showers.values[chosen], showers.tie_breakers[chosen]
    n_bins = min(max(len(chosen) // SHOWERS_PER_BIN, 1), MAX_BINS)
    bins = principal_bins(values, tie_breakers, n_bins)
    fits = [fit_bin(values[bins == b], tie_breakers[bins == b]) for b in range(n_bins)]
    return _SampleFit(
        bins=[chosen[bins == b] for b in range(n_bins)],
        quantiles=np.stack([quantiles for quantiles, _, _ in fits]),
        empty=np.stack([empty for _, empty, _ in fits]),
        axes=np.stack([axes for _, _, axes in fits]),
    )


def _round(values: Array) -> Array:
    """Round, less than statistics would notice, to save space on disk."""
    return round_mantissa(values, _MANTISSA_BITS)


def _fit_shapes(batches: Iterable[Hits], bins: list[Int64[Array, "_"]]) -> Array:
    """Average the showers of each bin, in half precision."""
    event = np.concatenate(bins)
    bin_index = np.repeat(np.arange(len(bins)), [len(chosen) for chosen in bins])
    order = np.argsort(event, kind="stable")
    event, bin_index = event[order], bin_index[order]
    sums = np.zeros((len(bins), len(half_edges()[0])))
    start = 0
    for hits in batches:
        voxels = fold(hits_to_voxels(hits, fine_grid()).energy)
        entries = slice(*np.searchsorted(event, [start, start + len(hits)]))
        np.add.at(sums, bin_index[entries], voxels[event[entries] - start])
        start += len(hits)
    _, boundaries = half_edges()
    for begin, end in pairwise(boundaries):
        layer = sums[:, begin:end]
        # a bin without energy in a layer may still be asked for it, by interpolated energies
        empty = layer.sum(axis=1) == 0.0
        layer[empty] = layer.sum(axis=0)
        layer /= np.maximum(layer.sum(axis=1, keepdims=True), math.ulp(0.0))
    return sums.astype(np.float16)
