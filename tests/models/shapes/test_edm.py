r"""Gaussian data have closed forms.

For data of mean m and standard deviation d, D(x; s) = (d^2 x + s^2 m) / (d^2 + s^2), and the
paths are x(s) = m + (x(s_max) - m) sqrt((d^2 + s^2) / (d^2 + s_max^2)).
"""

import math

import pytest
import torch
from torch import Tensor

from calovox.models.shapes.edm import (
    SIGMA_MAX,
    SIGMA_MIN,
    angle_to_time,
    denoise,
    draw_sigmas,
    edm_coefficients,
    edm_weight,
    karras_sigmas,
    sample_by_heun,
)

MEAN = torch.tensor([0.3, -1.0, 0.0], dtype=torch.float64)
STD = torch.tensor([0.2, 0.5, 1.5], dtype=torch.float64)
LEVELS = torch.tensor([0.002, 0.1, 1.0, 7.0, 80.0], dtype=torch.float64)[:, None]


def exact_slope(x: Tensor, sigma: float) -> Tensor:
    """(x - D) / s."""
    return (x - (STD**2 * x + sigma**2 * MEAN) / (STD**2 + sigma**2)) / sigma


def exact_path(x: Tensor, sigma: float, following: float) -> Tensor:
    return MEAN + (x - MEAN) * ((STD**2 + following**2) / (STD**2 + sigma**2)).sqrt()


def normals(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_levels_are_those_of_karras() -> None:
    sigmas = karras_sigmas(32)
    assert len(sigmas) == 32
    assert (sigmas[0], sigmas[-1]) == (80.0, 0.002)
    roots = torch.tensor(sigmas, dtype=torch.float64) ** (1 / 7)
    torch.testing.assert_close(roots.diff(), roots.diff()[:1].expand(31))
    assert (roots.diff() < 0).all()
    assert karras_sigmas(1) == [80.0]
    assert karras_sigmas(2) == [80.0, 0.002]
    with pytest.raises(ValueError, match="`n_levels` of 1 or more, got 0"):
        karras_sigmas(0)


def test_heun_draws_gaussian_data_to_a_thousandth() -> None:
    noise = normals(500, 3)
    expected = exact_path(SIGMA_MAX * noise, SIGMA_MAX, 0.0)
    for n_levels, largest in ((32, 0.06), (256, 1e-3)):
        found = sample_by_heun(exact_slope, noise, karras_sigmas(n_levels))
        assert (found - expected).abs().max() < largest


def test_the_error_of_heun_falls_with_the_square_of_the_steps() -> None:
    noise = normals(500, 3)
    expected = exact_path(SIGMA_MAX * noise, SIGMA_MAX, 0.0)
    errors = [
        (sample_by_heun(exact_slope, noise, karras_sigmas(n)) - expected).abs().max()
        for n in (64, 128)
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.3)


def test_samples_take_two_evaluations_a_step_but_for_the_last() -> None:
    levels: list[float] = []

    def slope(x: Tensor, sigma: float) -> Tensor:
        levels.append(sigma)
        return 0.5 * x

    sample_by_heun(slope, normals(2, 3), karras_sigmas(32))
    assert len(levels) == 63
    assert min(levels) == SIGMA_MIN
    levels.clear()
    sample_by_heun(slope, normals(2, 3), karras_sigmas(1))
    assert levels == [SIGMA_MAX]


def test_the_factors_of_edm_normalise_inputs_and_targets() -> None:
    """For data of standard deviation 1/2, c_in x and (x_0 - c_skip x) / c_out have variance 1."""
    rng = torch.Generator().manual_seed(2)
    for sigma in LEVELS:
        c = edm_coefficients(sigma[None])
        x_0 = 0.5 * torch.randn(200_000, 1, generator=rng, dtype=torch.float64)
        x = x_0 + sigma * torch.randn(200_000, 1, generator=rng, dtype=torch.float64)
        assert float((c.inward * x).std()) == pytest.approx(1.0, abs=0.01)
        assert float(((x_0 - c.skip * x) / c.outward).std()) == pytest.approx(1.0, abs=0.01)
        torch.testing.assert_close(edm_weight(sigma[None]), c.outward**-2)
        torch.testing.assert_close(c.time, sigma[None].log() / 4)


def test_the_perfect_network_makes_the_perfect_denoiser() -> None:
    """With data of standard deviation 1/2 and mean 0, D = c_skip x: the network says 0."""
    x = normals(5, 1)
    found = denoise(lambda x, t, c: torch.zeros_like(x), x, x, edm_coefficients(LEVELS))
    torch.testing.assert_close(found, 0.25 * x / (0.25 + LEVELS**2))


def test_levels_for_training_are_log_normal() -> None:
    log_sigma = draw_sigmas(100_000, torch.Generator().manual_seed(1)).log()
    assert log_sigma.shape == (100_000, 1)
    assert float(log_sigma.mean()) == pytest.approx(-1.2, abs=0.02)
    assert float(log_sigma.std()) == pytest.approx(1.2, abs=0.02)


def test_the_time_at_an_angle_is_that_of_its_level() -> None:
    angles = torch.atan2(torch.tensor(0.5, dtype=torch.float64), LEVELS)
    torch.testing.assert_close(angle_to_time(angles), 0.25 * LEVELS.log())
    ends = angle_to_time(torch.tensor([[0.0], [0.5 * math.pi]]))
    torch.testing.assert_close(ends, 0.25 * torch.tensor([[SIGMA_MAX], [SIGMA_MIN]]).log())
