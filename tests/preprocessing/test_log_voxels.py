import pytest
import torch
from torch import Tensor

from calovox.preprocessing import LogVoxelTransform, Standardization

SIZES = (4, 30, 1)


def voxels(n_events: int = 200) -> Tensor:
    """Energies over many orders of magnitude; half of the voxels and some layers are empty."""
    rng = torch.Generator().manual_seed(1)
    energy = torch.rand(n_events, sum(SIZES), generator=rng) ** 8
    energy *= torch.rand(n_events, sum(SIZES), generator=rng) < 0.5
    energy[::3, :4] = 0.0
    energy[0] = 0.0
    return energy


def test_the_logarithms_of_all_voxels_have_mean_0_and_width_1() -> None:
    energy = voxels()
    transform = LogVoxelTransform(SIZES).fit([energy[:30], energy[30:]])
    y = transform(energy, torch.ones(len(energy)))
    assert float(y.mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(y.std(correction=0)) == pytest.approx(1.0, abs=1e-5)
    shares = transform.normalization(energy)
    expected = (shares.double() + 1e-6).log()
    torch.testing.assert_close(
        y.double(), (expected - expected.mean()) / expected.std(correction=0), rtol=1e-4, atol=1e-4
    )


def test_voxels_come_back() -> None:
    energy = voxels()
    transform = LogVoxelTransform(SIZES).fit([energy])
    total = transform.normalization.layer_energy(energy)
    photons = torch.ones(len(energy))
    back = transform.inverse(transform(energy, photons), photons, total)
    scale = total.index_select(1, transform.normalization.layer)
    allowed = 4e-6 * scale + 1e-6 * max(SIZES) * energy
    assert ((back - energy).abs() <= allowed).all()
    assert not back[energy == 0].any()


@pytest.mark.parametrize("spread", [1.0, 1e4])
def test_any_numbers_conserve_the_energy_of_the_layers(spread: float) -> None:
    transform = LogVoxelTransform(SIZES).fit([voxels()])
    layer_energy = torch.rand(500, len(SIZES)) ** 4
    layer_energy[::5, 0] = 0.0
    showers = transform.inverse(
        spread * torch.randn(500, sum(SIZES)), torch.ones(500), layer_energy
    )
    assert (showers >= 0).all()
    torch.testing.assert_close(transform.normalization.layer_energy(showers), layer_energy)


def test_a_standardisation_for_each_voxel_is_refused() -> None:
    with pytest.raises(ValueError, match="of 1 variable, got one of 35"):
        LogVoxelTransform(SIZES, Standardization.identity(35))
