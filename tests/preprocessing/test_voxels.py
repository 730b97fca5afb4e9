import numpy as np
import pytest
import torch
from torch import Tensor

from calovox.preprocessing import LayerNormalization, LogitVoxelTransform
from calovox.voxelization import VoxelGrid

GRIDS = {
    "optimal": tuple(np.diff(VoxelGrid.optimal().layer_boundaries).tolist()),
    "regular": tuple(np.diff(VoxelGrid.regular().layer_boundaries).tolist()),
    "two layers": (3, 1),
}


def voxels(sizes: tuple[int, ...], n_events: int = 200) -> Tensor:
    """Energies over many orders of magnitude; half of the voxels and some layers are empty."""
    rng = torch.Generator().manual_seed(1)
    energy = torch.rand(n_events, sum(sizes), generator=rng) ** 8
    energy *= torch.rand(n_events, sum(sizes), generator=rng) < 0.5
    energy[::3, : sizes[0]] = 0.0
    energy[0] = 0.0
    return energy


@pytest.mark.parametrize("sizes", GRIDS.values(), ids=GRIDS)
def test_shares_add_up_to_one_where_there_is_energy(sizes: tuple[int, ...]) -> None:
    energy = voxels(sizes)
    normalization = LayerNormalization(sizes)
    total = normalization.layer_energy(energy)
    sums = normalization.layer_energy(normalization(energy))
    torch.testing.assert_close(sums, (total > 0).float())
    torch.testing.assert_close(normalization.inverse(normalization(energy), total), energy)


@pytest.mark.parametrize("sizes", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("with_noise", [False, True])
def test_voxels_come_back(sizes: tuple[int, ...], with_noise: bool) -> None:
    energy = voxels(sizes)
    transform = LogitVoxelTransform(sizes).fit([energy[:30], energy[30:]])
    photons = torch.ones(len(energy))
    y = transform(energy, photons, torch.rand_like(energy) if with_noise else None)
    assert torch.isfinite(y).all()
    total = transform.normalization.layer_energy(energy)
    back = transform.inverse(y, photons, total)
    scale = total.index_select(1, transform.normalization.layer)
    # each voxel of a layer loses up to b, and the others gain what it loses
    allowed = 4e-6 * scale + 1e-6 * max(sizes) * energy
    assert ((back - energy).abs() <= allowed).all()
    assert not back[energy == 0].any()


@pytest.mark.parametrize("sizes", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("spread", [1.0, 100.0])
def test_any_numbers_conserve_the_energy_of_the_layers(
    sizes: tuple[int, ...], spread: float
) -> None:
    transform = LogitVoxelTransform(sizes).fit([voxels(sizes)])
    layer_energy = torch.rand(500, len(sizes)) ** 4
    layer_energy[::5, 0] = 0.0
    showers = transform.inverse(
        spread * torch.randn(500, sum(sizes)), torch.ones(500), layer_energy
    )
    assert (showers >= 0).all()
    torch.testing.assert_close(transform.normalization.layer_energy(showers), layer_energy)
    assert not showers[::5, : sizes[0]].any()


def test_a_layer_without_shares_spreads_its_energy_evenly() -> None:
    normalization = LayerNormalization((4, 2))
    energy = normalization.inverse(torch.zeros(1, 6), torch.tensor([[2.0, 1.0]]))
    torch.testing.assert_close(energy, torch.full((1, 6), 0.5))


def test_tiny_shares_do_not_overflow() -> None:
    normalization = LayerNormalization((4, 2))
    energy = normalization.inverse(torch.full((1, 6), 1e-40), torch.tensor([[2.0, 1e-30]]))
    assert torch.isfinite(energy).all()


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`layer_sizes` of 1 or more, got \[3, 0\]"):
        LayerNormalization((3, 0))
    fitted = LogitVoxelTransform((3, 1)).fit([voxels((3, 1))])
    with pytest.raises(ValueError, match="a standardisation of 5 voxels, got one of 4"):
        LogitVoxelTransform((3, 2), fitted.standardization)
