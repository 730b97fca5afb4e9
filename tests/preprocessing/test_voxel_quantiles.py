import numpy as np
import pytest
import torch
from scipy.special import ndtri
from torch import Tensor

from calovox.preprocessing import N_ENERGIES, QuantileVoxelTransform
from calovox.preprocessing.quantile_tables import LOWEST_SHARE

SIZES = (3, 6, 1)
NODES = np.log(np.geomspace(256.0, 524288.0, N_ENERGIES))


def draw(energy: Tensor, *, seed: int = 1, fraction: float | None = None) -> Tensor:
    """Showers whose voxels are hit more often, and spread less, at high energies.

    The second layer holds 1 to 50 % of the energy: the less, the emptier, and more of it in the
    first voxels.
    """
    rng = torch.Generator().manual_seed(seed)
    n_events = len(energy)
    octave = torch.log2(energy / 256.0)[:, None]
    late = torch.rand(n_events, 1, generator=rng)
    if fraction is not None:
        late = torch.full((n_events, 1), float(np.log(0.5 / fraction) / np.log(50.0)))
    mean = torch.tensor([0.0, -1.0, -3.0, 0.0, -0.5, -1.0, -2.0, -3.0, -4.0, 0.0]).repeat(
        n_events, 1
    )
    mean[:, 3:9] *= 1.0 + late
    voxels = (mean + (2.0 - 0.1 * octave) * torch.randn(n_events, 10, generator=rng)).exp()
    hit = torch.rand(n_events, 10, generator=rng) < (octave + 1.0) / 12.0 * (1.0 - 0.5 * late)
    hit[:, 3] = True
    voxels = voxels * hit
    voxels[:, 3:9] *= 0.5 * 50.0**-late / voxels[:, 3:9].sum(dim=1, keepdim=True)
    voxels[:, [0, 1, 2, 9]] *= 0.1
    voxels[::7, :3] = 0.0
    return voxels


