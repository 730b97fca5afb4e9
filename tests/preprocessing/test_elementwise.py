import pytest
import torch
from torch import Tensor, nn

from calovox.preprocessing import (
    ConditionTransform,
    Dequantization,
    RegularizedLogit,
    Standardization,
)


def shares(n_events: int, n_variables: int) -> Tensor:
    """Shares over many orders of magnitude, with both ends of [0, 1]."""
    rng = torch.Generator().manual_seed(1)
    x = torch.rand(n_events, n_variables, generator=rng) ** 6
    x[:2] = torch.tensor([0.0, 1.0])[:, None]
    return x


def log_det_by_autograd(transform: nn.Module, x: Tensor) -> Tensor:
    rows = []
    for row in x:
        jacobian = torch.autograd.functional.jacobian(lambda v: transform(v[None])[0], row)
        rows.append(torch.linalg.slogdet(jacobian)[1])
    return torch.stack(rows)


def test_the_logit_is_inverted_at_both_ends() -> None:
    logit = RegularizedLogit()
    x = shares(2000, 3)
    y = logit(x)
    assert torch.isfinite(y).all()
    torch.testing.assert_close(y[0], -y[1], rtol=1e-6, atol=0)
    torch.testing.assert_close(logit.inverse(y), x, rtol=1e-5, atol=2e-7)


def test_the_logit_never_leaves_its_range_by_more_than_alpha() -> None:
    logit = RegularizedLogit(1e-3)
    x = logit.inverse(torch.tensor([[-torch.inf, -50.0, 0.0, 50.0, torch.inf]]))
    assert x.min() >= -1.01e-3
    assert x.max() <= 1.0 + 1.01e-3


def test_noise_stays_in_the_unit_interval_and_comes_off_again() -> None:
    dequantization = Dequantization(1e-4)
    x = shares(2000, 3)
    y = dequantization(x, torch.rand_like(x))
    assert y.min() >= 0
    assert y.max() <= 1
    back = dequantization.inverse(y)
    assert (back - x).abs().max() < 1.01e-4
    assert not back[x == 0].any()
    torch.testing.assert_close(dequantization.inverse(dequantization(x, None)), x)


def test_standardisation_is_fitted_alike_in_parts() -> None:
    x = 5.0 + torch.tensor([1.0, 100.0, 0.01]) * torch.randn(1000, 3)
    whole = Standardization.fit([x])
    parts = Standardization.fit([x[:1], x[1:1], x[1:700], x[700:]])
    torch.testing.assert_close(whole.mean, x.mean(dim=0))
    torch.testing.assert_close(whole.std, x.std(dim=0, correction=0))
    torch.testing.assert_close(parts.mean, whole.mean)
    torch.testing.assert_close(parts.std, whole.std)
    torch.testing.assert_close(whole.inverse(whole(x)), x)


def test_a_constant_variable_is_not_scaled() -> None:
    x = torch.full((50, 2), -13.8)
    fitted = Standardization.fit([x[:20], x[20:]])
    torch.testing.assert_close(fitted.std, torch.ones(2))
    torch.testing.assert_close(fitted(x), torch.zeros(50, 2), rtol=0, atol=1e-5)


def test_fitting_to_nothing_or_to_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="expected finite data, got 0 events"):
        Standardization.fit([])
    with pytest.raises(ValueError, match="expected finite data, got 2 events"):
        Standardization.fit([torch.tensor([[1.0], [torch.nan]])])
    with pytest.raises(ValueError, match="`std` > 0"):
        Standardization(torch.zeros(2), torch.tensor([1.0, 0.0]))


@pytest.mark.parametrize(
    "transform",
    [RegularizedLogit(1e-3), Standardization(torch.ones(3), torch.tensor([0.5, 2.0, 3.0]))],
    ids=["logit", "standardisation"],
)
def test_jacobians_are_those_of_autograd(transform: nn.Module) -> None:
    double = transform.double()
    x = shares(20, 3).double()
    found = double.log_abs_det_jacobian(x)
    torch.testing.assert_close(found, log_det_by_autograd(double, x), check_dtype=False)


def test_the_jacobian_of_the_noise_is_that_of_autograd() -> None:
    dequantization = Dequantization(0.1)
    x = shares(5, 3).double()
    found = log_det_by_autograd(lambda v: dequantization(v, torch.full_like(v, 0.3)), x)
    torch.testing.assert_close(dequantization.log_abs_det_jacobian(x), found)


def test_conditions_do_not_know_the_sign_of_eta() -> None:
    energy = torch.logspace(2.4, 6.6, 50)
    eta = torch.linspace(-1.35, 1.35, 50)
    transform = ConditionTransform.fit([energy[:20], energy[20:]])
    scalars = transform(energy, eta)
    torch.testing.assert_close(scalars, transform(energy, -eta))
    torch.testing.assert_close(scalars[:, 0].std(correction=0), torch.tensor(1.0))
    torch.testing.assert_close(scalars[:, 1], 10 * eta.abs())


def test_eta_is_spread_where_the_detector_changes() -> None:
    energy = torch.full((6,), 1000.0)
    eta = torch.tensor([0.0, 0.02, 0.5, 0.78, 0.82, -1.0])
    spread = ConditionTransform.fit([energy * torch.rand(6)], spread=True)(energy, eta)[:, 1]
    expected = torch.tensor([0.0, 3.2, 8.0, 10.8, 17.2, 19.0])
    torch.testing.assert_close(spread, expected)
