"""Energies of the layers: a plain twin, sums, and what cannot be."""

import numpy as np
import pytest
import torch
from torch import Tensor

from calovox.models.fast.energies import FastEnergies
from tests.models.fast.toy_fast import normals, photons, toy_fast
from tests.reference.fast import layer_energies, numbers


def inputs(n_events: int, *, spread: float = 1.0) -> tuple[FastEnergies, Tensor, Tensor, Tensor]:
    model = toy_fast(gain=3.0)
    energy, eta = photons(n_events)
    features = model.photons(energy, eta)
    return model.energies, features, energy, spread * normals(n_events, 5)


@torch.no_grad()
def test_energies_are_those_of_a_plain_loop() -> None:
    energies, features, energy, noise = inputs(40)
    visible, shares = energies(features, energy, noise)
    for k in range(40):
        expected = layer_energies(energies, numbers(features[k]), float(energy[k]), noise[k])
        np.testing.assert_allclose(visible[k], expected[0], rtol=1e-4)
        np.testing.assert_allclose(shares[k], expected[1], rtol=1e-3, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("spread", [1.0, 30.0, 1e4])
def test_parts_add_up_to_1_and_none_is_negative(spread: float) -> None:
    energies, features, energy, noise = inputs(2000, spread=spread)
    visible, shares = energies(features, energy, noise)
    assert ((visible >= 0.0) & visible.isfinite()).all()
    assert ((shares >= 0.0) & shares.isfinite()).all()
    torch.testing.assert_close(shares.sum(1), torch.ones(2000))


@torch.no_grad()
def test_layers_hold_as_much_each_if_the_network_gives_none_any() -> None:
    energies, features, energy, noise = inputs(20)
    energies.network.layers[-1].bias[1:] = -1e6
    _, shares = energies(features, energy, noise)
    torch.testing.assert_close(shares, torch.full((20, 5), 0.2))


@pytest.mark.parametrize("seed", range(5))
def test_every_layer_can_be_learned_from_the_start(seed: int) -> None:
    model = toy_fast(seed=seed, gain=1.0)
    energy, eta = photons(200)
    _, shares = model.energies(model.photons(energy, eta), energy, normals(200, 5))
    assert (shares > 0.01).any(dim=0).all()


@torch.no_grad()
def test_the_width_of_the_visible_fraction_falls_as_the_resolution_does() -> None:
    energies, features, _, noise = inputs(500)
    features = features[:1].expand(500, -1)
    widths = [
        energies(features, torch.full((500, 1), energy), noise)[0].std() for energy in (1e3, 1e5)
    ]
    _, stochastic, constant = energies.resolution
    expected = ((stochastic / 1e3 + constant) / (stochastic / 1e5 + constant)).sqrt()
    torch.testing.assert_close(widths[0] / widths[1], expected, rtol=0.05, atol=0.0)
