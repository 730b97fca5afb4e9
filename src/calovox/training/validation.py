r"""Judging a model while it trains: its loss, and the spectrum of E_tot if it gives energies.

E_tot / E_kin of generated showers is compared with that of the validation showers, at the same
photons, in slices of one octave of the kinetic energy. In each slice the bins hold equal numbers
of validation showers n_i; with the generated m_i, and their totals N and M,

$$\chi^2 = \sum_i \frac{(\sqrt{M/N} n_i - \sqrt{N/M} m_i)^2}{n_i + m_i},
\qquad \mathrm{ndf} = \mathrm{bins} - 1.$$

The noise is the same in every validation, so that only the model makes a difference. A GAN is
chosen by this chi2, as in AtlFast3; each validation photon is simulated ten times for it, so that
the noise has less of a say.

References:
    W. H. Press et al., *Numerical Recipes*, section 14.3, *Are two distributions different?*
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
from calovox.training.showers import ShowerFiles, choose_showers, move_showers

__all__ = ["Validation", "chi2_of_samples"]

_PER_BIN: Final = 25
"""Validation showers in a bin."""

_MOST_BINS: Final = 40

_GAN_DRAWS: Final = 10


class Validation:
    """Judges models by showers that they were not trained with.

    The showers are held in memory.

    Args:
        files: The showers.
        seed: Seed of the noise.
        batch_size: Showers at a time.
    """

    def __init__(self, files: ShowerFiles, *, seed: int = 1, batch_size: int = 1024) -> None:
        self.files = files
        self.seed = seed
        self.batch_size = batch_size
        self._showers = files.read(np.arange(len(files)))

    def __call__(self, model: nn.Module) -> Mapping[str, float]:
        """Judge a model.

        Args:
            model: A `Trainable` model.

        Returns:
            Mean of each term of the loss; for CaloINN and GANs also ``chi2``, the mean of chi2/ndf
            over the slices of the kinetic energy, and ``chi2_K`` for that from 2^K MeV on. Slices
            of less than 50 showers are joined to the one below.
        """
        metrics = self._losses(model)
        if isinstance(model, CaloINN):
            metrics |= self._chi2(model, 1)
        elif isinstance(model, GanTraining):
            metrics |= self._chi2(model.result, _GAN_DRAWS)
        return metrics

    def _losses(self, model: nn.Module) -> dict[str, float]:
        assert isinstance(model, Trainable)
        device = next(model.parameters()).device
        rng = torch.Generator(device).manual_seed(self.seed)
        sums: dict[str, float] = {}
        for events in torch.split(torch.arange(len(self.files)), self.batch_size):
            batch = move_showers(choose_showers(self._showers, events), device)
            for name, loss in model.losses(batch, rng).items():
                sums[name] = sums.get(name, 0.0) + len(events) * loss.item()
        return {name: total / len(self.files) for name, total in sums.items()}

    def _chi2(self, model: CaloINN | CaloGAN, n_draws: int) -> dict[str, float]:
        generated = self._draw_visible(model, n_draws)
        expected = self._showers.layer_energy.sum(dim=1).numpy()
        octave = _octaves(self._showers.conditions.energy.numpy())
        slices = {
            f"chi2_{k}": chi2_of_samples(expected[octave == k], generated[:, octave == k].ravel())
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
            noise = torch.randn(len(self.files), *model.noise_shape, generator=rng).to(device)
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
    edges = np.unique(np.quantile(expected, np.arange(1, n_bins) / n_bins))
    n, m = (
        np.bincount(np.searchsorted(edges, sample, side="right"), minlength=len(edges) + 1)
        for sample in (expected, found)
    )
    ratio = np.sqrt(len(found) / len(expected))
    return float(np.sum((ratio * n - m / ratio) ** 2 / np.maximum(n + m, 1)) / len(edges))


def _octaves(energy: Float[Array, " event"]) -> Int64[Array, " event"]:
    """Number the octaves of energies; octaves of few events are joined to the one below."""
    octave: Array = np.floor(np.log2(energy)).astype(np.int64)
    for k in np.unique(octave)[:0:-1]:
        if np.count_nonzero(octave == k) < 2 * _PER_BIN:
            octave[octave == k] = np.max(octave[octave < k])
    return octave
