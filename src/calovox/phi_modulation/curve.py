r"""The phi modulation as a curve, and its removal from and application to hits.

The accordion of the electromagnetic barrel modulates the charge that a hit gives: the hit energy
is the unmodulated one times g(Y), where Y = phi_hit - phi_cell is the position of the hit
relative to the centre of the cell that holds it, and g has the period 2 pi / 1024 of the
absorbers. Cell centres of all layers of the ideal barrel are multiples of that period, so that
Y modulo the period is phi modulo the period; other cells are given as a table
(`calovox.phi_modulation.phases`). TileBar0 has no modulation.

A removed modulation is E / g, an applied one E * g, as in FastCaloSim's
``TFCSPhiModulationCorrection``.

References:
    ATL-SOFT-PUB-2025-003, section 2.5 and Figure 9.
"""

from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Final, NamedTuple, Protocol, runtime_checkable

import numpy as np

from calovox.arrays import Array, Float, Float64, Int64
from calovox.geometry import BARREL_LAYERS, CellTable
from calovox.geometry.layers import NO_LAYER
from calovox.hits import Hits
from calovox.kernels import kernel
from calovox.phi_modulation.phases import PERIOD, phi_in_cells, phi_phase

__all__ = [
    "MODULATED_LAYERS",
    "NO_FACTORS",
    "N_BINS",
    "TABLE_BINS",
    "HitFactors",
    "Modulation",
    "PhiModulation",
    "apply_phi_modulation",
    "curve_rows",
    "modulation_table",
    "phase_bin",
    "remove_phi_modulation",
]

N_BINS: Final = 50
"""Bins of the free histogram over one period (note, section 2.5)."""

TABLE_BINS: Final = 4096
"""Bins of a tabulated modulation over one period."""

MODULATED_LAYERS: Final = tuple(layer.number for layer in BARREL_LAYERS if layer.role != "tile")
"""Numbers of the layers between the absorbers."""


@cache
def curve_rows() -> Int64[Array, "256"]:
    """Tabulate the rows of layers in tables of curves, for kernels.

    Returns:
        Row of each layer number, that behind the last curve where there is no modulation; not to
        be written to.
    """
    rows = np.full(NO_LAYER + 1, len(MODULATED_LAYERS), dtype=np.int64)
    rows[list(MODULATED_LAYERS)] = np.arange(len(MODULATED_LAYERS))
    return rows


@runtime_checkable
class Modulation(Protocol):
    """A known modulation, such as the one that a generator puts into its hits."""

    def __call__(self, layer: int, phi: Float64[Array, "*shape"], /) -> Float64[Array, "*shape"]:
        """Evaluate g for a layer number and azimuths in rad."""
        ...


def modulation_table(modulation: Modulation) -> Float64[Array, "layer bin"]:
    """Tabulate a known modulation over one period, finely enough for kernels to look it up.

    Args:
        modulation: The generator's g.

    Returns:
        g of `MODULATED_LAYERS` in `TABLE_BINS` bins, and a last row of ones for all others.
    """
    phases = (np.arange(TABLE_BINS) + 0.5) * PERIOD / TABLE_BINS
    table = np.ones((len(MODULATED_LAYERS) + 1, TABLE_BINS))
    table[:-1] = [modulation(layer, phases) for layer in MODULATED_LAYERS]
    return table


