import math

import pytest
import torch

from calovox.nn import MLP, ConditionalFlow, ScalarEmbedding


def flow(n_variables: int, *, n_blocks: int = 14, scale: float = 1.0) -> ConditionalFlow:
    """A flow with random weights; a scale above 1 bends it further from the identity."""
    torch.manual_seed(5)
    made = ConditionalFlow(
        ScalarEmbedding([None, MLP([1, 15, 15, 1])]),
        n_variables=n_variables,
        n_blocks=n_blocks,
        hidden=(60, 60),
    )
    with torch.no_grad():
        for block in made.blocks:
            block.network.layers[-1].weight.mul_(scale)
    return made


@pytest.mark.parametrize("n_variables", [1, 2, 5, 8])
def test_a_flow_is_inverted_in_single_precision(n_variables: int) -> None:
    """Fourteen blocks add up their rounding: 5e-6 in the median, 2e-4 at most."""
    made = flow(n_variables)
    x, scalars = torch.randn(2000, n_variables), torch.randn(2000, 2)
    with torch.no_grad():
        there_and_back = (made.inverse(made(x, scalars), scalars) - x).abs()
        back_and_there = (made(made.inverse(x, scalars), scalars) - x).abs()
    for error in (there_and_back, back_and_there):
        assert error.median() < 5e-6
        assert (error < 1e-5).float().mean() > 0.9
        assert error.max() < 2e-4


@pytest.mark.parametrize("n_variables", [1, 2, 5, 8])
def test_a_flow_is_inverted_in_double_precision(n_variables: int) -> None:
    made = flow(n_variables).double()
    x, scalars = torch.randn(500, n_variables).double(), torch.randn(500, 2).double()
    with torch.no_grad():
        assert (made.inverse(made(x, scalars), scalars) - x).abs().max() < 1e-10


def test_the_jacobian_of_a_flow_is_that_of_autograd() -> None:
    made = flow(5).double()
    x, scalars = torch.randn(4, 5).double(), torch.randn(4, 2).double()
    found = made.log_abs_det_jacobian(x, scalars)
    for event in range(4):
        one = scalars[event : event + 1]
        jacobian = torch.autograd.functional.jacobian(
            lambda v, one=one: made(v[None], one)[0], x[event]
        )
        torch.testing.assert_close(found[event], torch.linalg.slogdet(jacobian)[1])


def test_the_density_is_normalised() -> None:
    made = flow(2, n_blocks=4, scale=3.0)
    edge = torch.linspace(-8, 8, 401)
    x = torch.cartesian_prod(edge, edge)
    with torch.no_grad():
        density = made.log_prob(x, torch.ones(len(x), 2)).exp()
    assert abs(float(density.sum()) * (16 / 400) ** 2 - 1) < 1e-3


def test_samples_follow_the_density() -> None:
    made = flow(2, n_blocks=4, scale=3.0)
    n_samples, n_bins = 50000, 16
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        x = made.inverse(torch.randn(n_samples, 2, generator=rng), torch.ones(n_samples, 2))
        centers = torch.linspace(-4, 4, 8 * n_bins + 1)[:-1] + 4 / (8 * n_bins)
        fine = torch.cartesian_prod(centers, centers)
        density = made.log_prob(fine, torch.ones(len(fine), 2)).exp()
    density = density.view(n_bins, 8, n_bins, 8).mean(dim=(1, 3))
    expected = n_samples * density * (8 / n_bins) ** 2
    found = torch.histogramdd(x, bins=[n_bins, n_bins], range=[-4.0, 4.0, -4.0, 4.0]).hist
    used = expected > 20
    chi2 = ((found - expected) ** 2 / expected)[used].sum()
    n_used = int(used.sum())
    assert n_used > 50
    # chi2 has a standard deviation of sqrt(2 n): five of them
    assert abs(chi2 - n_used) < 5 * math.sqrt(2 * n_used)


def test_permutations_are_saved_with_the_weights() -> None:
    made = flow(5)
    other = ConditionalFlow(
        ScalarEmbedding([None, MLP([1, 15, 15, 1])]),
        n_variables=5,
        n_blocks=14,
        hidden=(60, 60),
        permutation_seed=9,
    )
    x, scalars = torch.randn(10, 5), torch.randn(10, 2)
    other.load_state_dict(made.state_dict())
    torch.testing.assert_close(other(x, scalars), made(x, scalars), rtol=0, atol=0)


def test_a_flow_that_leaves_a_variable_alone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1 blocks never change the variables \[0, 1, 2\]"):
        flow(5, n_blocks=1)
