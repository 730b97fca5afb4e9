import math

import pytest
import torch
from torch import Tensor, nn

from calovox.nn import DiffusionTransformer, TokenLayout
from calovox.nn.dit import TransformerBlock, number_waves, position_waves


def toy_layout(seed: int = 1) -> TokenLayout:
    """Eleven variables in random order: three tokens of two of them, one of five."""
    order = torch.randperm(11, generator=torch.Generator().manual_seed(seed))
    positions = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    return TokenLayout((order[:6].reshape(3, 2), order[6:].reshape(1, 5)), positions)


def toy_dit(layout: TokenLayout | None = None) -> DiffusionTransformer:
    """A network whose weights are all random, also those that start at 0."""
    torch.manual_seed(3)
    network = DiffusionTransformer(
        layout or toy_layout(),
        n_scalars=3,
        width=16,
        n_heads=2,
        n_blocks=2,
        n_waves=8,
        embedding_width=8,
    )
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.3)
    return network


def inputs(n_events: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(5)
    return tuple(torch.randn(n_events, n, generator=rng) for n in (11, 1, 3))


def test_a_new_network_says_zero() -> None:
    torch.manual_seed(1)
    network = DiffusionTransformer(toy_layout(), n_scalars=3, width=16, n_heads=2)
    x, t, scalars = inputs()
    assert not network(x, t, network.embed(scalars)).any()


def test_a_new_block_changes_nothing() -> None:
    h, condition = torch.randn(2, 5, 16), torch.randn(2, 4)
    assert torch.equal(TransformerBlock(16, 2, n_condition=4)(h, condition), h)


def test_every_output_depends_on_every_input_and_every_parameter_gets_a_gradient() -> None:
    network = toy_dit()
    x, t, scalars = inputs(1)
    values = [x, t, scalars]
    jacobians = torch.autograd.functional.jacobian(
        lambda x, t, s: network(x, t, network.embed(s))[0], tuple(values)
    )
    for jacobian in jacobians:
        assert (jacobian != 0).all()
    network(x, t, network.embed(scalars)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_the_order_of_the_variables_does_not_matter() -> None:
    """Variables in another order, with tokens that say so, give the outputs in that order."""
    layout, order = toy_layout(), torch.randperm(11)
    places = order.argsort()
    other = TokenLayout(tuple(places[group] for group in layout.members), layout.positions)
    network, moved = toy_dit(layout), toy_dit(other)
    moved.load_state_dict(network.state_dict())
    x, t, scalars = inputs()
    condition = network.embed(scalars)
    torch.testing.assert_close(
        moved(x[:, order], t, condition), network(x, t, condition)[:, order]
    )


def test_attention_is_the_textbook_formula() -> None:
    block = TransformerBlock(16, 2, n_condition=4)
    h = torch.randn(3, 5, 16)
    heads = block.query_key_value(h).reshape(3, 5, 3, 2, 8)
    query, key, value = (heads[:, :, k].transpose(1, 2) for k in range(3))
    weights = (query @ key.transpose(2, 3) / math.sqrt(8)).softmax(dim=3)
    expected = block.projection((weights @ value).transpose(1, 2).reshape(3, 5, 16))
    torch.testing.assert_close(block._attention(h), expected)


def test_waves_tell_positions_apart() -> None:
    positions = torch.cartesian_prod(*(torch.arange(float(n)) for n in (8, 7, 5)))
    table = position_waves(positions, 144)
    assert table.shape == (280, 144)
    distance = torch.cdist(table, table) + 10.0 * torch.eye(280)
    assert distance.min() > 0.5
    torch.testing.assert_close(
        table[:, :24],
        positions[:, :1].mul(table.new_ones(24)).mul(1e4 ** -(torch.arange(24) / 24)).sin(),
    )


def test_waves_of_neighbouring_numbers_are_alike() -> None:
    t = torch.linspace(-2.0, 1.5, 200)[:, None]
    waves = number_waves(t, 64)
    steps = (waves[1:] - waves[:-1]).norm(dim=1)
    assert steps.max() < 0.5
    assert (waves[0] - waves[-1]).norm() > 3.0


def test_wrong_layouts_and_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="every variable in exactly one of `members`"):
        TokenLayout((torch.tensor([[0, 1], [1, 2]]),), torch.zeros(2, 2))
    with pytest.raises(ValueError, match="expected 2 `positions`, one per token, got 3"):
        TokenLayout((torch.tensor([[0, 1], [3, 2]]),), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="a multiple of 4, for sines and cosines of 2 axes"):
        DiffusionTransformer(toy_layout(), n_scalars=3, width=18, n_heads=2)
    with pytest.raises(ValueError, match="a `width` that 5 heads can share, got 16"):
        DiffusionTransformer(toy_layout(), n_scalars=3, width=16, n_heads=5)