@dataclass(frozen=True)
class PhiModulation:
    """Curves g(Y) as histograms over one period, per |eta| range and layer.

    Attributes:
        values: g in each bin; the mean over a period is 1.
        uncertainties: Standard deviation of each value, or None if it is not known.
        eta_edges: Edges of the |eta| ranges, rising from 0 or above.
    """

    values: Float64[Array, "range layer bin"]
    eta_edges: Float64[Array, " range+1"]
    uncertainties: Float64[Array, "range layer bin"] | None = None

    def __post_init__(self) -> None:
        n_layers = len(MODULATED_LAYERS)
        if self.values.ndim != 3 or self.values.shape[1] != n_layers:
            raise ValueError(
                f"PhiModulation: `values` must be (range, {n_layers} layers, bin), "
                f"got shape {self.values.shape}"
            )
        rising = np.all(np.isfinite(self.eta_edges)) and np.all(np.diff(self.eta_edges) > 0)
        if len(self.eta_edges) != len(self.values) + 1 or not rising:
            raise ValueError(
                f"PhiModulation: `eta_edges` must be {len(self.values) + 1} rising numbers, "
                f"got {self.eta_edges.tolist()}"
            )
        wrong = ~(np.isfinite(self.values) & (self.values > 0))
        if np.any(wrong):
            first = np.argwhere(wrong)[0].tolist()
            raise ValueError(
                f"PhiModulation: `values` must be above 0, got {self.values[wrong][0]} at {first}"
            )

    def __repr__(self) -> str:
        amplitudes = ", ".join(f"{a:.3f}" for a in self.amplitude.max(axis=0))
        return (
            f"PhiModulation({len(self.values)} |eta| ranges, {self.values.shape[2]} bins, "
            f"amplitude in layers {MODULATED_LAYERS[0]}-{MODULATED_LAYERS[-1]}: {amplitudes})"
        )

    @property
    def amplitude(self) -> Float64[Array, "range layer"]:
        """Half the difference of the largest and the smallest value of each curve."""
        return np.asarray(0.5 * (self.values.max(axis=2) - self.values.min(axis=2)))

    @property
    def phases(self) -> Float64[Array, " bin"]:
        """Centres of the bins in rad."""
        n_bins = self.values.shape[2]
        return np.asarray((np.arange(n_bins) + 0.5) * PERIOD / n_bins)

    @classmethod
    def from_function(
        cls,
        function: Modulation,
        *,
        eta_edges: tuple[float, ...] = (0.0, 1.5),
        n_bins: int = N_BINS,
    ) -> "PhiModulation":
        """Tabulate a function of the layer number and the phase.

        Args:
            function: Gives g for a layer number and phases in rad; the same for all |eta|.
            eta_edges: Edges of the |eta| ranges.
            n_bins: Bins per period.

        Returns:
            The curves, averaged inside each bin and scaled to a mean of 1.
        """
        inside = 16
        fine = (np.arange(n_bins * inside) + 0.5) * PERIOD / (n_bins * inside)
        curves = [
            function(layer, fine).reshape(n_bins, inside).mean(1) for layer in MODULATED_LAYERS
        ]
        values = np.repeat(np.stack(curves)[None], len(eta_edges) - 1, axis=0)
        return cls(values / values.mean(axis=2, keepdims=True), np.asarray(eta_edges))

    def factor(
        self,
        layer: int,
        phi: Float[Array, "*shape"],
        abs_eta: Float[Array, "*shape"],
    ) -> Float64[Array, "*shape"]:
        """Evaluate g; |eta| beyond the last edge takes the nearest range.

        Args:
            layer: Layer number; 1 for one that is not of `MODULATED_LAYERS`.
            phi: Azimuth in rad.
            abs_eta: Absolute pseudorapidity of the shower centre.

        Returns:
            The factor that the modulation puts on a hit energy.
        """
        if layer not in MODULATED_LAYERS:
            return np.ones(np.shape(phi))
        n_bins = self.values.shape[2]
        bins = np.minimum((phi_phase(phi) / PERIOD * n_bins).astype(np.int64), n_bins - 1)
        row = MODULATED_LAYERS.index(layer)
        return np.asarray(self.values[self.eta_range(abs_eta), row, bins])

    def eta_range(self, abs_eta: Float[Array, "*shape"]) -> Array:
        """Find the |eta| range of each value; beyond the ends, the nearest range."""
        return self.eta_edges[1:-1].searchsorted(abs_eta, side="right")

    @cached_property
    def hit_factors(self) -> "HitFactors":
        """What kernels need to put the modulation into hits."""
        return HitFactors(True, self._applied, self.eta_edges[1:-1], curve_rows())

    @cached_property
    def _applied(self) -> Float64[Array, "range row bin"]:
        """Factors that put the modulation in, by layer position."""
        return _with_others(self.values)

    @cached_property
    def _removed(self) -> Float64[Array, "range row bin"]:
        """Factors that take the modulation out, by layer position."""
        return _with_others(1.0 / self.values)


