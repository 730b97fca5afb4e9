import pytest
import torch
from torch import Tensor

from calovox.preprocessing import LayerEnergyRatios, LayerEnergyTransform


def layer_energies(n_events: int, n_layers: int = 5) -> Tensor:
    """Fractions of the kinetic energy, about 1 in all; some layers and two events are empty."""
    rng = torch.Generator().manual_seed(1)
    energy = torch.rand(n_events, n_layers, generator=rng) ** 4 + 1e-4
    energy *= 0.95 * (1 + 0.1 * torch.randn(n_events, 1, generator=rng)) / energy.sum(1, True)
    energy[::4, -1] = 0.0
    energy[::8, n_layers // 2 :] = 0.0
    energy[::6, 0] = 0.0
    energy[:2] = 0.0
    return energy


@pytest.mark.parametrize("n_layers", [1, 2, 5, 7])
def test_ratios_are_inverted(n_layers: int) -> None:
    energy = layer_energies(500, n_layers)
    ratios = LayerEnergyRatios()
    u = ratios(energy)
    assert torch.isfinite(u).all()
    assert (u[:, 1:] <= 1).all()
    assert (u >= 0).all()
    torch.testing.assert_close(u[:, 0], energy.sum(dim=1))
    torch.testing.assert_close(ratios.inverse(u), energy, rtol=1e-4, atol=5e-7)


def test_the_first_ratio_may_exceed_one() -> None:
    energy = torch.tensor([[0.7, 0.6, 0.1]])
    ratios = LayerEnergyRatios()
    assert ratios(energy)[0, 0] > 1
    torch.testing.assert_close(ratios.inverse(ratios(energy)), energy)


def test_any_ratios_give_energies_that_add_up() -> None:
    u = 3 * torch.randn(1000, 5)
    energy = LayerEnergyRatios().inverse(u)
    assert (energy >= 0).all()
    torch.testing.assert_close(energy.sum(dim=1), u[:, 0].clamp(min=0))


def test_the_jacobian_is_that_of_autograd() -> None:
    energy = torch.rand(20, 5).double() + 0.01
    transform = LayerEnergyTransform.unfitted(5).double().fit([energy]).double()
    found = transform.log_abs_det_jacobian(energy)
    for event in range(20):
        jacobian = torch.autograd.functional.jacobian(
            lambda v: transform(v[None])[0], energy[event]
        )
        expected = torch.linalg.slogdet(jacobian)[1]
        torch.testing.assert_close(found[event], expected, check_dtype=False)


@pytest.mark.parametrize("n_layers", [1, 2, 5])
def test_layer_energies_come_back(n_layers: int) -> None:
    energy = layer_energies(500, n_layers)
    transform = LayerEnergyTransform.unfitted(n_layers).fit([energy[:100], energy[100:]])
    assert transform.n_layers == n_layers
    for noise in (None, torch.rand(500, n_layers - 1)):
        y = transform(energy, noise)
        assert torch.isfinite(y).all()
        torch.testing.assert_close(transform.inverse(y), energy, rtol=1e-4, atol=4e-6)
    assert torch.isfinite(transform.log_abs_det_jacobian(energy)).all()


def test_empty_layers_stay_empty() -> None:
    energy = layer_energies(2000)
    transform = LayerEnergyTransform.unfitted(5).fit([energy])
    back = transform.inverse(transform(energy, torch.rand(2000, 4)))
    assert not back[energy == 0].any()
    torch.testing.assert_close(back.sum(dim=1), energy.sum(dim=1))


def test_small_layers_keep_their_digits() -> None:
    """Single precision gives the last layer to 1e-5 even where it has 1e-5 of the energy."""
    transform = LayerEnergyTransform.unfitted(5)
    y = torch.cat([torch.rand(500, 1) + 0.5, 11.5 * torch.rand(500, 4)], dim=1)
    exact = LayerEnergyTransform.unfitted(5).double().inverse(y.double())
    assert exact[:, -1].min() < 1e-12
    torch.testing.assert_close(transform.inverse(y).double(), exact, rtol=1e-5, atol=0)


def test_any_numbers_give_energies() -> None:
    transform = LayerEnergyTransform.unfitted(5).fit([layer_energies(500)])
    energy = transform.inverse(100 * torch.randn(2000, 5))
    assert torch.isfinite(energy).all()
    assert (energy >= 0).all()


def test_fitting_leaves_the_transform_as_it_was() -> None:
    transform = LayerEnergyTransform.unfitted(5, alpha=1e-5)
    fitted = transform.fit([layer_energies(50)])
    torch.testing.assert_close(transform.standardization.mean, torch.zeros(5))
    assert fitted.logit.alpha == 1e-5
