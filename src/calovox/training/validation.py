r"""Judging a model while it trains: its loss, and the spectrum of E_tot if it gives energies.

CaloINN: E_tot / E_kin of generated showers is compared with that of the validation showers, at the
same photons, in slices of one octave of the kinetic energy. In each slice the bins hold equal
numbers of validation showers n_i; with the generated m_i, and their totals N and M,

$$\chi^2 = \sum_i \frac{(\sqrt{M/N} n_i - \sqrt{N/M} m_i)^2}{n_i + m_i},
\qquad \mathrm{ndf} = \mathrm{bins} - 1.$$

GANs: the best weights are chosen by the chi2 of E_tot, as in AtlFast3. A slice of |eta| has some
500 validation showers of all energies together, too few for a histogram at each energy. Every
validation photon is simulated `N_DRAWS` times, and E_tot of the true shower is ranked among theirs
(a rank histogram). If the model has the right distribution of E_tot at every energy, all ranks
have the same probability. In bins of equal numbers of ranks, with n_i showers of N,

$$\chi^2 = \sum_i \frac{(n_i - N / \mathrm{bins})^2}{N / \mathrm{bins}},
\qquad \mathrm{ndf} = \mathrm{bins} - 1,$$

with at least `LEAST` showers expected in each bin. Too much or too little energy fills the bins of
one side; too narrow a distribution fills both sides, too wide a one the middle. All energies are
joined, so that opposite errors at different energies look like a wrong width.

The noise is the same in every validation, so that only the model makes a difference.

References:
    W. H. Press et al., *Numerical Recipes*, section 14.3, *Are two distributions different?*
    T. M. Hamill, *Interpretation of rank histograms for verifying ensemble forecasts*, Monthly
    Weather Review 129 (2001) 550
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), Appendix C
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch import nn

from calovox.arrays import Array, Float, Int64
from calovox.models.base import Trainable
from calovox.models.gan import CaloGAN, GanTraining
from calovox.models.inn import CaloINN
from calovox.training.data.showers import ShowerFiles, choose_showers, move_showers

__all__ = [
    "LEAST",
    "N_DRAWS",
    "Validation",
    "chi2_of_ranks",
    "chi2_of_samples",
    "ranks_among",
]

N_DRAWS: Final = 19
"""Showers of a GAN for each validation photon; there is one rank more."""

LEAST: Final = 40
"""Showers that are expected in a bin of ranks."""

_PER_BIN: Final = 25
"""Validation showers in a bin."""

_MOST_BINS: Final = 40

_BATCH_VOXELS: Final = 2_000_000
"""Voxels of a batch of validation: on the regular grid, 1024 showers have fewer."""


class Validation:
    """Judges models by showers that they were not trained with.

    The showers are held in memory; those with weights are drawn once, as often as these say.

    Args:
        files: The showers.
        seed: Seed of the noise.
        batch_size: Showers at a time; None for 1024, fewer of those with many voxels.
    """

    def __init__(
        self, files: ShowerFiles, *, seed: int = 1, batch_size: int | None = None
    ) -> None:
        self.files = files
        self.seed = seed
        self.batch_size = batch_size or max(1, min(1024, _BATCH_VOXELS // files.grid.n_voxels))
        drawn = files.drawn(seed)
        self._showers = drawn.read(np.arange(len(drawn)))
        self._n_showers = len(drawn)

    def __call__(self, model: nn.Module) -> Mapping[str, float]:
        """Judge a model.

        Args:
            model: A `Trainable` model.

        Returns:
            Mean of each term of the loss; for a GAN also ``chi2``, the chi2/ndf of the ranks of
            E_tot; for CaloINN ``chi2``, the mean of chi2/ndf over the slices of the kinetic
            energy, and ``chi2_K`` for that from 2^K MeV on. Slices of less than 50 showers are
            joined to the one below.
        """
        metrics = self._losses(model)
        if isinstance(model, CaloINN):
            metrics |= self._chi2_of_octaves(model)
        elif isinstance(model, GanTraining):
            metrics["chi2"] = self._chi2_of_ranks(model.result)
        return metrics

    def _losses(self, model: nn.Module) -> dict[str, float]:
        assert isinstance(model, Trainable)
        device = next(model.parameters()).device
        rng = torch.Generator(device).manual_seed(self.seed)
        sums: dict[str, float] = {}
        for events in torch.split(torch.arange(self._n_showers), self.batch_size):
            batch = move_showers(choose_showers(self._showers, events), device)
            for name, loss in model.losses(batch, rng).items():
                sums[name] = sums.get(name, 0.0) + len(events) * loss.item()
        return {name: total / self._n_showers for name, total in sums.items()}

    @property
    def _visible(self) -> Float[Array, " event"]:
        return np.asarray(self._showers.layer_energy.sum(dim=1).numpy())

    def _chi2_of_ranks(self, model: CaloGAN) -> float:
        generated = self._draw_visible(model, N_DRAWS)
        return chi2_of_ranks(ranks_among(self._visible, generated), N_DRAWS + 1)

    def _chi2_of_octaves(self, model: CaloINN) -> dict[str, float]:
        generated, expected = self._draw_visible(model, 1)[0], self._visible
        octave = _octaves(self._showers.conditions.energy.numpy())
        slices = {
            f"chi2_{k}": chi2_of_samples(expected[octave == k], generated[octave == k])
            for k in np.unique(octave).tolist()
        }
        return {"chi2": float(np.mean(list(slices.values())))} | slices

    def _draw_visible(self, model: CaloINN | CaloGAN, n_draws: int) -> Float[Array, "draw event"]:
        """Simulate every photon some times."""
        device = next(model.parameters()).device
        conditions = move_showers(self._showers, device).conditions
        rng = torch.Generator().manual_seed(self.seed)
        visible = []
        for _ in range(n_draws):
            # drawn on the CPU: the noise is the same on every device
            noise = torch.randn(self._n_showers, *model.noise_shape, generator=rng).to(device)
            visible.append(model.sample(conditions, noise).sum(dim=1).cpu().numpy())
        return np.stack(visible)


def chi2_of_samples(
    expected: Float[Array, " n_expected"], found: Float[Array, " n_found"]
) -> float:
    """Compare two samples.

    Args:
        expected: One sample; bins have the same number of its values, but for ties.
        found: The other, of any size.

    Returns:
        chi2/ndf, about 1 for two samples of one distribution.
    """
    n_bins = min(max(len(expected) // _PER_BIN, 2), _MOST_BINS)
    # ties would give bins of no width
    edges = np.unique(np.quantile(expected, np.arange(1, n_bins) / n_bins))
    n, m = (
        np.bincount(np.searchsorted(edges, sample, side="right"), minlength=len(edges) + 1)
        for sample in (expected, found)
    )
    ratio = np.sqrt(len(found) / len(expected))
    return float(np.sum((ratio * n - m / ratio) ** 2 / np.maximum(n + m, 1)) / len(edges))


def chi2_of_ranks(ranks: Int64[Array, " event"], n_ranks: int) -> float:
    """Compare ranks of showers among generated ones with ranks of equal probability.

    Args:
        ranks: Rank of each shower, from 0.
        n_ranks: How many ranks there are.

    Returns:
        chi2/ndf, 1 on average if the model is right; there are as many bins as `LEAST` allows
        among the divisors of the number of ranks, but at least two.

    Raises:
        ValueError: If so many ranks cannot be divided equally between so few bins.
    """
    most = max(len(ranks) // LEAST, 2)
    n_bins = max(n for n in range(1, most + 1) if n_ranks % n == 0)
    if n_bins < 2:
        raise ValueError(f"chi2_of_ranks: expected `n_ranks` of 2 bins or more, got {n_ranks}")
    found = np.bincount(ranks * n_bins // n_ranks, minlength=n_bins)
    expected = len(ranks) / n_bins
    return float(np.sum((found - expected) ** 2) / expected / (n_bins - 1))


def ranks_among(
    expected: Float[Array, " event"], generated: Float[Array, "draw event"]
) -> Int64[Array, " event"]:
    """Find the rank of each shower among those generated for the same photon.

    Args:
        expected: A number of each shower.
        generated: The same number of generated showers.

    Returns:
        How many of the generated ones are lower, and half of those that are equal.

    Example:
        >>> ranks_among(np.array([0.5, 2.0]), np.array([[0.1, 2.0], [0.2, 2.0]]))
        array([2, 1])
    """
    below, above = (generated < expected).sum(axis=0), (generated > expected).sum(axis=0)
    return np.asarray((below + len(generated) - above) // 2)


def _octaves(energy: Float[Array, " event"]) -> Int64[Array, " event"]:
    """Number the octaves of energies; octaves of few events are joined to the one below."""
    octave: Array = np.floor(np.log2(energy)).astype(np.int64)
    # from the highest down: what was joined to an octave counts there
    for k in np.unique(octave)[:0:-1]:
        if np.count_nonzero(octave == k) < 2 * _PER_BIN:
            octave[octave == k] = np.max(octave[octave < k])
    return octave
