import pytest
import torch

from calovox.models.inn import CaloINN, inn_network
from calovox.nn import count_parameters
from calovox.preprocessing import ConditionTransform, LayerEnergyTransform
from tests.models.toy_models import toy_batch, toy_conditions, toy_inn


def test_the_network_has_the_parameters_of_the_note() -> None:
    network = inn_network()
    assert len(network.blocks) == 14
    assert all(count_parameters(block) == 7558 for block in network.blocks)
    assert count_parameters(network.embedding) == 286
    assert count_parameters(network) == 106_098
    inn = CaloINN(network, ConditionTransform(), LayerEnergyTransform.unfitted(5))
    assert repr(inn) == "CaloINN(5 layers, 14 blocks, 106098 weights)"


def test_every_layer_is_changed_by_five_blocks_or_more() -> None:
    order = torch.arange(5)
    changed = order[-2:].tolist()
    for permutation in inn_network().permutations:
        order = order[permutation]
        changed += order[-2:].tolist()
    assert min(changed.count(layer) for layer in range(5)) >= 5


@pytest.mark.parametrize("n_layers", [1, 2, 3, 8])
def test_there_may_be_any_number_of_layers(n_layers: int) -> None:
    inn = CaloINN(
        inn_network(n_layers), ConditionTransform(), LayerEnergyTransform.unfitted(n_layers)
    )
    with torch.no_grad():
        energy = inn.sample(toy_conditions(20), torch.randn(20, *inn.noise_shape))
    assert energy.shape == (20, n_layers)


def test_log_prob_is_the_density_of_the_samples() -> None:
    """Around a sample, log p(E) = log N(z) - log |dE/dz|, with dE/dz from autograd."""
    inn = toy_inn(toy_batch(200)).double()
    conditions = toy_conditions(10)
    noise = 0.5 * torch.randn(10, 3).double()
    for event in range(10):
        one = type(conditions)(
            conditions.energy[event : event + 1].double(),
            conditions.eta[event : event + 1].double(),
        )
        energy = inn.sample(one, noise[event : event + 1])
        jacobian = torch.autograd.functional.jacobian(
            lambda z, one=one: inn.sample(one, z[None])[0], noise[event]
        )
        normal = torch.distributions.Normal(0.0, 1.0).log_prob(noise[event]).sum()
        expected = normal - torch.linalg.slogdet(jacobian)[1]
        torch.testing.assert_close(
            inn.log_prob(energy, one)[0], expected, rtol=1e-5, atol=1e-5, check_dtype=False
        )


def test_log_prob_is_finite_for_empty_layers() -> None:
    batch = toy_batch(50)
    assert (batch.layer_energy == 0).any()
    assert torch.isfinite(toy_inn(batch).log_prob(batch.layer_energy, batch.conditions)).all()


def test_a_network_for_other_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="a network of 3 variables, one per layer, got 5"):
        CaloINN(inn_network(5), ConditionTransform(), LayerEnergyTransform.unfitted(3))
