r"""Gaussian data have closed forms.

For data of mean m and standard deviation d, u has the mean sin(a) m and the variance
V = cos(a)^2 + d^2 sin(a)^2, so F = cos(a) m + sin(a) cos(a) (d^2 - 1) / V (u - sin(a) m), and the
noise z becomes m + d z.
"""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from calovox.models.shapes.arc import (
    QUARTER_TURN,
    follow_arc,
    follow_karras,
    follow_line,
    jump,
    sample_in_jumps,
)
from calovox.models.shapes.edm import SIGMA_DATA, edm_coefficients
from calovox.models.shapes.sampling import ONE_STEP, Sampling
from calovox.models.shapes.solvers import SOLVERS

MEAN = torch.tensor([0.3, -0.2, 0.0], dtype=torch.float64)
STD = torch.tensor([0.8, 1.0, 1.2], dtype=torch.float64)


def exact_slope(u: Tensor, angle: Tensor) -> Tensor:
    sin, cos = angle.sin(), angle.cos()
    variance = cos**2 + STD**2 * sin**2
    return cos * MEAN + sin * cos * (STD**2 - 1.0) / variance * (u - sin * MEAN)


def normals(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def error(follow: Callable[..., Tensor], *how: object) -> float:
    noise = normals(500, 3)
    return float((follow(exact_slope, noise, *how) - (MEAN + STD * noise)).abs().max())


@pytest.mark.parametrize("follow", [follow_arc, follow_line])
@pytest.mark.parametrize("name", SOLVERS)
def test_noise_becomes_gaussian_data_along_both_paths(
    follow: Callable[..., Tensor], name: str
) -> None:
    coarse, fine = (error(follow, SOLVERS[name], n) for n in (20, 40))
    assert fine < {"euler": 0.13, "heun": 2e-3, "midpoint": 2e-3, "rk4": 2e-6}[name]
    order = {"euler": 1, "heun": 2, "midpoint": 2, "rk4": 4}[name]
    assert math.log2(coarse / fine) > order - 0.3


def test_noise_becomes_gaussian_data_between_the_levels_of_karras() -> None:
    assert error(follow_karras, 32) < 0.06
    assert error(follow_karras, 256) < 2.5e-3


def test_one_step_along_the_arc_beats_four_evaluations_along_the_line() -> None:
    arc = error(follow_arc, SOLVERS["rk4"], 1)
    assert arc < 0.05
    assert error(follow_line, SOLVERS["midpoint"], 2) > 1.5 * arc


@pytest.mark.parametrize(
    ("name", "n_steps", "expected"),
    [("euler", 2, 2), ("midpoint", 2, 4), ("heun", 2, 3), ("rk4", 1, 3), ("rk4", 2, 7)],
)
def test_nothing_is_evaluated_at_the_end(name: str, n_steps: int, expected: int) -> None:
    angles: list[float] = []

    def slope(u: Tensor, angle: Tensor) -> Tensor:
        angles.append(float(angle[0, 0]))
        return u

    follow_arc(slope, normals(2, 3), SOLVERS[name], n_steps)
    assert len(angles) == expected
    assert min(angles) == 0.0
    assert max(angles) < QUARTER_TURN - 0.1


def test_the_line_is_the_straight_flow() -> None:
    """At t = 0, its velocity is the mean of the data less the noise."""
    noise = normals(50, 3)
    found = follow_line(exact_slope, noise, SOLVERS["euler"], 1)
    torch.testing.assert_close(found, MEAN.expand_as(noise))


def test_a_jump_from_the_end_goes_nowhere() -> None:
    u = normals(5, 3)
    found = jump(lambda u, angle: 100.0 + u, u, torch.full((5, 1), QUARTER_TURN).double())
    torch.testing.assert_close(found, u, rtol=0, atol=1e-4)


def test_jumps_from_anywhere_are_near_the_exact_path() -> None:
    noise = normals(500, 3)
    for angle in (0.0, 0.4, 0.8, 1.2):
        variance = math.cos(angle) ** 2 + (STD * math.sin(angle)) ** 2
        u = math.sin(angle) * MEAN + variance.sqrt() * noise
        found = jump(exact_slope, u, torch.tensor([[angle]], dtype=torch.float64))
        # a mean is not followed as well as a width
        assert (found - found.mean(0) - STD * (noise - noise.mean(0))).abs().max() < 0.1
        assert (found.mean(0) - (MEAN + STD * noise.mean(0))).abs().max() < 0.08


def test_the_boundary_condition_of_song_is_a_jump_of_another_slope() -> None:
    """C_skip x + c_out G over d is u + cos(a) F for F = G - tan(pi / 4 - a / 2) u."""
    u, found = normals(5, 3), normals(10, 3)[5:]
    for sigma in (80.0, 1.0, 0.002):
        angle = torch.tensor([[math.atan2(SIGMA_DATA, sigma)]], dtype=torch.float64)
        c = edm_coefficients(torch.full_like(angle, sigma))
        expected = (c.skip * (u / c.inward) + c.outward * found) / SIGMA_DATA
        shifted = found - (0.25 * math.pi - 0.5 * angle).tan() * u
        torch.testing.assert_close(jump(lambda u, a, f=shifted: f, u, angle), expected)


@pytest.mark.parametrize("n_jumps", [1, 2, 4])
def test_jumps_draw_the_data(n_jumps: int) -> None:
    found = sample_in_jumps(exact_slope, normals(100_000, n_jumps, 3))
    torch.testing.assert_close(found.mean(dim=0), MEAN, rtol=0, atol=0.1)
    torch.testing.assert_close(found.std(dim=0), STD, rtol=0.035, atol=0)


def test_sampling_takes_the_path_it_names() -> None:
    noise = normals(20, 3)
    solver = SOLVERS["heun"]
    for path, expected in (
        ("arc", follow_arc(exact_slope, noise, solver, 3)),
        ("line", follow_line(exact_slope, noise, solver, 3)),
        ("karras", follow_karras(exact_slope, noise, 3)),
    ):
        assert torch.equal(Sampling(path, "heun", 3).draw(exact_slope, noise), expected)
    assert str(ONE_STEP) == "arc, rk4, 1 steps"


def test_unknown_and_wrong_samplings_are_refused() -> None:
    unknown = Sampling()
    object.__setattr__(unknown, "path", "x")  # as from a file
    with pytest.raises(ValueError, match="path: expected one of arc, line, karras, got 'x'"):
        unknown.__post_init__()
    with pytest.raises(ValueError, match=r"solver: expected one of euler, .*, got 'x'"):
        Sampling(solver="x")
    with pytest.raises(ValueError, match="expected 'heun' for the path 'karras', got 'rk4'"):
        Sampling("karras")
    with pytest.raises(ValueError, match="solver steps: expected 1 or more, got 0"):
        Sampling(n_steps=0)
