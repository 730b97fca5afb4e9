import pytest
import torch
from torch import Tensor

from calovox.nn import MLP, RationalQuadraticSpline, SplineCoupling

BOUND = 10.0
N_BINS = 10


def random_spline(
    n_events: int, n_variables: int, *, spread: float = 1.0, seed: int = 1
) -> RationalQuadraticSpline:
    rng = torch.Generator().manual_seed(seed)
    parameters = spread * torch.randn(n_events, n_variables, 3 * N_BINS - 1, generator=rng)
    return RationalQuadraticSpline.from_parameters(parameters, bound=BOUND)


def numbers(n_events: int, n_variables: int, *, seed: int = 2) -> Tensor:
    """Numbers inside the range, outside of it, and at its ends."""
    rng = torch.Generator().manual_seed(seed)
    x = 24.0 * torch.rand(n_events, n_variables, generator=rng) - 12.0
    x[:4, 0] = torch.tensor([-BOUND, BOUND, 0.0, 50.0])
    return x


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0, 2.0])
def test_splines_are_inverted_to_1e_5_in_single_precision(spread: float) -> None:
    """Where a spline is nearly flat, the rounding of y alone moves x by 1 / slope as much."""
    spline = random_spline(20000, 2, spread=spread)
    x = numbers(20000, 2)
    error = (spline.inverse(spline.forward(x)) - x).abs()
    slope = spline.log_abs_det_jacobian(x).exp()
    assert (error * slope.clamp(max=1.0)).max() < 1e-5
    assert error.median() < 5e-6
    if spread <= 0.3:
        assert error.max() < 1e-5


def test_steep_splines_are_inverted_in_double_precision() -> None:
    single = random_spline(20000, 2, spread=4.0)
    spline = RationalQuadraticSpline(
        single.x_knots.double(), single.y_knots.double(), single.slopes.double()
    )
    y = numbers(20000, 2).double()
    assert (spline.forward(spline.inverse(y)) - y).abs().max() < 1e-8


def test_the_slope_is_that_of_autograd() -> None:
    spline = random_spline(500, 3)
    x = numbers(500, 3).requires_grad_()
    (slope,) = torch.autograd.grad(spline.forward(x).sum(), x)
    torch.testing.assert_close(
        spline.log_abs_det_jacobian(x.detach()), slope.log(), rtol=1e-4, atol=1e-4
    )


def test_splines_rise_through_their_knots() -> None:
    spline = random_spline(50, 2)
    torch.testing.assert_close(
        torch.stack([spline.forward(x) for x in spline.x_knots.unbind(-1)], -1), spline.y_knots
    )
    x = torch.linspace(-11, 11, 200)
    values = torch.stack([spline.forward(torch.full((50, 2), float(v))) for v in x])
    assert (values.diff(dim=0) > 0).all()


def test_zeros_give_the_identity() -> None:
    spline = random_spline(100, 2, spread=0.0)
    x = numbers(100, 2)
    torch.testing.assert_close(spline.forward(x), x)
    torch.testing.assert_close(spline.log_abs_det_jacobian(x), torch.zeros_like(x))


def test_outside_the_range_nothing_changes() -> None:
    spline = random_spline(3, 1)
    x = torch.tensor([[-1e30], [10.001], [1e30]])
    torch.testing.assert_close(spline.forward(x), x, rtol=0, atol=0)
    torch.testing.assert_close(spline.inverse(x), x, rtol=0, atol=0)
    assert not spline.log_abs_det_jacobian(x).any()


def coupling() -> SplineCoupling:
    torch.manual_seed(3)
    return SplineCoupling(MLP([3 + 2, 60, 60, 58]), n_unchanged=3, n_changed=2)


def test_a_coupling_block_is_inverted_and_keeps_its_first_variables() -> None:
    block = coupling()
    x, condition = 3 * torch.randn(1000, 5), torch.randn(1000, 2)
    z = block(x, condition)
    torch.testing.assert_close(z[:, :3], x[:, :3], rtol=0, atol=0)
    assert (block.inverse(z, condition) - x).abs().max() < 1e-5


def test_the_jacobian_of_a_coupling_block_is_that_of_autograd() -> None:
    block = coupling().double()
    x, condition = torch.randn(6, 5).double(), torch.randn(6, 2).double()
    found = block.log_abs_det_jacobian(x, condition)
    for event in range(6):
        one = condition[event : event + 1]
        jacobian = torch.autograd.functional.jacobian(
            lambda v, one=one: block(v[None], one)[0], x[event]
        )
        torch.testing.assert_close(found[event], torch.linalg.slogdet(jacobian)[1])


def test_a_network_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="3 n - 1 outputs for each of 2 variables, got 60"):
        SplineCoupling(MLP([5, 60]), n_unchanged=3, n_changed=2)
