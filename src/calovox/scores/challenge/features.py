r"""High-level features of the CaloChallenge for FPD and KPD, a list per version of its script.

Both lists, in the order of the challenge's `evaluate.py`:

- `FEATURES_2022`: log10 E_inc; log10 of the energy of each layer; centres of energy in eta, then
  in phi, widths in eta, then in phi, of the layers that are divided in alpha;
- `FEATURES_2024`, since April 2024: these, then log10 E_tot; the sparsity of each layer; the
  radial centres of all layers; their radial widths.

Energies are in MeV, 1e-8 MeV is added before the logarithm, lengths are in units of 100 mm.
Positions are the middles of the voxels, weighted with their energies; a layer without energy has
centres and widths 0. Sparsity is the share of a layer's voxels without energy. Voxels below the
challenge's cut count as empty in both samples: `CUTS`.

References:
    C. Krause et al., *CaloChallenge 2022: A Community Challenge for Fast Calorimeter Simulation*
    (2024), https://arxiv.org/abs/2410.21611, section 4;
    its script, https://github.com/CaloChallenge/homepage/tree/main/code
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from calovox.arrays import Array, Float, Float64
from calovox.samples.layout import VoxelLayout
from calovox.samples.observables.table import Observable

__all__ = [
    "CUTS",
    "FEATURES_2022",
    "FEATURES_2024",
    "FeatureList",
    "challenge_features",
    "describe_features",
]

FeatureList = Literal["calochallenge-2022", "calochallenge-2024"]

FEATURES_2022: Final = "calochallenge-2022"
"""Name of the first list."""

FEATURES_2024: Final = "calochallenge-2024"
"""Name of the list with which the published values were made."""

CUTS: Final[Mapping[str, float]] = MappingProxyType(
    {"1-photons": 1.0, "1-pions": 1.0, "2": 15.15e-3, "3": 15.15e-3}
)
"""Energy in MeV below which a voxel counts as empty, by data set."""

_LEAST_ENERGY: Final = 1e-8
_LENGTH: Final = 100.0


def challenge_features(
    energy: Float[Array, "event voxel"],
    incident_energy: Float64[Array, " event"],
    layout: VoxelLayout,
    *,
    cut: float,
    version: FeatureList = FEATURES_2024,
) -> Float64[Array, "event feature"]:
    """Compute the features of the challenge.

    Args:
        energy: Energy of each voxel in MeV.
        incident_energy: Energy of each incident particle in MeV.
        layout: Where the voxels lie.
        cut: Energy in MeV below which a voxel counts as empty.
        version: Which list.

    Returns:
        The features in the order of the challenge's script.

    Raises:
        ValueError: If the voxels are not those of the layout.
    """
    if energy.shape[1] != layout.n_voxels:
        raise ValueError(
            f"energy: expected {layout.n_voxels} voxels, as the layout has, got {energy.shape[1]}"
        )
    kept = np.where(energy < cut, 0.0, energy).astype(np.float64)
    places = range(len(layout.layers))
    layers = [kept[:, layout.layer_slice(place)] for place in places]
    divided = [place for place in places if layout.has_angles(place)]
    total = np.stack([layer.sum(axis=1) for layer in layers], axis=1)
    eta, phi, r = (
        _centres_and_widths(layers, axis, layout, chosen)
        for axis, chosen in (
            (layout.x, divided),
            (layout.y, divided),
            (layout.r, list(places)),
        )
    )
    columns = [_log(incident_energy[:, None], 0.0), _log(total, _LEAST_ENERGY)]
    columns += [eta[0], phi[0], eta[1], phi[1]]
    if version == FEATURES_2024:
        sparsity = np.stack([(layer == 0.0).mean(axis=1) for layer in layers], axis=1)
        sum_of_all = total.sum(axis=1, keepdims=True)
        columns += [_log(sum_of_all, _LEAST_ENERGY), sparsity, r[0], r[1]]
    return np.concatenate(columns, axis=1)


def describe_features(
    layout: VoxelLayout, *, version: FeatureList = FEATURES_2024
) -> tuple[Observable, ...]:
    """Name the features.

    Args:
        layout: Where the voxels lie.
        version: Which list.

    Returns:
        One entry per column of `challenge_features`.
    """
    every = list(layout.layers)
    divided = [layer for place, layer in enumerate(every) if layout.has_angles(place)]
    groups = [
        ("log_e_layer", "log10 of the energy / MeV", "", every),
        ("center_eta", "centre of energy in eta", "100 mm", divided),
        ("center_phi", "centre of energy in phi", "100 mm", divided),
        ("width_eta", "width in eta", "100 mm", divided),
        ("width_phi", "width in phi", "100 mm", divided),
    ]
    last = [
        ("sparsity", "sparsity", "", every),
        ("center_r", "mean radius", "100 mm", every),
        ("width_r", "width in radius", "100 mm", every),
    ]
    found = [Observable("log_e_inc", "log10 of the incident energy / MeV"), *_of_layers(groups)]
    if version == FEATURES_2024:
        found += [Observable("log_e_tot", "log10 of the energy of all voxels / MeV")]
        found += _of_layers(last)
    return tuple(found)


def _of_layers(groups: list[tuple[str, str, str, list[int]]]) -> Iterator[Observable]:
    for name, title, unit, layers in groups:
        for layer in layers:
            yield Observable(f"{name}_{layer}", f"{title}, layer {layer}", unit)


def _centres_and_widths(
    layers: list[Float64[Array, "event _"]],
    axis: Float64[Array, " voxel"],
    layout: VoxelLayout,
    places: list[int],
) -> tuple[Float64[Array, "event layer"], Float64[Array, "event layer"]]:
    """Compute centres and widths of some layers in units of 100 mm."""
    shape = (len(layers[0]), len(places))
    centres, widths = np.zeros(shape), np.zeros(shape)
    for column, place in enumerate(places):
        energy, where = layers[place], axis[layout.layer_slice(place)] / _LENGTH
        total = energy.sum(axis=1)
        weight = np.where(total > 0, total, 1.0)
        centres[:, column] = (energy @ where) / weight
        variance = (energy @ where**2) / weight - centres[:, column] ** 2
        # below rounding there is no width: a layer with one voxel hit
        known = variance > 1e-12 * where.max(initial=0.0) ** 2
        widths[:, column] = np.sqrt(np.where(known, variance, 0.0))
    return centres, widths


def _log(values: Float64[Array, "event some"], least: float) -> Float64[Array, "event some"]:
    return np.asarray(np.log10(values + least))
