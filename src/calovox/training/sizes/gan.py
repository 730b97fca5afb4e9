"""Sizes of FastCaloGAN, models of these sizes, and their training."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from calovox.models.gan import CaloGAN, GanTraining, gan_critic, gan_generator
from calovox.preprocessing import RootShareTransform, Standardization
from calovox.training.data.showers import ShowerFiles
from calovox.training.fits.quantiles import seeded, training_voxels
from calovox.training.sizes.options import CriticOptions, GanOptions
from calovox.training.sizes.shapes import ModelKind
from calovox.voxelization import VoxelGrid

__all__ = ["GanRules", "GanSizes"]


@dataclass(frozen=True)
class GanSizes(GanOptions):
    """Sizes of FastCaloGAN's generator, which is the model, and models of these sizes."""

    kind: ClassVar[ModelKind] = "gan"

    def build(self, grid: VoxelGrid) -> CaloGAN:
        """Build a model with random weights.

        Args:
            grid: The voxels.

        Returns:
            The model.
        """
        return self.model(
            Standardization.identity(1), RootShareTransform.unfitted(grid.layer_sizes)
        )

    def model(self, log_energy: Standardization, points: RootShareTransform) -> CaloGAN:
        """Build a model with random weights and given transforms.

        Args:
            log_energy: Standardisation of the logarithm of the energy.
            points: How points become showers.

        Returns:
            The model.
        """
        generator = gan_generator(points.n_variables, n_latent=self.latent, widths=self.widths)
        return CaloGAN(generator, log_energy, points)


@dataclass(frozen=True, kw_only=True)
class GanRules(CriticOptions):
    """How a GAN of given sizes is trained.

    Attributes:
        sizes: Sizes of the model.
    """

    sizes: GanSizes = GanSizes()

    def make(self, files: ShowerFiles, *, seed: int, reflect: bool) -> GanTraining:
        """Build model and critic with random weights; the generator starts at the mean shower.

        Args:
            files: Showers to which the transforms are fitted.
            seed: Seed of the weights.
            reflect: Whether the showers are reflected in training: both ways count then.

        Returns:
            What is to be trained.
        """
        points, log_energy = _fit_points(files), _fit_log_energy(files)
        width = self.critic_width or files.grid.n_voxels
        model = seeded(seed, lambda: self.sizes.model(log_energy, points))
        critic = seeded(seed + 1, lambda: gan_critic(points.n_variables, width=width))
        last = model.network.layers[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.bias.copy_(_mean_point(points, files, reflect=reflect))
        return GanTraining(model, critic, n_critic=self.critic_turns, penalty=self.penalty)


def _fit_log_energy(files: ShowerFiles) -> Standardization:
    return Standardization.fit(part.conditions.energy.log()[:, None] for part in files.batches())


def _fit_points(files: ShowerFiles) -> RootShareTransform:
    raw = RootShareTransform.unfitted(files.grid.layer_sizes)
    low, high = (float(np.log(energy)) for energy in files.energy_range)
    nodes = torch.linspace(low, max(high, low + 1e-3), len(raw.nodes))
    return raw.fit(
        nodes, ((part.conditions.energy, part.voxels.sum(dim=1)) for part in files.batches())
    )


def _mean_point(points: RootShareTransform, files: ShowerFiles, *, reflect: bool) -> torch.Tensor:
    """Average the roots of voxels and layers; the visible energy has the mean 0."""
    total = torch.zeros(points.n_variables)
    n_showers = 0
    for voxels in training_voxels(files, reflect=reflect):
        total += points(voxels, torch.zeros(len(voxels))).sum(dim=0)
        n_showers += len(voxels)
    total[0] = 0.0
    return total / n_showers