def near(node: float, n_events: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = torch.Generator().manual_seed(seed)
    reach = NODES[1] - NODES[0]
    energy = torch.exp(node + reach * (2.0 * torch.rand(n_events, generator=rng) - 1.0))
    weights = 1.0 - (energy.log() - node).abs().double() / reach
    return draw(energy, seed=100 + seed).numpy(), weights.clamp(min=0.0).numpy()


@pytest.fixture(scope="module")
def transform() -> QuantileVoxelTransform:
    samples = [near(node, 30_000, seed) for seed, node in enumerate(NODES)]
    return QuantileVoxelTransform.unfitted(SIZES).fit(NODES, samples)


def energies(n_events: int) -> Tensor:
    rng = torch.Generator().manual_seed(3)
    return 256.0 * 2.0 ** (11.0 * torch.rand(n_events, generator=rng))


@pytest.mark.parametrize("octave", [0.0, 2.5, 6.2, 9.0])
@pytest.mark.parametrize("fraction", [0.011, 0.04, 0.4])
def test_every_voxel_is_standard_normal_at_every_energy_of_the_photon_and_of_the_layer(
    transform: QuantileVoxelTransform, octave: float, fraction: float
) -> None:
    energy = torch.full((20_000,), 256.0 * 2.0**octave)
    voxels = draw(energy, seed=5, fraction=fraction)
    z = transform(voxels, energy, torch.rand(voxels.shape))
    ranks = (np.arange(20) + 0.5) / 20
    for column in range(4, 9):
        found = np.quantile(z[:, column].numpy(), ranks)
        assert np.abs(found - ndtri(ranks)).max() < 0.3


def test_voxels_come_back(transform: QuantileVoxelTransform) -> None:
    energy = energies(3000)
    voxels = draw(energy, seed=8)
    layers = transform.normalization.layer_energy(voxels)
    back = transform.inverse(transform(voxels, energy, torch.rand(voxels.shape)), energy, layers)
    assert not back[voxels == 0].any()
    shares, again = transform.normalization(voxels), transform.normalization(back)
    assert (again > 0)[shares > 2 * LOWEST_SHARE].all()
    usual = shares > 10 * LOWEST_SHARE
    change = ((again - shares).abs() / shares)[usual]
    assert change.quantile(0.999) < 1e-3
    torch.testing.assert_close(transform.normalization.layer_energy(back), layers)


def test_without_noise_empty_voxels_are_about_to_be_hit(
    transform: QuantileVoxelTransform,
) -> None:
    energy = energies(100)
    voxels = torch.zeros(100, 10)
    voxels[:, [0, 3, 9]] = 0.2
    at_threshold = transform(voxels, energy)
    above = transform.inverse(at_threshold + 0.1, energy, torch.full((100, 3), 0.2))
    assert (above > 0).all()


@pytest.mark.parametrize("spread", [1.0, 30.0, 1e6])
def test_any_numbers_conserve_the_energy_of_the_layers(
    transform: QuantileVoxelTransform, spread: float
) -> None:
    layer_energy = torch.rand(500, 3) ** 4
    layer_energy[::5, 0] = 0.0
    showers = transform.inverse(spread * torch.randn(500, 10), energies(500), layer_energy)
    assert (showers >= 0).all()
    torch.testing.assert_close(transform.normalization.layer_energy(showers), layer_energy)


def test_a_layer_of_empty_voxels_gives_its_energy_to_the_nearest(
    transform: QuantileVoxelTransform,
) -> None:
    y = torch.full((1, 10), -9.0)
    y[0, 1] = -8.0
    showers = transform.inverse(y, torch.tensor([300.0]), torch.ones(1, 3))
    assert int(showers[0, :3].count_nonzero()) == 1
    assert float(showers[0, :3].sum()) == 1.0


def test_shares_rise_with_the_score(transform: QuantileVoxelTransform) -> None:
    assert (transform.climbs > 0).all()


def test_tables_stay_as_at_the_last_node_beyond_it(transform: QuantileVoxelTransform) -> None:
    voxels = draw(torch.full((50,), 524288.0))
    at_end = transform(voxels, torch.full((50,), 524288.0))
    torch.testing.assert_close(transform(voxels, torch.full((50,), 5e6)), at_end)


def test_a_voxel_that_is_never_hit_stays_empty_mostly() -> None:
    voxels = np.ones((500, 10), dtype=np.float32)
    voxels[:, 1] = 0.0
    samples = [(voxels, np.ones(500))] * N_ENERGIES
    transform = QuantileVoxelTransform.unfitted(SIZES).fit(NODES, samples)
    y = torch.randn(5000, 10)
    showers = transform.inverse(y, energies(5000), torch.ones(5000, 3))
    assert float((showers[:, 1] > 0).float().mean()) < 0.01
    torch.testing.assert_close(
        showers[:, 3:9].median(dim=0).values, torch.full((6,), 1 / 6), rtol=0.01, atol=0.0
    )


def test_nodes_without_showers_are_refused() -> None:
    samples = [(np.ones((3, 10), dtype=np.float32), np.zeros(3))] * N_ENERGIES
    with pytest.raises(ValueError, match="expected showers near 256 MeV, got none"):
        QuantileVoxelTransform.unfitted(SIZES).fit(NODES, samples)


def test_rarely_hit_voxels_get_no_more_than_they_had() -> None:
    samples = [near(node, 6000, seed) for seed, node in enumerate(NODES)]
    for voxels, _ in samples:
        voxels[:, 8] *= 0.01 * (np.arange(len(voxels)) % 100 == 0)
    rare = QuantileVoxelTransform.unfitted(SIZES).fit(NODES, samples)
    largest = max(float((v[:, 8] / v[:, 3:9].sum(axis=1)).max()) for v, _ in samples)
    y = torch.zeros(1000, 10)
    y[:, 8] = 4.0
    layers = torch.ones(1000, 3)
    shares = rare.inverse(y, energies(1000), layers)[:, 8]
    assert 0.0 < shares.max() < 2.0 * largest


def test_layers_that_are_always_empty_or_hold_the_same_have_tables() -> None:
    samples = [near(node, 600, seed) for seed, node in enumerate(NODES)]
    for voxels, _ in samples:
        voxels[:, :3] = 0.0
        voxels[:, 9] = 0.25
    transform = QuantileVoxelTransform.unfitted(SIZES).fit(NODES, samples)
    assert (transform.fractions.diff(dim=2) > 0).all()
    layer_energy = torch.rand(200, 3)
    showers = transform.inverse(torch.randn(200, 10), energies(200), layer_energy)
    torch.testing.assert_close(transform.normalization.layer_energy(showers), layer_energy)


def test_few_showers_of_a_fraction_are_joined_by_the_nearest() -> None:
    samples = [near(node, 300, seed) for seed, node in enumerate(NODES)]
    transform = QuantileVoxelTransform.unfitted(SIZES).fit(NODES, samples)
    energy = torch.full((5000,), 4096.0)
    for fraction in (0.012, 0.45):
        z = transform(draw(energy, seed=5, fraction=fraction), energy, torch.rand(5000, 10))
        assert (z[:, 4:9].mean(dim=0).abs() < 0.5).all()
