"""The game of generator and critic, without physics."""

import pytest
import torch
from torch import Tensor, nn

from calovox.nn import MLP, WassersteinGame, gradient_penalty


def make_game(
    *,
    n_critic: int = 3,
    width: int = 16,
    penalty: float = 10.0,
    activation: type[nn.Module] = nn.SiLU,
) -> WassersteinGame:
    torch.manual_seed(1)
    generator = MLP([2 + 1, width, width, 2], activation=activation)
    critic = MLP([2 + 1, width, width, 1], activation=activation)
    return WassersteinGame(generator, critic, n_latent=2, n_critic=n_critic, penalty=penalty)


def two_modes(n_points: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Points around (-c, 1) and (c, 1) for a condition c of 1 or 2."""
    condition = torch.randint(1, 3, (n_points, 1), generator=rng).float()
    side = 2.0 * torch.randint(2, (n_points, 1), generator=rng).float() - 1.0
    centre = torch.cat([side * condition, torch.ones(n_points, 1)], dim=1)
    return centre + 0.1 * torch.randn(n_points, 2, generator=rng), condition


@pytest.mark.parametrize("length", [0.3, 1.0, 2.5])
def test_penalty_of_a_linear_critic_is_that_of_its_slope(length: float) -> None:
    weight = nn.Parameter(torch.tensor([0.6, -0.8, 0.0]) * length)
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))
    penalty = gradient_penalty(lambda x: (x @ weight + 7.0)[:, None], x)
    assert penalty.item() == pytest.approx((length - 1.0) ** 2, abs=1e-6)
    (gradient,) = torch.autograd.grad(penalty, weight)
    expected = 2.0 * (length - 1.0) * weight.detach() / length
    torch.testing.assert_close(gradient, expected, atol=1e-6, rtol=1e-5)


def test_penalty_of_a_quadratic_critic_depends_on_where_it_is_taken() -> None:
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))
    penalty = gradient_penalty(lambda x: (0.5 * x.square()).sum(dim=1, keepdim=True), x)
    assert penalty.item() == pytest.approx(((x.norm(dim=1) - 1.0) ** 2).mean().item(), rel=1e-5)


def test_players_take_turns_and_leave_each_other_alone() -> None:
    game, rng = make_game(n_critic=3), torch.Generator().manual_seed(1)
    for turn in range(8):
        game.zero_grad()
        losses = game.losses(*two_modes(20, rng), rng)
        torch.stack(list(losses.values())).sum().backward()
        players = {"generator": game.generator, "critic": game.critic}
        moved = {name for name, net in players.items() if next(net.parameters()).grad is not None}
        assert moved == ({"generator"} if turn % 4 == 3 else {"critic"})
        assert set(losses) == ({"generator"} if turn % 4 == 3 else {"critic", "penalty"})
    assert all(parameter.requires_grad for parameter in game.parameters())


def test_judging_is_nobodys_turn() -> None:
    game, rng = make_game().eval(), torch.Generator().manual_seed(1)
    with torch.no_grad():
        (name,) = game.losses(*two_modes(20, rng), rng)
    assert name == "distance"
    assert game.turn == 0


def test_a_game_finds_both_modes_of_a_toy_at_every_condition() -> None:
    rng, n_turns = torch.Generator().manual_seed(1), 900
    game = make_game(n_critic=2, width=32, penalty=1.0, activation=nn.ReLU)
    optimizer = torch.optim.Adam(game.parameters(), lr=5e-3, betas=(0.5, 0.9))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_turns, eta_min=2.5e-4)
    for _ in range(n_turns):
        optimizer.zero_grad()
        losses = game.losses(*two_modes(64, rng), rng)
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
        schedule.step()
    for c in (1.0, 2.0):
        with torch.no_grad():
            x = game.generate(torch.randn(2000, 2, generator=rng), torch.full((2000, 1), c))
        for side in (-1.0, 1.0):
            near = (x - torch.tensor([side * c, 1.0])).norm(dim=1) < 0.4
            assert 0.25 < near.float().mean() < 0.75  # half, if the critic were perfect


def test_rules_that_make_no_game_are_refused() -> None:
    with pytest.raises(ValueError, match="`n_critic` of 1 or more, got 0"):
        make_game(n_critic=0)
    with pytest.raises(ValueError, match="`penalty` above 0, got 0"):
        make_game(penalty=0.0)
