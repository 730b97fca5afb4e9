"""Small CaloFasts of random weights, and photons for them."""

import numpy as np
import torch
from torch import Tensor

from calovox.models.comparing.observables import ObservableScales, ShowerObservables
from calovox.models.fast import CaloFast, FastTraining
from calovox.models.fast.conditions import PhotonHinges
from calovox.models.shapes.centroid import voxel_positions
from calovox.preprocessing import QuantileVoxelTransform
from calovox.training.fits.centroid import layer_radii
from calovox.training.sizes.fast import FastSizes
from calovox.voxelization import VoxelGrid
from tests.export.toy_runs import toy_grid
from tests.toy_detector import small_grid, three_layers

SIZES = FastSizes(width=16, depth=2, condition_width=8, energy_width=12, energy_depth=2)
ENERGY_RANGE = (256.0, 2.0**21)
ETA_RANGE = (0.0, 1.35)

GRIDS = {"barrel": toy_grid(), "other layers": small_grid(three_layers())}
"""With an energy centre that can be moved, and without."""


def toy_fast(grid: VoxelGrid | None = None, *, seed: int = 1, gain: float = 2.0) -> CaloFast:
    """A model whose networks do more than at the start of a training."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        photons = PhotonHinges(ENERGY_RANGE, ETA_RANGE)
        model = SIZES.model(toy_grid() if grid is None else grid, photons)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("weight"):
                parameter.mul_(gain)
        # weak tilts: a toy grid is wide, and its energy centre far away
        model.shapes.for_shower.weight[-2:] = 0.0
        model.shapes.for_shower.bias[-1] = 2e-4
    return model.eval()


def toy_training(grid: VoxelGrid | None = None, *, seed: int = 7) -> FastTraining:
    """A training whose units are all 1."""
    grid = toy_grid() if grid is None else grid
    radii = layer_radii(grid)
    numbers = ShowerObservables(grid, None if radii is None else voxel_positions(grid, radii))
    some = {
        name: torch.zeros(2, size)
        for name, size in {
            "energies": 1 + len(grid.layer_sizes),
            **{
                name: x.shape[1]
                for name, x in numbers.of_voxels(torch.ones(1, grid.n_voxels)).items()
            },
        }.items()
    }
    spreads = ObservableScales.fit([(torch.tensor([300.0, 1e6]), some)], ENERGY_RANGE)
    for name in some:
        getattr(spreads, name).fill_(1.0)
    transform = QuantileVoxelTransform.unfitted(grid.layer_sizes)
    return FastTraining(toy_fast(grid), transform, numbers, spreads, seed=seed)


def photons(n_events: int, *, seed: int = 3) -> tuple[Tensor, Tensor]:
    """Kinetic energies and abs(eta), as columns."""
    rng = np.random.default_rng(seed)
    energy = np.exp(rng.uniform(*np.log(ENERGY_RANGE), (n_events, 1)))
    eta = rng.uniform(*ETA_RANGE, (n_events, 1))
    return torch.from_numpy(energy).float(), torch.from_numpy(eta).float()


def normals(n_events: int, n_numbers: int, *, seed: int = 4) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(n_events, n_numbers, generator=torch.Generator().manual_seed(seed))


def sums(voxels: Tensor, grid: VoxelGrid) -> Tensor:
    """Energies of the layers."""
    return torch.stack([part.sum(1) for part in voxels.split(list(grid.layer_sizes), 1)], 1)
