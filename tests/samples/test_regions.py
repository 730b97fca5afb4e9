import numpy as np
import pytest

from calovox.samples.regions import (
    CENTRAL,
    REGIONS,
    Region,
    choose_eta_ranges,
    choose_regions,
)

WINDOWS = [region for region in REGIONS if not region.discrete]
DISCRETE = [region for region in REGIONS if region.discrete]


@pytest.mark.parametrize("region", WINDOWS, ids=lambda region: region.name)
def test_region_holds_three_quarters_to_three_halves_of_its_energy(region):
    middle = 0.5 * (region.eta_low + region.eta_high)
    energies = region.energy * np.array([0.75, 0.76, 1.0, 1.49, 1.5])
    expected = [False, True, True, True, False]
    for sign in (-1.0, 1.0):
        assert region.select(energies, np.full(5, sign * middle)).tolist() == expected


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.name)
def test_region_includes_its_lower_border_only(region):
    etas = np.array([region.eta_low, region.eta_high])
    assert region.select(np.full(2, region.energy), etas).tolist() == [True, False]


def test_rescaling_keeps_the_response():
    energies = np.array([50e3, 65e3, 90e3])
    np.testing.assert_allclose(CENTRAL.rescale(0.9 * energies, energies), 0.9 * 65e3)


@pytest.mark.parametrize("region", DISCRETE, ids=lambda region: region.name)
def test_discrete_region_holds_one_energy_and_rescales_nothing(region):
    energies = region.energy * np.array([1.0 - 1e-5, 1.0, 1.0 + 1e-5])
    etas = np.full(3, 0.5 * (region.eta_low + region.eta_high))
    assert region.select(energies, etas).tolist() == [False, True, False]
    np.testing.assert_array_equal(region.rescale(energies, energies), energies)


def test_regions_have_distinct_names():
    assert len({region.name for region in REGIONS}) == len(REGIONS)


def test_region_refuses_an_empty_range():
    with pytest.raises(ValueError, match="Region bad: expected 0 <= eta_low < eta_high"):
        Region("bad", 65e3, 0.3, 0.2, figure=None)


def test_regions_of_another_detector_hold_most_of_its_middle_showers():
    rng = np.random.default_rng(2)
    energy = np.exp(rng.uniform(np.log(1e3), np.log(1e6), 8000))
    eta = rng.uniform(1.6, 2.4, 8000)
    regions = choose_regions(energy, eta)
    assert [region.name for region in regions] == [
        *("low-eta", "middle-eta", "high-eta", "middle-eta-high")
    ]
    counts = [int(region.select(energy, eta).sum()) for region in regions]
    assert min(counts) > 100
    assert regions[3].energy > 2.0 * regions[0].energy
    assert all(region.figure is None for region in regions)


def test_a_few_energies_give_discrete_regions():
    energy = np.repeat([1e3, 1.6e4, 5e4], [50, 50, 50])
    regions = choose_regions(energy, np.full(150, 0.213))
    assert [str(region) for region in regions] == [
        *("exactly 16 GeV, 0.21 < |η| < 0.22", "exactly 50 GeV, 0.21 < |η| < 0.22")
    ]
    assert [region.select(energy, np.full(150, -0.213)).sum() for region in regions] == [50, 50]


def test_few_showers_have_one_range_of_eta():
    rng = np.random.default_rng(3)
    (region,) = choose_regions(rng.uniform(1e4, 2e4, 300), rng.uniform(0.1, 1.0, 300))
    assert (region.name, region.eta_low, region.eta_high) == ("all-eta", 0.1, 1.0)


def test_ranges_of_eta_hold_all_showers():
    eta = np.array([0.0, 0.37, 1.25, np.nan])
    ranges = choose_eta_ranges(eta)
    assert ranges == ((0.0, 0.42), (0.42, 0.84), (0.84, 1.26))
    assert choose_eta_ranges(eta[-1:]) == ((0.0, 0.01),)
