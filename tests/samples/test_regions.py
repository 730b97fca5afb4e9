import numpy as np
import pytest

from calovox.samples.regions import CENTRAL, REGIONS, Region

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
