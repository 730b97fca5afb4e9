"""Energy centres: where they are drawn, and what moving them there keeps."""

import numpy as np
import torch
from torch import Tensor

from calovox.geometry import atlas_barrel
from calovox.models.shapes.centroid import N_ENERGIES, VoxelCentroid, voxel_positions
from calovox.voxelization import VoxelGrid

GRID = VoxelGrid.optimal()
RADII = atlas_barrel().radii(np.array([0.3]), GRID.numbers)[0]
NODES = np.linspace(5.5, 14.5, N_ENERGIES)


def law(value: float = 0.1) -> VoxelCentroid:
    return VoxelCentroid(GRID, RADII, NODES, np.full((N_ENERGIES, len(RADII)), value)).double()


def showers(n_events: int = 200, seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Voxels that fall with the radius, some empty; energies; noise."""
    rng = np.random.default_rng(seed)
    r = 0.5 * (GRID.r_min + GRID.r_max)
    voxels = rng.exponential(np.exp(-r / 30.0), (n_events, GRID.n_voxels))
    voxels[rng.random(voxels.shape) < 0.3] = 0.0
    energy = 256.0 * 2.0 ** rng.uniform(0.0, 13.0, (n_events, 1))
    noise = rng.standard_normal((n_events, GRID.n_voxels))
    return torch.from_numpy(voxels), torch.from_numpy(energy), torch.from_numpy(noise)


def energy_centers(voxels: Tensor) -> Tensor:
    position = torch.from_numpy(voxel_positions(GRID, RADII))
    return voxels @ position.T / voxels.sum(dim=1, keepdim=True)


def test_the_energy_centre_is_where_the_law_puts_it() -> None:
    voxels, energy, noise = showers()
    centroid = law()
    wanted = noise @ centroid.directions * centroid.variance(voxels, energy).sqrt()
    wanted = wanted / voxels.sum(dim=1, keepdim=True)
    found = energy_centers(centroid(voxels, energy, noise))
    torch.testing.assert_close(found, wanted, rtol=0.0, atol=1e-3)


def test_the_variance_is_that_of_voxels_whose_hits_are_anywhere_in_them() -> None:
    voxels = torch.zeros(1, GRID.n_voxels, dtype=torch.float64)
    voxels[0, GRID.layer_slice(2).start] = 3.0
    found = law(0.5).variance(voxels, torch.tensor([[65536.0]], dtype=torch.float64))
    first = GRID.layer_slice(2).start
    along = GRID.r_max[first] - GRID.r_min[first]
    middle = 0.5 * (GRID.r_max[first] + GRID.r_min[first])
    across = middle * (GRID.alpha_max[first] - GRID.alpha_min[first])
    arm = float(np.median(RADII) / RADII[2])
    expected = 0.5 * 9.0 * arm**2 * (along**2 + across**2) / 12.0
    np.testing.assert_allclose(found.item(), expected, rtol=1e-6)


def test_layers_keep_their_energies_and_no_voxel_gets_below_0() -> None:
    voxels, energy, noise = showers()
    moved = law(100.0)(voxels, energy, noise)  # far: beyond the steepest slope
    assert (moved >= 0.0).all()
    assert (moved[voxels == 0.0] == 0.0).all()
    for layer in GRID.numbers:
        part = GRID.layer_slice(layer)
        torch.testing.assert_close(moved[:, part].sum(dim=1), voxels[:, part].sum(dim=1))


def test_showers_that_cannot_move_stay() -> None:
    energy, noise = torch.full((3, 1), 1000.0).double(), showers(3)[2]
    voxels = torch.zeros(3, GRID.n_voxels, dtype=torch.float64)
    voxels[1, 7] = 0.8  # one voxel
    voxels[2, [3, 100]] = 0.4  # one in each of two layers
    torch.testing.assert_close(law()(voxels, energy, noise), voxels)


def test_the_unit_of_energy_does_not_matter() -> None:
    voxels, energy, noise = showers(20)
    centroid = law()
    in_mev = centroid(voxels * energy, energy, noise)
    torch.testing.assert_close(in_mev / energy, centroid(voxels, energy, noise))


def test_energies_beyond_the_nodes_count_as_the_last() -> None:
    voxels, _, _ = showers(1)
    centroid = law()
    last = torch.tensor([[np.exp(NODES[-1])]])
    found = [centroid.variance(voxels, energy).item() for energy in (last, 1e6 * last)]
    np.testing.assert_allclose(found[0], found[1])


def test_the_two_sums_of_noise_are_independent_standard_normal_numbers() -> None:
    directions = law().directions
    product = directions.T @ directions
    torch.testing.assert_close(product, torch.eye(2).double(), rtol=0.0, atol=1e-7)


def test_a_law_without_coefficients_is_unknown() -> None:
    assert law().known
    assert not VoxelCentroid(GRID, RADII).known


def test_a_law_is_known_once_it_is_loaded() -> None:
    loaded = VoxelCentroid(GRID, RADII)
    loaded.load_state_dict(law().state_dict())
    assert loaded.known
