"""Contracts that all models share."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from calovox.models.base import Conditions, Sampler, Showers, Trainable
from calovox.models.inn import CaloINN
from calovox.models.shapes.cfm import CaloCFM
from calovox.models.shapes.dit import CaloDiT
from calovox.models.shapes.students import ConsistencyModel
from calovox.models.two_stage import ShapeModel, TwoStageSampler
from calovox.preprocessing import QuantileVoxelTransform
from tests.models.toy_models import (
    LAYER_SIZES,
    toy_batch,
    toy_cfm,
    toy_conditions,
    toy_dit,
    toy_flow_student,
    toy_inn,
    toy_sampler,
    toy_student,
)

TRAINABLE = [toy_inn, toy_cfm, toy_dit]
SHAPES = [toy_cfm, toy_dit, toy_student, toy_flow_student]
MakeModel = Callable[[Showers[Tensor]], CaloINN | ShapeModel]


def draw(model: CaloINN | ShapeModel | TwoStageSampler, n_events: int, *, spread: float = 1.0):
    conditions = toy_conditions(n_events, seed=7)
    rng = torch.Generator().manual_seed(3)
    noise = spread * torch.randn(n_events, *model.noise_shape, generator=rng)
    with torch.no_grad():
        if isinstance(model, CaloCFM | CaloDiT | ConsistencyModel):
            layer_energy = toy_batch(n_events, seed=7).layer_energy
            return model.sample(conditions, layer_energy, noise)
        return model.sample(conditions, noise)


@pytest.mark.parametrize("make", TRAINABLE)
def test_models_keep_the_contract_of_training(make: MakeModel) -> None:
    assert isinstance(make(toy_batch(50)), Trainable)


def test_two_stages_keep_the_contract_of_sampling() -> None:
    sampler = toy_sampler(toy_batch(50))
    assert isinstance(sampler, Sampler)
    assert sampler.noise_shape == (3 + 7,)


@pytest.mark.parametrize("make", TRAINABLE)
def test_every_parameter_gets_a_finite_gradient(make: MakeModel) -> None:
    batch = toy_batch(50)
    model = make(batch)
    sum(model.losses(batch, torch.Generator().manual_seed(1)).values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


def test_half_precision_of_networks_does_not_change_what_they_learn() -> None:
    batch = toy_batch(50)
    model = toy_cfm(batch)
    model.voxels = QuantileVoxelTransform.unfitted(LAYER_SIZES)
    exact = model.to_variables(batch, torch.Generator().manual_seed(1))
    with torch.autocast("cpu", torch.bfloat16):
        found = model.to_variables(batch, torch.Generator().manual_seed(1))
    assert torch.equal(found, exact)


@pytest.mark.parametrize("make", TRAINABLE)
def test_losses_depend_on_the_generator_alone(make: MakeModel) -> None:
    batch = toy_batch(50)
    model = make(batch)
    found = [
        sum(model.losses(batch, torch.Generator().manual_seed(seed)).values()).item()
        for seed in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("make", TRAINABLE)
def test_eight_showers_are_learned_by_heart(make: MakeModel) -> None:
    batch = toy_batch(8)
    model = make(batch)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    rng = torch.Generator().manual_seed(1)
    history = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = torch.stack(list(model.losses(batch, rng).values())).sum()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    first, last = sum(history[:10]) / 10, sum(history[-30:]) / 30
    # noise hides most of a shower from a denoiser at most levels, whatever it knows
    assert last < {toy_inn: first - 3.0, toy_cfm: 0.5 * first, toy_dit: 0.8 * first}[make]


@pytest.mark.parametrize("make", [toy_inn, *SHAPES, toy_sampler])
def test_samples_depend_on_noise_and_conditions_alone(make: MakeModel) -> None:
    data = toy_batch(50)
    model = make(data)
    whole = draw(model, 40)
    torch.testing.assert_close(draw(model, 40), whole, rtol=0, atol=0)
    torch.testing.assert_close(draw(make(data), 40), whole, rtol=0, atol=0)


@pytest.mark.parametrize("make", [toy_inn, *SHAPES, toy_sampler])
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_samples_are_finite_and_not_negative(make: MakeModel, spread: float) -> None:
    energy = draw(make(toy_batch(50)), 2000, spread=spread)
    assert torch.isfinite(energy).all()
    assert (energy >= 0).all()


def test_the_sign_of_eta_does_not_matter() -> None:
    sampler = toy_sampler(toy_batch(50))
    conditions = toy_conditions(20)
    mirrored = Conditions(conditions.energy, -conditions.eta)
    noise = torch.randn(20, *sampler.noise_shape)
    with torch.no_grad():
        torch.testing.assert_close(
            sampler.sample(mirrored, noise), sampler.sample(conditions, noise), rtol=0, atol=0
        )


@pytest.mark.parametrize("make", SHAPES)
def test_two_stages_give_the_layer_energies_of_the_first(make: MakeModel) -> None:
    data = toy_batch(50)
    sampler = TwoStageSampler(toy_inn(data), make(data))
    conditions, noise = toy_conditions(100), torch.randn(100, *sampler.noise_shape)
    with torch.no_grad():
        layer_energy = sampler.energies.sample(conditions, noise[:, : len(LAYER_SIZES)])
        voxels = sampler.sample(conditions, noise)
    found = sampler.shapes.voxels.normalization.layer_energy(voxels)
    torch.testing.assert_close(found, layer_energy)
