"""Whole showers as points: there and back, and points out of any numbers."""

import pytest
import torch
from torch import Tensor

from calovox.preprocessing import RootShareTransform
from tests.models.toy_models import LAYER_SIZES, toy_batch


@pytest.fixture
def points() -> RootShareTransform:
    batch = toy_batch(2000)
    nodes = torch.linspace(*batch.conditions.energy.log().aminmax(), 12)
    raw = RootShareTransform.unfitted(LAYER_SIZES)
    return raw.fit(nodes, [(batch.conditions.energy, batch.voxels.sum(dim=1))])


def test_a_shower_comes_back(points: RootShareTransform) -> None:
    batch = toy_batch(200, seed=2)
    log_energy = batch.conditions.energy.log()
    x = points(batch.voxels, log_energy)
    assert x.shape == (200, 1 + 3 + 7)
    torch.testing.assert_close(points.inverse(x, log_energy), batch.voxels)


def test_visible_energies_have_the_same_spread_at_all_energies() -> None:
    rng = torch.Generator().manual_seed(1)
    energy = (5.0 + 8.0 * torch.rand(20_000, generator=rng)).exp()
    total = 0.9 + 0.001 * energy.log() + 2.0 / energy.sqrt() * torch.randn(20_000, generator=rng)
    raw = RootShareTransform.unfitted(LAYER_SIZES)
    points = raw.fit(torch.linspace(5.0, 13.0, 12), [(energy, total)])
    voxels = total[:, None] * torch.tensor([0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1])
    visible = points(voxels, energy.log())[:, 0] / 3.0
    for octave in range(5, 13):
        chosen = visible[(energy.log() >= octave) & (energy.log() < octave + 1)]
        assert abs(chosen.mean()) < 0.1
        assert chosen.std() == pytest.approx(1.0, abs=0.12)


def test_nodes_without_showers_have_the_numbers_of_others() -> None:
    energy = torch.full((50,), 1000.0)
    total = torch.linspace(0.9, 1.1, 50)
    raw = RootShareTransform.unfitted(LAYER_SIZES)
    points = raw.fit(torch.linspace(5.0, 13.0, 12), [(energy, total)])
    torch.testing.assert_close(points.mean, torch.ones(12))
    assert (points.spread == points.spread[0]).all()
    with pytest.raises(ValueError, match="expected two showers or more"):
        raw.fit(torch.linspace(5.0, 13.0, 12), [])


def test_any_numbers_become_a_shower(points: RootShareTransform) -> None:
    numbers = torch.randn(500, points.n_variables, generator=torch.Generator().manual_seed(1))
    log_energy = torch.full((500,), 9.0)
    x = points.compose(numbers)
    voxels = points.inverse(x, log_energy)
    assert (voxels >= 0.0).all()
    again = points(voxels, log_energy)
    complete = _complete(points, numbers)
    assert complete.sum() > 100
    torch.testing.assert_close(again[complete], x[complete], atol=2e-4, rtol=1e-4)


def _complete(points: RootShareTransform, numbers: Tensor) -> Tensor:
    """Find showers none of whose layers has energy, but no voxel above 0."""
    layers = numbers[:, 1 : 1 + len(LAYER_SIZES)] > 0.0
    parts = torch.split(numbers[:, 1 + len(LAYER_SIZES) :] > 0.0, list(LAYER_SIZES), dim=1)
    filled = torch.stack([part.any(dim=1) for part in parts], dim=1)
    return (filled | ~layers).all(dim=1) & layers.any(dim=1)


def test_numbers_without_anything_are_spread_evenly(points: RootShareTransform) -> None:
    x = points.compose(torch.full((1, points.n_variables), -1.0))
    (voxels,) = points.inverse(x, torch.tensor([9.0]))
    assert (voxels == voxels[0]).all()


def test_spreads_that_are_no_spreads_are_refused() -> None:
    nodes = torch.linspace(0.0, 1.0, 12)
    with pytest.raises(ValueError, match="`spread` > 0"):
        RootShareTransform(LAYER_SIZES, nodes, torch.zeros(12), torch.zeros(12))
