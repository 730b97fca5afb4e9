import pytest
import torch
from torch import Tensor

from calovox.preprocessing import ConditionalStandardization


def draw(n_events: int, *, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Two variables: widths that fall with t, a mean that moves, and a constant one."""
    rng = torch.Generator().manual_seed(seed)
    t = 4.0 * torch.rand(n_events, 1, generator=rng) - 2.0
    x = torch.randn(n_events, 1, generator=rng) * torch.exp(-0.5 * t) + t
    return torch.cat([x, torch.full_like(x, 5.0)], dim=1), t


def fitted(n_events: int = 40_000) -> ConditionalStandardization:
    x, t = draw(n_events)
    parts = list(zip(x.split(7000), t.split(7000), strict=True))
    return ConditionalStandardization.identity(2).fit(parts, (-2.0, 2.0))


def test_identity_changes_nothing() -> None:
    x, t = draw(100)
    assert torch.equal(ConditionalStandardization.identity(2)(x, t), x)


def test_every_condition_gets_the_same_mean_and_width() -> None:
    x, t = draw(40_000, seed=2)
    y = fitted()(x, t)[:, 0]
    for rows in t[:, 0].argsort().tensor_split(16):
        assert abs(y[rows].mean()) < 0.1  # the mean of 2500 events has an error of 0.02
        assert y[rows].std() == pytest.approx(1.0, abs=0.1)


def test_inverse_undoes_forward_beyond_the_nodes_too() -> None:
    transform = fitted()
    x, t = draw(1000)
    torch.testing.assert_close(transform.inverse(transform(x, 3 * t), 3 * t), x)


def test_values_stay_as_at_the_last_node_beyond_it() -> None:
    transform = fitted()
    x, _ = draw(10)
    at_end, beyond = torch.full((10, 1), 2.0), torch.full((10, 1), 50.0)
    torch.testing.assert_close(transform(x, beyond), transform(x, at_end))


def test_determinant_is_that_of_autograd() -> None:
    transform = fitted()
    x, t = draw(1)
    jacobian = torch.autograd.functional.jacobian(lambda v: transform(v, t)[0], x)[:, 0]
    expected = torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close(transform.log_abs_det_jacobian(x, t)[0], expected)


def test_nodes_without_events_lie_between_their_neighbours() -> None:
    x, t = draw(40_000)
    there = (t[:, 0] < -0.5) | (t[:, 0] > 0.5)
    transform = ConditionalStandardization.identity(2).fit([(x[there], t[there])], (-2.0, 2.0))
    nodes = transform.nodes
    torch.testing.assert_close(transform.means[:, 0], nodes, atol=0.3, rtol=0.0)
    assert bool(transform.log_stds.isfinite().all())


def test_few_events_count_alike_at_all_nodes() -> None:
    x, t = draw(40)
    transform = ConditionalStandardization.identity(2).fit([(x, t)], (-2.0, 2.0))
    torch.testing.assert_close(transform.means, x.mean(dim=0).expand(23, 2))
    y = transform(x, t)[:, 0]
    assert abs(y.mean()) < 1e-5
    assert y.std(correction=0) == pytest.approx(1.0, abs=1e-4)


def test_no_events_are_refused() -> None:
    with pytest.raises(ValueError, match="expected finite data, got 0 events"):
        ConditionalStandardization.identity(2).fit([], (0.0, 1.0))


def test_data_that_is_not_finite_is_refused() -> None:
    x, t = draw(2000)
    x[3, 0] = torch.nan
    with pytest.raises(ValueError, match="expected finite data"):
        ConditionalStandardization.identity(2).fit([(x, t)], (-2.0, 2.0))
