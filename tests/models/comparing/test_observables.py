"""What showers are compared by: sums that a plain loop confirms, and units that data give."""

import numpy as np
import pytest
import torch

from calovox.models.comparing import ObservableScales, ShowerObservables, neighbours
from calovox.models.shapes.centroid import voxel_positions
from calovox.training.fits.centroid import layer_radii
from calovox.voxelization import VoxelGrid
from tests.models.fast.toy_fast import ENERGY_RANGE, GRIDS, normals, sums


def numbers_of(grid: VoxelGrid) -> ShowerObservables:
    radii = layer_radii(grid)
    return ShowerObservables(grid, None if radii is None else voxel_positions(grid, radii))


@pytest.mark.parametrize("name", GRIDS)
def test_energy_centres_are_compared_where_they_are_known(name: str) -> None:
    grid = GRIDS[name]
    found = numbers_of(grid).of_voxels(torch.ones(3, grid.n_voxels))
    assert {key: len(values) for key, values in found.items()} == dict.fromkeys(found, 3)
    assert ("centre" in found) == (name == "barrel")
    assert found["voxels"].shape == (3, grid.n_voxels)


def test_numbers_are_those_of_a_plain_loop() -> None:
    grid = GRIDS["barrel"]
    numbers = numbers_of(grid)
    voxels = 100.0 * normals(5, grid.n_voxels).abs() ** 3
    layers = sums(voxels, grid)
    found = numbers.of_voxels(voxels)
    torch.testing.assert_close(found["voxels"], voxels.sqrt(), rtol=1e-3, atol=1e-3)
    of_energies = numbers.of_energies(voxels.sum(1, keepdim=True), layers)
    torch.testing.assert_close(of_energies[:, 0], voxels.sum(1))
    torch.testing.assert_close(of_energies[:, 1:], layers.sqrt())
    starts, n_layers = np.cumsum([0, *grid.layer_sizes]), len(grid.layer_sizes)
    for event in range(5):
        for layer in range(n_layers):
            of_layer = range(starts[layer], starts[layer + 1])
            mean_r = sum(float(voxels[event, i]) * grid.r_middle[i] for i in of_layer)
            # the fifth moment is the mean radius, of each layer and of all
            expected = mean_r / float(layers[event, layer])
            assert float(found["moments"][event, 4 * (n_layers + 1) + layer]) == pytest.approx(
                expected, rel=1e-4
            )


def test_empty_showers_are_finite_with_finite_gradients() -> None:
    grid = GRIDS["barrel"]
    voxels = torch.zeros(2, grid.n_voxels, requires_grad=True)
    found = numbers_of(grid).of_voxels(voxels)
    total = torch.cat([values.sum(1) for values in found.values()]).sum()
    total.backward()
    assert total.isfinite()
    assert voxels.grad is not None
    assert voxels.grad.isfinite().all()


def test_spreads_are_those_near_an_energy_and_none_is_too_small() -> None:
    rng = np.random.default_rng(1)
    low, high = np.log(ENERGY_RANGE)
    log_energy = torch.from_numpy(rng.uniform(low, high, 40_000))
    rising = (log_energy - low)[:, None] * torch.from_numpy(rng.normal(size=(40_000, 1)))
    numbers = {"energies": torch.cat([rising, torch.zeros(40_000, 1)], dim=1).float()}
    energy = log_energy.exp().float()
    spreads = ObservableScales.fit([(energy, numbers)], ENERGY_RANGE)
    at = torch.linspace(low + 1.0, high - 1.0, 7)
    found = spreads.at("energies", at)
    torch.testing.assert_close(found[:, 0], at - low, rtol=0.1, atol=0.0)
    torch.testing.assert_close(found[:, 1], torch.full((7,), 0.3))


def test_spreads_do_not_depend_on_how_showers_are_cut() -> None:
    energy = torch.linspace(300.0, 1e6, 100)
    numbers = 100.0 * normals(100, 3)
    whole = ObservableScales.fit([(energy, {"energies": numbers})], ENERGY_RANGE)
    parts = ObservableScales.fit(
        [(energy[k::3], {"energies": numbers[k::3]}) for k in range(3)], ENERGY_RANGE
    )
    torch.testing.assert_close(parts.energies, whole.energies, rtol=1e-4, atol=1e-4)


def test_standardised_numbers_have_mean_0_and_width_1() -> None:
    energy = torch.full((5000,), 65e3)
    numbers = 40.0 + 7.0 * normals(5000, 2)
    spreads = ObservableScales.fit([(energy, {"energies": numbers})], (65e3, 65e3))
    found = spreads.standardized("energies", numbers, energy.log())
    torch.testing.assert_close(found.mean(0), torch.zeros(2), rtol=0.0, atol=1e-3)
    torch.testing.assert_close(found.std(0), torch.ones(2), rtol=1e-2, atol=0.0)


def test_one_energy_is_enough() -> None:
    spreads = ObservableScales.fit(
        [(torch.full((100,), 65e3), {"energies": normals(100, 2)})], (65e3, 65e3)
    )
    assert spreads.at("energies", torch.tensor([65e3]).log()).isfinite().all()


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
