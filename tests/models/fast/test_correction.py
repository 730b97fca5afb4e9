"""Showers of Geant4 correct CaloFast: scores that are right, averages without bias, a width."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from calovox.models.base import Conditions, Showers
from calovox.models.fast.comparing import ObservableScales, ShowerObservables, neighbours
from calovox.models.fast.correction import (
    FastCorrection,
    _averages,
    _energy_score,
    _weights,
)
from calovox.voxelization import VoxelGrid
from tests.models.fast.test_training import own_showers
from tests.models.fast.toy_fast import ENERGY_RANGE, GRIDS, toy_training


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))
def test_neighbours_are_those_in_alpha(grid: VoxelGrid) -> None:
    first, second = neighbours(grid).numpy()
    everyone = np.arange(grid.n_voxels)
    assert np.array_equal(np.sort(first), everyone)
    assert np.array_equal(np.sort(second), everyone)
    assert np.array_equal(grid.layer[first], grid.layer[second])
    assert np.array_equal(grid.r_min[first], grid.r_min[second])
    touching = np.mod(grid.alpha_max[first] - grid.alpha_min[second], 2.0 * np.pi)
    assert np.minimum(touching, 2.0 * np.pi - touching) == pytest.approx(0.0, abs=1e-5)


def test_the_score_prefers_the_right_width() -> None:
    rng = generator(1)

    def score(width: float) -> float:
        real, first, second = torch.randn(3, 20_000, 4, generator=rng)
        return float(_energy_score([real, width * first, width * second], generator(2)))

    assert score(1.0) < min(score(0.8), score(1.25))


def test_averages_are_0_on_average_without_a_difference_and_above_with_one() -> None:
    rng = generator(3)
    energy, eta = torch.full((512,), 1e4), torch.rand(512, generator=rng)

    def average(shift: float) -> Tensor:
        return torch.stack(
            [
                _averages(torch.randn(512, 6, generator=rng) + shift, energy, eta, rng)
                for _ in range(200)
            ]
        )

    same, shifted = average(0.0), average(0.2)
    assert abs(same.mean()) < 5.0 * same.std() / len(same) ** 0.5
    assert shifted.mean() > 10.0 * shifted.std() / len(shifted) ** 0.5


def test_rare_energies_count_more() -> None:
    weights = _weights(torch.tensor([300.0] * 90 + [70_000.0] * 10))
    assert weights[-1] / weights[0] == pytest.approx(3.0)


def fluctuations(numbers: ShowerObservables, showers: Showers[Tensor]) -> ObservableScales:
    voxels = showers.voxels * showers.conditions.energy[:, None]
    of_energies = numbers.of_energies(voxels.sum(1, keepdim=True), voxels @ numbers.layers)
    terms = numbers.of_voxels(voxels) | {"energies": of_energies}
    return ObservableScales.fit([(showers.conditions.energy, terms)], ENERGY_RANGE)


def corrected(
    seed: int = 7, factor: float = 1.0, grid: VoxelGrid = GRIDS["barrel"]
) -> tuple[FastCorrection, Showers[Tensor]]:
    """A model, and showers of its own in the place of Geant4's, voxels raised to a power."""
    training = toy_training(grid)
    showers = own_showers(training, 1000, seed=seed)
    training.scales = fluctuations(training.observables, showers)
    energy = showers.voxels.sum(dim=1, keepdim=True)
    voxels = showers.voxels**factor
    voxels = voxels * energy / voxels.sum(dim=1, keepdim=True)
    conditions = Conditions(showers.conditions.energy, showers.conditions.eta)
    real = Showers(conditions, showers.layer_energy, voxels, showers.index)
    return FastCorrection(training, real, neighbours(grid)), showers


def test_only_a_training_looks_at_geant4() -> None:
    correction, showers = corrected()
    teacher = correction.training_by_teacher
    teacher.skip_first_steps()
    terms = correction.eval().losses(showers, generator(1))
    expected = teacher.eval().losses(showers, generator(1))
    assert terms.keys() == expected.keys()
    assert "voxels" in terms  # not those of the first steps
    for name, term in terms.items():
        assert term.item() == pytest.approx(0.5 * expected[name].item())
    assert correction.train().losses(showers, generator(1)).keys() - terms.keys() == {
        "score",
        "averages",
    }
    assert correction.result is teacher.model
    assert "1000 showers of Geant4" in repr(correction)


def test_steps_depend_on_the_seed_alone() -> None:
    correction, showers = corrected()
    first = correction.train().losses(showers, generator(4))
    again = copy.deepcopy(correction).losses(showers, generator(4))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_both_terms_lead_to_the_right_width() -> None:
    rng = generator(6)
    energy, eta = torch.full((512,), 1e4), torch.rand(512, generator=rng)
    for weights in ((1.0, 0.0), (0.0, 1.0)):
        width = torch.tensor(0.6, requires_grad=True)
        optimizer = torch.optim.Adam([width], lr=0.03)
        for _ in range(150):
            real, first, second = torch.randn(3, 512, 8, generator=rng)
            difference = (width * first).square() - real.square()
            terms = (
                _energy_score([real, width * first, width * second], rng),
                _averages(difference, energy, eta, rng),
            )
            optimizer.zero_grad()
            sum(w * term for w, term in zip(weights, terms, strict=True)).backward()
            optimizer.step()
        assert width.item() == pytest.approx(1.0, abs=0.08)


def test_the_model_moves_toward_geant4() -> None:
    # flatter than the teacher's, in a grid whose energy centre is not moved
    correction, showers = corrected(factor=0.7, grid=GRIDS["other layers"])
    correction.training_by_teacher.skip_first_steps()
    correction.train()

    @torch.no_grad()
    def average(name: str) -> float:
        losses = [correction.losses(showers, generator(1000 + k))[name] for k in range(10)]
        return float(torch.stack(losses).mean())

    before = {name: average(name) for name in ("score", "averages")}
    optimizer = torch.optim.Adam(correction.parameters(), lr=2e-3)
    for step in range(30):
        optimizer.zero_grad()
        terms = correction.losses(showers, generator(step))
        (terms["score"] + terms["averages"]).backward()
        optimizer.step()
    assert average("score") < before["score"]
    assert average("averages") < 0.7 * before["averages"]


@pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))
def test_every_parameter_of_the_voxels_gets_a_finite_gradient(grid: VoxelGrid) -> None:
    training = toy_training(grid)
    real, showers = own_showers(training, 300, seed=8), own_showers(training, 50, seed=7)
    correction = FastCorrection(training, real, neighbours(grid))
    terms = correction.train().losses(showers, generator(1))
    (terms["score"] + terms["averages"]).backward()
    for name, parameter in correction.model.shapes.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name