class HitFactors(NamedTuple):
    """Factors of hits, for kernels.

    Attributes:
        modulated: Whether there is a modulation; if not, all else is never looked at.
        factors: What a hit energy is multiplied by.
        eta_borders: Borders between the |eta| ranges of photons.
        rows: The row of each layer number.
    """

    modulated: bool
    factors: Float64[Array, "range row bin"]
    eta_borders: Float64[Array, " border"]
    rows: Int64[Array, "256"]


def _with_others(factors: Float64[Array, "range layer bin"]) -> Float64[Array, "range row bin"]:
    """Add the layers that have no modulation."""
    return np.concatenate([factors, np.ones_like(factors[:, :1])], axis=1)


NO_FACTORS: Final = HitFactors(
    False, np.ones((1, len(MODULATED_LAYERS) + 1, 1)), np.empty(0), curve_rows()
)
"""The factors of hits without modulation."""


@kernel(inline="always")
def phase_bin(phi: float, n_bins: int) -> np.int32:
    """Find the bin of an azimuth in one period, inside a compiled kernel."""
    position = np.floor(phi * (n_bins * 1024.0 / (2.0 * np.pi)) + 512 * n_bins)
    # a remainder of whole numbers that floating-point numbers hold exactly: vector instructions
    # have no other; the quotient may be rounded across a border
    place = position - np.floor(position * (1.0 / n_bins)) * n_bins
    place = place + n_bins if place < 0.0 else place
    return np.int32(place - n_bins if place >= n_bins else place)


@kernel(error_model="numpy")
def _scale_kernel(
    layer: Array,
    phi: Array,
    energy: Array,
    event_offsets: Array,
    eta_ranges: Array,
    rows: Array,
    factors: Array,
    scaled: Array,
) -> None:
    n_bins = factors.shape[2]
    for event in range(len(event_offsets) - 1):
        curves = factors[eta_ranges[event]]
        for hit in range(event_offsets[event], event_offsets[event + 1]):
            place = phase_bin(phi[hit], n_bins)
            scaled[hit] = energy[hit] * curves[rows[layer[hit]], place]


def _scale_hits(
    hits: Hits,
    modulation: PhiModulation,
    factors: Float64[Array, "range row bin"],
    cells: CellTable | None,
) -> Hits:
    scaled = np.empty_like(hits.energy)
    _scale_kernel(
        hits.layer,
        phi_in_cells(hits.layer, hits.eta, hits.phi, cells),
        hits.energy,
        hits.event_offsets,
        modulation.eta_range(np.abs(hits.photons.eta)),
        curve_rows(),
        factors,
        scaled,
    )
    return replace(hits, energy=scaled)


def apply_phi_modulation(
    hits: Hits, modulation: PhiModulation, cells: CellTable | None = None
) -> Hits:
    """Multiply each hit energy by g at its place.

    Args:
        hits: Hits without modulation.
        modulation: The curves; the |eta| range is that of the event's photon.
        cells: The cells of the detector; None for the built-in barrel.

    Returns:
        The same hits with modulated energies.
    """
    return _scale_hits(hits, modulation, modulation._applied, cells)


def remove_phi_modulation(
    hits: Hits, modulation: PhiModulation, cells: CellTable | None = None
) -> Hits:
    """Divide each hit energy by g at its place: the inverse of `apply_phi_modulation`.

    Args:
        hits: Hits with modulation.
        modulation: The curves; the |eta| range is that of the event's photon.
        cells: The cells of the detector; None for the built-in barrel.

    Returns:
        The same hits with the energies they would have without modulation.
    """
    return _scale_hits(hits, modulation, modulation._removed, cells)
