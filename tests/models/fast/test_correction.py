"""Showers of Geant4 correct CaloFast: neighbours, terms of the loss, and what is 0."""

import numpy as np
import pytest
import torch
from torch import Tensor

from calovox.models.base import Showers, Trainable
from calovox.models.fast.correction import FastCorrection, neighbours
from calovox.models.fast.training import FIRST_STEPS
from calovox.voxelization import VoxelGrid
from tests.models.fast.test_training import LATER, own_showers, showers_of
from tests.models.fast.toy_fast import GRIDS, toy_training


@pytest.fixture(params=GRIDS)
def grid(request: pytest.FixtureRequest) -> VoxelGrid:
    return GRIDS[request.param]


def toy_correction(
    grid: VoxelGrid, *, distorted: bool = False
) -> tuple[FastCorrection, Showers[Tensor]]:
    """A correction by showers that the model has made, or by others; and the teacher's showers."""
    training = toy_training(grid)
    real = own_showers(training, 800, seed=8)
    voxels = real.voxels
    if distorted:  # layers as before, and their voxels the other way round
        parts = voxels.split(list(grid.layer_sizes), 1)
        voxels = torch.cat([part.flip(1) for part in parts], dim=1)
    real = showers_of(voxels, real.index, real.conditions.energy, real.conditions.eta)
    correction = FastCorrection(training, real, neighbours(grid))
    return correction, own_showers(training, 100, seed=7)


def test_neighbours_go_round_each_ring(grid: VoxelGrid) -> None:
    first, second = neighbours(grid).numpy()
    everyone = np.arange(grid.n_voxels)
    np.testing.assert_array_equal(np.sort(first), everyone)
    np.testing.assert_array_equal(np.sort(second), everyone)
    np.testing.assert_array_equal(grid.layer[first], grid.layer[second])
    np.testing.assert_array_equal(grid.r_min[first], grid.r_min[second])
    step = (grid.alpha_min[second] - grid.alpha_min[first]) % (2 * np.pi)
    for place in range(grid.n_voxels):
        ring = (grid.layer == grid.layer[first[place]]) & (grid.r_min == grid.r_min[first[place]])
        expected = 2 * np.pi / np.count_nonzero(ring) % (2 * np.pi)
        assert step[place] == pytest.approx(expected, abs=1e-9)


def test_a_correction_keeps_the_contract_of_training(grid: VoxelGrid) -> None:
    correction, batch = toy_correction(grid)
    assert isinstance(correction, Trainable)
    assert correction.result is correction.training_by_teacher.model
    assert "800 showers of Geant4" in repr(correction)
    rng = torch.Generator().manual_seed(1)
    later = LATER | ({"centre"} if correction.training_by_teacher.numbers.moved else set())
    assert correction.train().losses(batch, rng).keys() == later | {"score", "averages"}
    assert correction.training_by_teacher.steps >= FIRST_STEPS
    assert correction.eval().losses(batch, rng).keys() == later


def test_losses_depend_on_the_generator_alone(grid: VoxelGrid) -> None:
    correction, batch = toy_correction(grid)
    found = [
        sum(correction.train().losses(batch, torch.Generator().manual_seed(seed)).values()).item()
        for seed in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]


@torch.no_grad()
def test_terms_are_smallest_for_showers_of_the_same_distribution(grid: VoxelGrid) -> None:
    found: dict[bool, dict[str, list[float]]] = {}
    for distorted in (False, True):
        correction, batch = toy_correction(grid, distorted=distorted)
        rng = torch.Generator().manual_seed(5)
        draws = [correction.train().losses(batch, rng) for _ in range(8)]
        found[distorted] = {
            name: [float(draw[name]) for draw in draws] for name in ("score", "averages")
        }
    for name in ("score", "averages"):
        assert np.mean(found[False][name]) < np.mean(found[True][name]), name
    # without bias: 0 on average where there is no difference
    same, other = found[False]["averages"], found[True]["averages"]
    assert abs(np.mean(same)) < 0.2 * np.mean(other)


def test_every_parameter_of_the_voxels_gets_a_finite_gradient(grid: VoxelGrid) -> None:
    correction, batch = toy_correction(grid, distorted=True)
    losses = correction.train().losses(batch, torch.Generator().manual_seed(1))
    (losses["score"] + losses["averages"]).backward()
    for name, parameter in correction.model.shapes.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name
