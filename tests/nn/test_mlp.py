import pytest
import torch

from calovox.nn import (
    MLP,
    ScalarEmbedding,
    VelocityNetwork,
    count_parameters,
    flow_preconditioning,
)


def test_an_mlp_has_the_parameters_of_its_linear_layers() -> None:
    assert count_parameters(MLP([5, 60, 60, 58])) == 7558
    assert count_parameters(MLP([5, 60, 60, 58], layer_norm=True)) == 7558


def test_an_mlp_with_too_few_sizes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"two or more `sizes` of 1 or more, got \[3\]"):
        MLP([3])


def test_an_embedding_treats_its_numbers_apart() -> None:
    embedding = ScalarEmbedding([None, MLP([1, 4, 3])])
    scalars = torch.randn(6, 2)
    embedded = embedding(scalars)
    assert embedded.shape == (6, embedding.n_outputs) == (6, 4)
    torch.testing.assert_close(embedded[:, :1], scalars[:, :1])
    changed = embedding(scalars + torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(changed[:, 1:], embedded[:, 1:])


def test_an_embedding_of_several_inputs_is_refused() -> None:
    with pytest.raises(ValueError, match="of 1 input, got 2 in network 1"):
        ScalarEmbedding([None, MLP([2, 3])])


def test_a_velocity_network_takes_any_numbers_of_inputs() -> None:
    embedding = ScalarEmbedding([MLP([1, 4, 3]), None])
    network = VelocityNetwork(embedding, n_variables=7, n_context=2, width=16, n_layers=3)
    condition = network.embed(torch.randn(5, 2), torch.randn(5, 2))
    assert condition.shape == (5, 6)
    assert network(torch.randn(5, 7), torch.rand(5, 1), condition).shape == (5, 7)


@pytest.mark.parametrize("preconditioned", [True, False])
@torch.no_grad()
def test_a_velocity_is_the_known_part_and_the_rest(preconditioned: bool) -> None:
    torch.manual_seed(1)
    network = VelocityNetwork(
        ScalarEmbedding([None]), n_variables=7, n_context=2, preconditioned=preconditioned
    ).double()
    condition = torch.randn(50, 3).double()
    x, t = torch.randn(50, 7).double(), torch.rand(50, 1).double()
    known, scale = flow_preconditioning(t)
    velocity = network(x, t, condition)
    rest = network.rest(scale * x, t, condition)
    torch.testing.assert_close(velocity, known * x + scale * rest)
    own_input = (scale * x if preconditioned else x, t, condition)
    backbone = network.backbone(torch.cat(own_input, dim=1))
    torch.testing.assert_close(backbone, rest if preconditioned else velocity)
