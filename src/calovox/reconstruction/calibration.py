r"""Calibrated energy of a cluster: linear layer weights and an offset per bin of \|eta\|.

$$E_{cal} = o + \sum_l w_l E_l$$

with the energies $E_l$ of the layers in the cluster window. ATLAS's own calibration is not
public; this one is fitted on Geant4 events, stored with the dataset, and applied alike to
reference and simulated events. The fit minimises the relative residuals in units of the expected
resolution $\sigma(E) = 11\,\% / \sqrt{E / GeV} \oplus 1\,\%$, without which the few per cent
of a TeV would not count beside the tens of per cent of a GeV:

$$\sum_i \left(\frac{E_{cal,i} - E_i}{E_i \, \sigma(E_i)}\right)^2
+ \left(\frac{o - o^0}{\sigma_o}\right)^2
+ \sum_l \left(\frac{w_l - w^0_l}{\sigma_w}\right)^2.$$

The last two terms decide only what the events cannot: a layer with almost no energy (the first
Tile layer) keeps the weight $w^0$. A first fit to all events starts from
$o^0 = 0, w^0 = 1$; its result is $o^0, w^0$ of the fits per bin. A bin with fewer
than `MIN_EVENTS` events borrows it as it is; such bins are marked. The offset is fitted only if
the energies of the central 90 % of the events span a factor `OFFSET_SPAN`, and is
$o^0$ otherwise: with photons of one energy the best offset would be that energy, and all
weights zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Bool, Float64, Int64
from calovox.units import GEV

__all__ = ["ETA_BIN", "MIN_EVENTS", "OFFSET_SPAN", "Calibration", "fit_calibration"]

ETA_BIN: Final = 0.05
"""Width of the bins in |eta|."""

MIN_EVENTS: Final = 100
"""Events that a bin needs for weights of its own."""

OFFSET_SPAN: Final = 4.0
"""Ratio of the 95 % and 5 % quantiles of the energy from which on the offset is fitted."""

_MAX_ABS_ETA: Final = 1.4
_STOCHASTIC_TERM: Final = 0.11
_CONSTANT_TERM: Final = 0.01
_WEIGHT_FREEDOM: Final = 1.0
_OFFSET_FREEDOM: Final = 1000.0


@dataclass(frozen=True)
class Calibration:
    """Layer weights and offsets of the calibrated energy.

    Attributes:
        eta_edges: Rising edges of the bins in |eta|, from 0; clusters beyond use the last bin.
        offset: Offset of each bin in MeV.
        weights: Weights of the layers in each bin.
        n_events: Events that were fitted in each bin.
        borrowed: Whether a bin had too few events and took the weights of all of them.
    """

    eta_edges: Float64[Array, " edge"]
    offset: Float64[Array, " bin"]
    weights: Float64[Array, "bin layer"]
    n_events: Int64[Array, " bin"]
    borrowed: Bool[Array, " bin"]

    def __post_init__(self) -> None:
        n_bins = len(self.eta_edges) - 1
        if n_bins < 1 or self.eta_edges[0] != 0 or not np.all(np.diff(self.eta_edges) > 0):
            raise ValueError("Calibration: `eta_edges` must rise from 0")
        shapes = {
            "offset": (n_bins,),
            "weights": (n_bins, *self.weights.shape[-1:]),
            "n_events": (n_bins,),
            "borrowed": (n_bins,),
        }
        for name, shape in shapes.items():
            values = getattr(self, name)
            if values.shape != shape:
                raise ValueError(
                    f"Calibration: expected `{name}` of shape {shape}, got {values.shape}"
                )
            if not np.all(np.isfinite(values)):
                raise ValueError(f"Calibration: expected finite numbers in `{name}`")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Calibration):
            return NotImplemented
        ours, theirs = self.to_arrays(), other.to_arrays()
        return all(np.array_equal(ours[name], theirs[name]) for name in ours)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        n_bins = len(self.offset)
        return (
            f"Calibration({n_bins} bins to |eta| {self.eta_edges[-1]:.3g}, "
            f"{int(self.n_events.sum())} events, {int(self.borrowed.sum())} bins borrowed)"
        )

    @property
    def n_borrowed(self) -> int:
        """Number of bins that took the weights of all events."""
        return int(self.borrowed.sum())

    def energy(
        self, cluster_energy: Float64[Array, "event layer"], eta: Float64[Array, " event"]
    ) -> Float64[Array, " event"]:
        """Calibrate clusters.

        Args:
            cluster_energy: Energy of each layer in the cluster in MeV.
            eta: Pseudorapidity of the cluster.

        Returns:
            Calibrated energy in MeV; 0 for a cluster without any energy.

        Raises:
            ValueError: If the clusters have another number of layers.
        """
        if cluster_energy.shape[1] != self.weights.shape[1]:
            raise ValueError(
                f"calibration: expected clusters of {self.weights.shape[1]} layers, "
                f"got {cluster_energy.shape[1]}"
            )
        bins = _eta_bins(self.eta_edges, eta)
        energy = self.offset[bins] + np.sum(self.weights[bins] * cluster_energy, axis=1)
        return np.where(np.any(cluster_energy != 0, axis=1), energy, 0.0)

    def to_arrays(self) -> dict[str, Array]:
        """Return the arrays by name, to be stored in a file."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "Calibration":
        """Build a calibration from stored arrays.

        Args:
            arrays: What `to_arrays` returned; lists are accepted as well.

        Returns:
            The calibration.

        Raises:
            ValueError: If an array is missing or wrong.
        """
        names = list(cls.__dataclass_fields__)
        missing = [name for name in names if name not in arrays]
        if missing:
            raise ValueError(f"calibration: the array `{missing[0]}` is missing")
        try:
            return cls(
                eta_edges=np.asarray(arrays["eta_edges"], dtype=np.float64),
                offset=np.asarray(arrays["offset"], dtype=np.float64),
                weights=np.asarray(arrays["weights"], dtype=np.float64),
                n_events=np.asarray(arrays["n_events"], dtype=np.int64),
                borrowed=np.asarray(arrays["borrowed"], dtype=np.bool_),
            )
        except TypeError as error:
            raise ValueError(f"calibration: expected arrays of numbers ({error})") from None


