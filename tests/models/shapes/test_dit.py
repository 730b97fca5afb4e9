"""The loss of CaloDiT-2 in closed form."""

import pytest
import torch
from torch import Tensor

from calovox.models.base import Showers
from calovox.models.shapes.dit import CaloDiT
from tests.models.toy_models import toy_batch, toy_dit


class Gaussian(CaloDiT):
    """A model of normal variables, of mean 0 and a given standard deviation."""

    std = 1.0

    def to_variables(self, batch: Showers[Tensor], rng: torch.Generator) -> Tensor:
        return self.std * torch.randn(batch.voxels.shape, generator=rng)


def loss_without_network(std: float) -> float:
    """The loss of F = 0: D = c_skip x."""
    batch = toy_batch(5000)
    model = toy_dit(batch)
    model.__class__, model.std = Gaussian, std
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.zero_()
        return float(model.losses(batch, torch.Generator().manual_seed(6))["denoising"])


def test_the_loss_of_standard_normal_data_is_1_without_a_network() -> None:
    """w E(c_skip x - x_0)^2 = w s^2 d^2 / (s^2 + d^2) = 1 at every level; 5 sigma."""
    assert loss_without_network(1.0) == pytest.approx(1.0, abs=0.04)


def test_the_loss_of_broader_data_is_that_of_the_formula() -> None:
    """For data of k times the variance, it is 1 + (k - 1) E[s^2 / (s^2 + d^2)]; 5 sigma."""
    z = torch.linspace(-8.0, 8.0, 4001, dtype=torch.float64)
    density = torch.exp(-0.5 * z**2)
    variance = (-1.2 + 1.2 * z).exp() ** 2
    share = (density * variance / (variance + 0.25)).sum() / density.sum()
    assert loss_without_network(2.0) == pytest.approx(1.0 + 3.0 * float(share), abs=0.12)
