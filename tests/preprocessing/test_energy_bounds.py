import pytest
import torch

from calovox.preprocessing import EnergyBounds, LayerEnergyRatios

N_LAYERS = 4


def toy_energies(n_events, *, seed=1):
    rng = torch.Generator().manual_seed(seed)
    energy = 256.0 * 2.0 ** (13 * torch.rand(n_events, generator=rng))
    layers = torch.rand(n_events, N_LAYERS, generator=rng) ** 4 * torch.tensor([0.3, 1, 2, 0.1])
    visible = 0.9 + 0.1 * torch.rand(n_events, 1, generator=rng)
    layers[::5, -1] = 0.0
    return energy, layers / layers.sum(dim=1, keepdim=True) * visible


def bound(bounds, energy, layers):
    u = LayerEnergyRatios()(layers.double())
    at = bounds.at(energy.double())
    total = bounds.bound_total(u[:, :1], at)
    shares, rests = bounds.bound_shares(u[:, 1:], 1.0 - u[:, 1:], at)
    return LayerEnergyRatios().inverse(torch.cat([total, shares], dim=1), rests)


@pytest.fixture(scope="module")
def fitted():
    energy, layers = toy_energies(3000)
    parts = zip(energy.split(700), layers.split(700), strict=True)
    return EnergyBounds.fit(parts, (float(energy.min()), float(energy.max())))


def test_training_showers_stay_as_they_are(fitted):
    energy, layers = toy_energies(3000)
    assert fitted.known
    torch.testing.assert_close(bound(fitted, energy, layers).float(), layers, rtol=1e-5, atol=1e-7)


def test_no_shower_is_beyond_the_training_showers(fitted):
    energy, layers = toy_energies(3000)
    strange = torch.cat([torch.zeros(300, 3), torch.ones(300, 1)], dim=1)
    strange = torch.cat([strange, torch.zeros(100, 4), torch.tensor([[5.0, 0, 5, 0]] * 50)])
    at = energy[:450]
    kept = bound(fitted, at, strange).float()
    total = layers.sum(dim=1)
    found = kept.sum(dim=1)
    assert found.min() >= total.min() * (1.0 - 1e-4)
    assert found.max() <= total.max() * (1.0 + 1e-4)
    assert fitted.sink.tolist() == [0.0, 0.0, 1.0, 0.0]
    for layer in (0, 1, 3):
        part = (layers[:, layer] / total).max()
        assert (kept[:, layer] / found).max() <= part * (1.0 + 1e-4)
    assert torch.all(kept >= 0.0)


def test_bounds_follow_the_energy():
    energy = torch.tensor([1e3] * 10 + [1e6] * 10)
    share = torch.tensor([0.1] * 10 + [0.4] * 10)
    layers = torch.stack([1.0 - share, share], dim=1)
    bounds = EnergyBounds.fit([(energy, layers)], (1e3, 1e6))
    high = bounds.at(torch.tensor([10.0, 1e3, 1e6, 1e9]))[:, 3]
    torch.testing.assert_close(high, torch.tensor([0.1, 0.1, 0.4, 0.4]), rtol=1e-4, atol=0.0)
    # between them, where no shower is, the wider ones
    assert 0.1 <= bounds.at(torch.tensor([3e4]))[0, 3] <= 0.4001


def test_unfitted_bounds_are_not_known_until_they_are_loaded(fitted):
    bounds = EnergyBounds.unfitted(N_LAYERS)
    assert not bounds.known
    bounds.load_state_dict(fitted.state_dict())
    assert bounds.known
    torch.testing.assert_close(bounds.table, fitted.table)


def test_one_energy_and_one_layer_are_enough():
    energy, layers = torch.full((5,), 1e3), torch.linspace(0.8, 0.9, 5)[:, None]
    bounds = EnergyBounds.fit([(energy, layers)], (1e3, 1e3))
    kept = bound(bounds, energy[:2], torch.tensor([[-1.0], [2.0]]))
    torch.testing.assert_close(kept.float(), torch.tensor([[0.8], [0.9]]), rtol=1e-4, atol=0.0)


def test_no_showers_are_refused():
    with pytest.raises(ValueError, match="expected showers with energy, got none"):
        EnergyBounds.fit([], (1e3, 1e4))
