import math

import pytest
import torch
from torch import Tensor

from calovox.models.shapes.solvers import SOLVERS, Solver

ORDERS = {"euler": 1, "heun": 2, "midpoint": 2, "rk4": 4}


def error(solver: Solver, n_steps: int) -> float:
    """Of dx/dt = -2 x + 3 t, whose solution is (x_0 + 3/4) exp(-2 t) + 3/2 t - 3/4."""
    x_0 = torch.tensor([[-1.0, 0.5, 4.0]], dtype=torch.float64)
    x_1 = solver(lambda x, t: -2.0 * x + 3.0 * t, x_0, n_steps)
    exact = (x_0 + 0.75) * math.exp(-2.0) + 0.75
    return float((x_1 - exact).abs().max())


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_converges_with_its_order(name: str) -> None:
    order = math.log2(error(SOLVERS[name], 20) / error(SOLVERS[name], 40))
    assert abs(order - ORDERS[name]) < 0.15


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("n_steps", [1, 3, 7])
def test_a_constant_velocity_is_followed_exactly(name: str, n_steps: int) -> None:
    x_0 = torch.randn(4, 2, dtype=torch.float64)
    x_1 = SOLVERS[name](lambda x, t: torch.full_like(x, 2.0), x_0, n_steps)
    torch.testing.assert_close(x_1, x_0 + 2.0)


@pytest.mark.parametrize(("name", "per_step"), [("euler", 1), ("heun", 2), ("midpoint", 2)])
def test_a_solver_evaluates_as_often_as_it_says(name: str, per_step: int) -> None:
    times: list[float] = []

    def velocity(x: Tensor, t: float) -> Tensor:
        times.append(t)
        return x

    SOLVERS[name](velocity, torch.ones(1, 1), 5)
    assert len(times) == 5 * per_step
    assert min(times) == 0.0
    assert max(times) <= 1.0


@pytest.mark.parametrize("name", SOLVERS)
def test_no_steps_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="`n_steps` of 1 or more, got 0"):
        SOLVERS[name](lambda x, t: x, torch.ones(1, 1), 0)