def fit_calibration(
    cluster_energy: Float64[Array, "event layer"],
    energy: Float64[Array, " event"],
    eta: Float64[Array, " event"],
    *,
    min_events: int = MIN_EVENTS,
) -> Calibration:
    """Fit layer weights and offsets to events of known energy.

    Args:
        cluster_energy: Energy of each layer in the cluster in MeV; events without any are left
            out.
        energy: Kinetic energy of the photon in MeV.
        eta: Pseudorapidity of the cluster.
        min_events: Events that a bin needs for weights of its own.

    Returns:
        The calibration, with the number of events and a mark for the borrowed bins.

    Raises:
        ValueError: If there is no event with energy in its cluster, or an energy is not positive.
    """
    if not np.all(np.isfinite(energy) & (energy > 0)):
        raise ValueError("fit_calibration: expected photon energies above 0")
    used = np.any(cluster_energy != 0, axis=1)
    if not np.any(used):
        raise ValueError("fit_calibration: expected at least one event with energy in its cluster")
    cluster_energy, energy, eta = cluster_energy[used], energy[used], eta[used]
    edges = np.linspace(0.0, _MAX_ABS_ETA, round(_MAX_ABS_ETA / ETA_BIN) + 1)
    bins = _eta_bins(edges, eta)
    n_bins = len(edges) - 1
    n_events = np.bincount(bins, minlength=n_bins)
    prior = np.concatenate([[0.0], np.ones(cluster_energy.shape[1])])
    common = _fit(cluster_energy, energy, prior)
    solutions = np.tile(common, (n_bins, 1))
    for index in np.flatnonzero(n_events >= min_events):
        chosen = bins == index
        solutions[index] = _fit(cluster_energy[chosen], energy[chosen], common)
    return Calibration(
        eta_edges=edges,
        offset=solutions[:, 0].copy(),
        weights=solutions[:, 1:].copy(),
        n_events=n_events.astype(np.int64),
        borrowed=n_events < min_events,
    )


def _eta_bins(
    edges: Float64[Array, " edge"], eta: Float64[Array, " event"]
) -> Int64[Array, " event"]:
    bins = np.searchsorted(edges, np.abs(eta), side="right") - 1
    return np.asarray(np.minimum(bins, len(edges) - 2), dtype=np.int64)


def _fit(
    cluster_energy: Float64[Array, "event layer"],
    energy: Float64[Array, " event"],
    prior: Float64[Array, " parameter"],
) -> Float64[Array, " parameter"]:
    low, high = np.quantile(energy, [0.05, 0.95])
    offset_freedom = _OFFSET_FREEDOM if high >= OFFSET_SPAN * low else 0.0
    freedom = np.concatenate([[offset_freedom], np.full(cluster_energy.shape[1], _WEIGHT_FREEDOM)])
    resolution = np.hypot(_STOCHASTIC_TERM / np.sqrt(energy / GEV), _CONSTANT_TERM)
    columns = np.column_stack([np.ones_like(energy), cluster_energy]) / energy[:, None]
    scaled = columns / resolution[:, None] * freedom
    residual = (1.0 - columns @ prior) / resolution
    step = np.linalg.lstsq(
        np.concatenate([scaled, np.eye(len(prior))]),
        np.concatenate([residual, np.zeros(len(prior))]),
    )[0]
    return np.asarray(prior + freedom * step, dtype=np.float64)
