"""FastCaloGAN: the contracts of models, and of whoever is trained."""

import pytest
import torch
from torch import Tensor

from calovox.models.base import Conditions, Sampler, Showers, Trainable
from calovox.models.gan import CaloGAN, GanTraining, gan_critic, gan_generator
from calovox.nn import count_parameters
from calovox.preprocessing import RootShareTransform, Standardization
from tests.models.toy_models import LAYER_SIZES, toy_batch, toy_conditions

N_VARIABLES = 1 + 3 + 7


def toy_gan(data: Showers[Tensor], *, n_latent: int = 6) -> CaloGAN:
    torch.manual_seed(4)
    energy = data.conditions.energy
    nodes = torch.linspace(*energy.log().aminmax(), 12)
    points = RootShareTransform.unfitted(LAYER_SIZES)
    return CaloGAN(
        gan_generator(N_VARIABLES, n_latent=n_latent, widths=(16, 16)),
        Standardization.fit([energy.log()[:, None]]),
        points.fit(nodes, [(energy, data.voxels.sum(dim=1))]),
    )


def toy_training(data: Showers[Tensor]) -> GanTraining:
    return GanTraining(toy_gan(data), gan_critic(N_VARIABLES, width=16), n_critic=2)


def test_sizes_are_those_of_atlfast3() -> None:
    assert count_parameters(gan_generator(374)) == 51 * 50 + 50 + 51 * 100 + 101 * 200 + 201 * 374
    assert gan_critic(374).sizes == (375, 368, 368, 368, 1)


def test_model_and_training_keep_their_contracts() -> None:
    training = toy_training(toy_batch(50))
    assert isinstance(training, Trainable)
    assert isinstance(training.result, Sampler)
    assert training.result.noise_shape == (3 + 7,)


def test_every_parameter_gets_a_finite_gradient_in_its_turn() -> None:
    batch, rng = toy_batch(50), torch.Generator().manual_seed(1)
    training = toy_training(batch)
    for _ in range(3):
        sum(training.losses(batch, rng).values()).backward()
    for name, parameter in training.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        # a constant added to all scores of a critic changes nothing
        assert parameter.grad.any() or name == "game.critic.layers.6.bias", name


@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_showers_are_finite_and_depend_on_energy_and_noise_alone(spread: float) -> None:
    model = toy_gan(toy_batch(50))
    conditions = toy_conditions(500, seed=3)
    noise = spread * torch.randn(500, 10, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        voxels = model.sample(conditions, noise)
        elsewhere = Conditions(conditions.energy, torch.zeros(500))
        torch.testing.assert_close(model.sample(elsewhere, noise), voxels, rtol=0, atol=0)
        noise[:, model.n_latent :] = 0.0
        torch.testing.assert_close(model.sample(conditions, noise), voxels, rtol=0, atol=0)
        noise[:, model.n_latent - 1] += 1.0
        assert (model.sample(conditions, noise) != voxels).any()
    assert torch.isfinite(voxels).all()
    assert (voxels >= 0.0).all()


def test_a_gan_that_fits_nothing_is_refused() -> None:
    data = toy_batch(50)
    with pytest.raises(ValueError, match=r"expected 1 to 10 latent numbers, .* got 11"):
        toy_gan(data, n_latent=11)
    points = RootShareTransform.unfitted(LAYER_SIZES)
    with pytest.raises(ValueError, match="expected a network of 11 outputs, got 12"):
        CaloGAN(gan_generator(12), Standardization.identity(1), points)
