r"""FastCaloSimV2: the parametric photon simulation of AtlFast3, which makes hits directly.

Showers are parametrised at stored energies, the powers of two in MeV, in slices of `SLICE` in
|eta|. The sample of a stored energy and slice are the showers whose centre lies in the slice and
whose kinetic energy lies within half an octave of the stored one; their energies are taken as
fractions of their own kinetic energy, which rescales them. At the ends of the range of energies,
showers may be on one side only. A photon is simulated in these steps:

1. At kinetic energies between two stored ones, one of them is chosen at random, with a
   probability linear in log E; at a stored energy, that one.
2. One of the bins of the first PCA is chosen, all with the same probability. Its second PCA gives
   the share of the kinetic energy that is seen, E_tot / E_kin, and the fractions of the layers
   (`calovox.models.parametric.energies`), which are scaled to the sum 1.
3. E_tot / E_kin is multiplied with R(E) / R_k: R_k is its mean in the sample of the stored energy,
   R(E) interpolates these means by a monotone cubic in log E.
4. Hits are drawn independently from the average shower of the bin
   (`calovox.models.parametric.shapes`).

AtlFast3 has up to 10 000 showers in a sample, at exactly the stored energies, and five bins in the
first PCA. `calovox.models.parametric.fit` says how smaller samples are treated. As in all models
of calovox, average shapes lie round the energy-weighted centre of the shower, and the photon is
taken to point there; in AtlFast3 they lie round the photon's extrapolation into the layer. Hits
are not displaced by the folds of the accordion, as the cells have straight sides.

References:
    ATLAS Collaboration, *AtlFast3: The Next Generation of Fast Simulation in ATLAS*,
    Comput. Softw. Big Sci. 6 (2022) 7, https://arxiv.org/abs/2109.02551
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import ndtri

from calovox.arrays import Array, Bool, Float, Float32, Float64, Int64
from calovox.geometry.barrel import BARREL_LAYERS
from calovox.hits import Hits
from calovox.models.parametric.energies import KNOTS, invert_cumulatives
from calovox.models.parametric.shapes import (
    cumulative_shapes,
    draw_hit_counts,
    half_edges,
    place_hits,
)
from calovox.photons import Particle, Photons
from calovox.random_streams import Stream, event_keys, event_uniforms

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator

__all__ = ["N_VARIABLES", "SLICE", "ParametricModel"]

SLICE: Final = 0.05
"""Width of a slice in |eta|."""

N_VARIABLES: Final = 1 + len(BARREL_LAYERS)
"""E_tot / E_kin, and the fraction of each layer of the barrel in E_tot."""


@dataclass(frozen=True, eq=False, repr=False)
class ParametricModel:
    """A fitted parametrisation; bins of the first PCA of all samples stand one after the other.

    Attributes:
        energies: Stored kinetic energies in MeV, rising.
        eta_edges: Edges of the slices in |eta|.
        n_showers: Showers of each sample.
        n_bins: Bins of the first PCA of each sample.
        response: R_k of each sample.
        quantiles: Inverse cumulatives of each bin at `KNOTS`.
        empty: Shares of each bin's showers in which the variables are 0.
        axes: Principal axes of each bin, multiplied with their standard deviations.
        shapes: Average showers of each bin, as shares in each layer's energy, in the voxels of
            `calovox.models.parametric.shapes.half_edges`.
        phi_modulation: What is known of the phi modulation in the showers; see
            `calovox.phi_modulation.state`.
        provenance: How the parametrisation was made.
        particle: What made the showers.
        path: The file it was read from; None if it was not.
    """

    energies: Float64[Array, " energy"]
    eta_edges: Float64[Array, " edge"]
    n_showers: Int64[Array, "energy slice"]
    n_bins: Int64[Array, "energy slice"]
    response: Float64[Array, "energy slice"]
    quantiles: Float32[Array, "bin variable knot"]
    empty: Float32[Array, "bin variable"]
    axes: Float32[Array, "bin variable component"]
    shapes: Float[Array, "bin half"]
    phi_modulation: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    particle: Particle = "photon"
    path: Path | None = None

    def __post_init__(self) -> None:
        n_bins = int(self.n_bins.sum())
        shape = (len(self.energies), len(self.eta_edges) - 1)
        expected = {
            **dict.fromkeys(("n_showers", "n_bins", "response"), shape),
            "quantiles": (n_bins, N_VARIABLES, len(KNOTS)),
            "empty": (n_bins, N_VARIABLES),
            "axes": (n_bins, N_VARIABLES, N_VARIABLES),
            "shapes": (n_bins, len(half_edges()[0])),
        }
        for name, size in expected.items():
            values = getattr(self, name)
            if values.shape != size:
                raise ValueError(
                    f"ParametricModel: expected `{name}` of shape {size}, got {values.shape}"
                )
            if not np.isfinite(values).all():
                raise ValueError(f"ParametricModel: expected finite numbers in `{name}`")
        for name, edges in (("energies", self.energies), ("eta_edges", self.eta_edges)):
            finite = edges.ndim == 1 and len(edges) and np.isfinite(edges).all()
            if not (finite and np.all(np.diff(edges) > 0.0) and edges[0] >= 0.0):
                raise ValueError(f"ParametricModel: expected rising `{name}`, got {edges}")
        for name in ("n_bins", "response", "energies"):
            if getattr(self, name).min() <= 0:
                raise ValueError(f"ParametricModel: expected `{name}` above 0")
        for name in ("quantiles", "empty", "shapes"):
            if getattr(self, name).min() < 0:
                raise ValueError(f"ParametricModel: expected no negative number in `{name}`")
        ends = self._cumulative[:, half_edges()[1][1:] - 1]
        if np.any((ends == 0.0) & (self.quantiles[:, 1:, -1] > 0.0)):
            raise ValueError("ParametricModel: expected `shapes` of all layers with energy")

    def __repr__(self) -> str:
        n_energies, n_slices = self.n_bins.shape
        return (
            f"ParametricModel({n_energies} energies, {n_slices} slices in |eta|, "
            f"{len(self.axes)} bins)"
        )

    @property
    def energy_range(self) -> tuple[float, float]:
        """Lowest and highest stored energy in MeV."""
        return float(self.energies[0]), float(self.energies[-1])

    @property
    def eta_range(self) -> tuple[float, float]:
        """Lowest and highest |eta|."""
        return float(self.eta_edges[0]), float(self.eta_edges[-1])

    @property
    def n_parameters(self) -> int:
        """How many fitted numbers there are."""
        parts = (self.response, self.quantiles, self.empty, self.axes, self.shapes)
        return sum(part.size for part in parts)

    def in_range(
        self, energy: Float[Array, " event"], eta: Float[Array, " event"]
    ) -> Bool[Array, " event"]:
        """Tell which photons lie within the stored energies and the slices.

        Args:
            energy: Kinetic energies in MeV.
            eta: Pseudorapidities.

        Returns:
            Whether they do.
        """
        size = np.abs(eta)
        (low, high), (low_eta, high_eta) = self.energy_range, self.eta_range
        inside = (low <= energy) & (energy <= high) & (low_eta <= size) & (size <= high_eta)
        return np.asarray(inside)

    def sample(self, photons: Photons, *, seed: int) -> Hits:
        """Draw showers; outside the range, with the nearest stored energy and slice.

        An event's hits depend on the seed, its photon and its index, not on its batch.

        Args:
            photons: Photons, which point at the shower centres.
            seed: Seed of the run.

        Returns:
            Hits round the photons' directions.
        """
        numbers = event_uniforms(
            event_keys(seed, Stream.MODEL, photons.index), 2 + N_VARIABLES + len(BARREL_LAYERS)
        )
        bins, layer_energy = self._draw_energies(photons, numbers)
        counts = draw_hit_counts(layer_energy, numbers[:, 2 + N_VARIABLES :])
        keys = event_keys(seed, Stream.HITS, photons.index)
        return place_hits(photons, layer_energy, counts, bins, self._cumulative, keys)

    def _draw_energies(
        self, photons: Photons, numbers: Float64[Array, "event draw"]
    ) -> tuple[Int64[Array, " event"], Float64[Array, "event layer"]]:
        """Draw the bin of each shower, and the energies of its layers in MeV."""
        energy_index = self._choose_energy(photons.energy, numbers[:, 0])
        slice_index = _bin_index(self.eta_edges, np.abs(photons.eta))
        sample = energy_index, slice_index
        bins = self._first_bin[sample] + (numbers[:, 1] * self.n_bins[sample]).astype(np.int64)
        normals = ndtri(np.maximum(numbers[:, 2 : 2 + N_VARIABLES], 2.0**-54))
        scores = np.einsum("evc,ec->ev", self.axes[bins], normals)
        variables = invert_cumulatives(self.quantiles[bins], self.empty[bins], scores)
        total = variables[:, 0] * photons.energy
        total *= self._interpolate_response(photons.energy, slice_index) / self.response[sample]
        fractions = variables[:, 1:]
        sums = fractions.sum(axis=1)
        scale = np.divide(total, sums, out=np.zeros_like(sums), where=sums > 0.0)
        return bins, fractions * scale[:, None]

    def _choose_energy(
        self, energy: Float64[Array, " event"], uniforms: Float64[Array, " event"]
    ) -> Int64[Array, " event"]:
        """Choose one of the two stored energies next to each energy."""
        if len(self.energies) == 1:
            return np.zeros(len(energy), dtype=np.int64)
        place = np.interp(np.log(energy), np.log(self.energies), np.arange(len(self.energies)))
        lower = np.minimum(place.astype(np.int64), len(self.energies) - 2)
        return np.asarray(lower + (uniforms < place - lower))

    def _interpolate_response(
        self, energy: Float64[Array, " event"], slice_index: Int64[Array, " event"]
    ) -> Float64[Array, " event"]:
        """Evaluate R(E), constant outside the stored energies."""
        if len(self.energies) == 1:
            return np.asarray(self.response[0, slice_index])
        at = np.log(np.clip(energy, *self.energy_range))
        return np.asarray(self._spline(at)[np.arange(len(energy)), slice_index])

    @cached_property
    def _spline(self) -> "PchipInterpolator":
        # slow to import, and commands that do not simulate with it start without
        from scipy.interpolate import PchipInterpolator

        return PchipInterpolator(np.log(self.energies), self.response)

    @cached_property
    def _first_bin(self) -> Int64[Array, "energy slice"]:
        return np.asarray(self.n_bins.cumsum().reshape(self.n_bins.shape) - self.n_bins)

    @cached_property
    def _cumulative(self) -> Float32[Array, "bin half"]:
        return cumulative_shapes(self.shapes)


def _bin_index(
    edges: Float64[Array, " edge"], values: Float64[Array, " event"]
) -> Int64[Array, " event"]:
    """Find bins; values outside are in the nearest one."""
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
