"""A critic corrects CaloFast: toward Geant4, beside what its teacher says."""

import copy

import pytest
import torch
from torch import Tensor

from calovox.models.base import Conditions, Showers
from calovox.models.comparing import Critic, CriticNumbers
from calovox.models.fast.correction import FastCorrection, _weights
from calovox.voxelization import VoxelGrid
from tests.models.fast.test_training import own_showers
from tests.models.fast.toy_fast import ENERGY_RANGE, GRIDS, toy_training


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_rare_energies_count_more() -> None:
    weights = _weights(torch.tensor([300.0] * 90 + [70_000.0] * 10))
    assert weights[-1] / weights[0] == pytest.approx(3.0)


def corrected(
    factor: float = 1.0, grid: VoxelGrid = GRIDS["barrel"], *, first_steps: int = 1
) -> tuple[FastCorrection, Showers[Tensor]]:
    """A model, and showers of its own in the place of Geant4's, voxels raised to a power."""
    training = toy_training(grid)
    training.skip_first_steps()
    showers = own_showers(training, 1000, seed=7)
    energy = showers.voxels.sum(dim=1, keepdim=True)
    voxels = showers.voxels**factor
    voxels = voxels * energy / voxels.sum(dim=1, keepdim=True)
    conditions = Conditions(showers.conditions.energy, showers.conditions.eta)
    real = Showers(conditions, showers.layer_energy, voxels, showers.index)
    numbers = CriticNumbers(training.observables, grid).fit([showers], ENERGY_RANGE)
    critic = Critic(numbers, penalty=0.1, haste=3.0)
    return FastCorrection(training, critic, real, first_steps=first_steps), showers


def test_the_critic_learns_alone_at_first() -> None:
    correction, showers = corrected()
    names = [set(correction.train().losses(showers, generator(k))) for k in range(2)]
    assert names[0] == {"critic", "penalty"}
    by_teacher = correction.training_by_teacher.losses(showers, generator(1))
    assert names[1] == names[0] | {"model"} | set(by_teacher)
    assert "1000 showers of Geant4" in repr(correction)


def test_it_is_judged_by_what_its_teacher_says() -> None:
    correction, showers = corrected()
    teacher = correction.training_by_teacher
    expected = teacher.eval().losses(showers, generator(1))
    terms = correction.eval().losses(showers, generator(1))
    assert terms.keys() - expected.keys() == {"told_apart"}
    assert all(torch.equal(terms[name], expected[name]) for name in expected)
    assert correction.result is teacher.model


def test_steps_depend_on_the_seed_alone() -> None:
    correction, showers = corrected()
    first = correction.train().losses(showers, generator(4))
    again = copy.deepcopy(correction)
    again.steps -= 1
    found = again.losses(showers, generator(4))
    assert all(torch.equal(first[name], found[name]) for name in first)


def test_the_model_moves_toward_geant4() -> None:
    """Voxels of Geant4 are flatter than those of the teacher, whose terms are left out here."""
    correction, showers = corrected(factor=0.7, grid=GRIDS["other layers"], first_steps=50)
    real = correction.real
    assert real is not None
    photons, energy = real.conditions, real.conditions.energy[:, None]
    wanted = _unevenness(real.voxels * energy)

    @torch.no_grad()
    def away() -> float:
        drawn = correction._draw(photons, real.voxels * energy, generator(9))
        return abs(_unevenness(drawn) - wanted)

    before = away()
    optimizer = torch.optim.Adam(correction.parameters(), lr=2e-3)
    for step in range(150):
        # slower and slower, as in a training: at a constant pace, two networks go on in circles
        optimizer.param_groups[0]["lr"] = 2e-3 * (1.0 - step / 150)
        optimizer.zero_grad()
        terms = correction.train().losses(showers, generator(step))
        sum(terms[name] for name in terms if name in ("critic", "penalty", "model")).backward()
        optimizer.step()
    assert away() < 0.6 * before


def _unevenness(voxels: Tensor) -> float:
    shares = voxels / voxels.sum(dim=1, keepdim=True)
    return float(shares.square().sum(dim=1).mean())


@pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))
def test_every_parameter_of_the_voxels_gets_a_finite_gradient(grid: VoxelGrid) -> None:
    correction, showers = corrected(grid=grid, first_steps=0)
    correction.train().losses(showers, generator(1))["model"].backward()
    for name, parameter in correction.model.shapes.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name
    assert all(parameter.grad is None for parameter in correction.critic.parameters())
