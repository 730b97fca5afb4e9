r"""Which steps of the density along eta showers have that patterns do not know of.

Voxels of showers near a step choose among patterns of other showers. Those have the share b_c of
their energy beyond the step in candidate c. A ratio w leaves the part w_c = 1 - b_c + w b_c of it:
the voxel takes it in proportion to w_c, and has w b_c / w_c of its energy beyond the step then.
With voxels of energy T, whose candidates have the share b beyond the step on average,

$$\sum_\mathrm{voxels} \frac{w b}{1 - b + w b} T$$

lies there, whatever the number of their deposits; the ratio is chosen that makes this the energy
that the showers themselves have there. All energies are multiplied by the weight of the shower;
voxels without patterns count for nothing.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from scipy.optimize import brentq

from calovox.arrays import Array, Bool, Float64
from calovox.geometry import Detector, atlas_barrel
from calovox.hits import Hits
from calovox.hits.hits import concatenate_hits
from calovox.patterns.beyond import shares_beyond
from calovox.patterns.library import DensityStep, PatternLibrary
from calovox.patterns.making import PatternMaker
from calovox.patterns.merging import deposits_in_voxels
from calovox.voxelization import VoxelGrid, hits_to_voxels

__all__ = ["LEAST_SHOWERS", "NEAR", "StepFit", "WantedStep", "collect_patterns"]

NEAR: Final = 0.1
"""How far from a step in abs(eta) photons may be whose showers tell its ratio."""

LEAST_SHOWERS: Final = 20
"""Showers near a step without which there is no fit."""

_RATIOS: Final = (1e-4, 1e4)


class WantedStep(NamedTuple):
    """A step that a library is to have.

    Attributes:
        layer: Number of the layer.
        abs_eta: Where the step lies.
        ratio: Density beyond it over the density before it; None to fit it.
    """

    layer: int
    abs_eta: float
    ratio: float | None = None


@dataclass
class StepFit:
    """Collects energies on both sides of a step, and finds its ratio.

    Attributes:
        layer: Number of the layer.
        abs_eta: Where the step lies.
        center: What voxels lie round, as in `hits_to_voxels`.
        detector: Where the layers lie; the built-in barrel by default.
        n_showers: Showers near the step, so far.
    """

    layer: int
    abs_eta: float
    center: Literal["hits", "photon"] = "hits"
    detector: Detector = field(default_factory=atlas_barrel)
    n_showers: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        # of each voxel: its energy, what candidates have beyond the step, and what the shower has
        self._parts: list[Float64[Array, "voxel 3"]] = []

    def add(self, hits: Hits, library: PatternLibrary) -> None:
        """Take the showers near the step, and the candidates of their voxels.

        Args:
            hits: Showers.
            library: Patterns of other ones.

        Raises:
            ValueError: If the grid lacks the layer of a hit.
        """
        near = np.abs(np.abs(hits.photons.eta) - self.abs_eta) <= NEAR
        if not near.any():
            return
        hits = _chosen(hits, near)
        voxels = hits_to_voxels(hits, library.grid, center=self.center, detector=self.detector)
        assert voxels.phi_center is not None  # hits have one
        weight = np.ones(len(voxels)) if voxels.weight is None else voxels.weight
        scale = np.repeat(weight, library.grid.n_voxels)
        share = shares_beyond(voxels, library, self.layer, self.abs_eta, self.detector).ravel()
        total, real = self._energies(hits, library.grid, voxels.eta_center, voxels.phi_center)
        known = np.isfinite(share)
        parts = np.stack([total, share * total, real], axis=1)
        self._parts.append(parts[known] * scale[known, None])
        self.n_showers += len(hits)

    def step(self) -> DensityStep:
        """Find the ratio.

        Returns:
            The step.

        Raises:
            ValueError: If there are fewer than `LEAST_SHOWERS` showers near it, or no ratio leaves
                the energy beyond it that they have there.
        """
        place = f"step of layer {self.layer} at |eta| {self.abs_eta:g}"
        if self.n_showers < LEAST_SHOWERS:
            raise ValueError(
                f"{place}: expected {LEAST_SHOWERS} showers or more with |eta| within {NEAR:g} of "
                f"it, got {self.n_showers}: voxelize more of them"
            )
        total, beyond, real = np.concatenate(self._parts).T

        def excess(log_ratio: float) -> float:
            inside = math.exp(log_ratio) * beyond
            parts = np.divide(inside, total - beyond + inside)
            return float(np.sum(total * parts) - real.sum())

        low, high = map(math.log, _RATIOS)
        if not excess(low) < 0.0 < excess(high):
            raise ValueError(
                f"{place}: expected a ratio of {_RATIOS[0]:g} to {_RATIOS[1]:g}, got none that "
                f"leaves {100.0 * real.sum() / total.sum():.2g} % of the energy beyond it: take "
                "showers with many hits in voxels across it, or leave it out"
            )
        ratio = math.exp(brentq(excess, low, high, xtol=1e-9))
        return DensityStep(self.layer, self.abs_eta, ratio)

    def _energies(
        self,
        hits: Hits,
        grid: VoxelGrid,
        eta: Float64[Array, " event"],
        phi: Float64[Array, " event"],
    ) -> tuple[Float64[Array, " voxel"], Float64[Array, " voxel"]]:
        """Sum up the energy in the voxels of the layer of all events, and that beyond the step."""
        deposits = deposits_in_voxels(hits, grid, self.detector, eta, phi)
        event, voxel = np.divmod(deposits.key, grid.n_voxels)
        radius = self.detector.radii(eta, (self.layer,))[event, 0]
        energy = np.where(grid.layer[voxel] == self.layer, deposits.energy, 0.0)
        # x points away from eta = 0 on both sides of the detector
        beyond = np.abs(np.abs(eta)[event] + deposits.x / radius) >= self.abs_eta
        size = len(eta) * grid.n_voxels
        return (
            np.bincount(deposits.key, energy, size),
            np.bincount(deposits.key, energy * beyond, size),
        )


def collect_patterns(
    batches: Callable[[str], Iterable[Hits]],
    make: Callable[[], PatternMaker],
    steps: Sequence[WantedStep] = (),
    meta: dict[str, Any] | None = None,
) -> PatternLibrary:
    """Make a library of all showers, and fit its steps to those near them.

    Each shower chooses among patterns of every second one that it is not among: with its own, it
    would look as if patterns knew of the step.

    Args:
        batches: Gives the showers, for the title of what is done with them.
        make: Gives a maker without patterns.
        steps: The steps.
        meta: How the patterns were made.

    Returns:
        The library. `step_showers` of its `meta` tells how many showers each step was fitted to,
        0 for one whose ratio was given.

    Raises:
        ValueError: If the showers have no energy in voxels, or do not tell the ratio of a step.
    """
    whole, halves = make(), (make(), make())
    fits = {
        step: StepFit(step.layer, step.abs_eta, whole.center, whole.detector)
        for step in steps
        if step.ratio is None
    }
    for hits in batches("patterns"):
        whole.add(hits)
        if fits:
            for half, maker in zip(_halves(hits), halves, strict=True):
                maker.add(half)
    library = whole.library(meta)
    if fits:
        others = halves[1].library(), halves[0].library()
        for hits in batches("steps of the density"):
            for half, other in zip(_halves(hits), others, strict=True):
                for fit in fits.values():
                    fit.add(half, other)
    if not steps:
        return library
    n_showers = [fits[step].n_showers if step in fits else 0 for step in steps]
    found = (
        fits[step].step()
        if step.ratio is None
        else DensityStep(step.layer, step.abs_eta, step.ratio)
        for step in steps
    )
    return replace(
        library,
        steps=tuple(found),
        meta={**library.meta, "step_showers": [{"n_showers": number} for number in n_showers]},
    )


def _halves(hits: Hits) -> Iterator[Hits]:
    """Give every second shower, from the first and from the second one on."""
    second = np.arange(len(hits)) % 2 == 1
    yield _chosen(hits, ~second)
    yield _chosen(hits, second)


def _chosen(hits: Hits, rows: Bool[Array, " event"]) -> Hits:
    return concatenate_hits([hits[:0], *(hits[i : i + 1] for i in np.flatnonzero(rows))])
