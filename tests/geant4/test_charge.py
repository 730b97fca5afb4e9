import numpy as np
import pytest

from calovox.geant4 import ElectrodeGaps, TruePhiModulation
from calovox.geometry import ABSORBER_PERIOD as PERIOD
from calovox.geometry import barrel_cells
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.phi_modulation import PERIOD as FITTED_PERIOD

PHASES = (np.arange(1000) + 0.5) * PERIOD / 1000


@pytest.mark.parametrize("layer", BARREL_NUMBERS)
def test_modulation_has_mean_1_and_is_symmetric(layer):
    modulation = TruePhiModulation()
    assert np.mean(modulation(layer, PHASES)) == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(modulation(layer, PHASES), modulation(layer, -PHASES), rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "amplitude"), [(0, 0.02), (1, 0.10), (2, 0.10), (3, 0.05), (12, 0)]
)
def test_modulation_has_its_documented_amplitude(layer, amplitude):
    assert np.max(np.abs(TruePhiModulation()(layer, PHASES) - 1.0)) == pytest.approx(
        amplitude, abs=1e-4
    )


def test_modulation_phase_is_zero_at_every_cell_center():
    table = barrel_cells()
    for layer in (0, 1, 2, 3):
        centers = table.phi[table.layer == layer]
        np.testing.assert_allclose(TruePhiModulation()(layer, centers).std(), 0.0, atol=1e-9)


def test_modulation_survives_its_dictionary():
    assert TruePhiModulation.from_dict(TruePhiModulation().to_dict()) == TruePhiModulation()


def test_modulation_has_the_period_that_is_fitted():
    assert pytest.approx(FITTED_PERIOD) == PERIOD


def test_modulation_refuses_negative_charge():
    rows = ((0.0,), (1.2,), (0.0,), (0.0,), (0.0,))
    with pytest.raises(ValueError, match="layer 1: cosines must add up to less than 1"):
        TruePhiModulation(cosines=rows)


def test_gaps_are_narrow_and_symmetric():
    gaps = ElectrodeGaps()
    eta = np.array([0.0, 0.05, 0.4, 0.75, 0.8, 0.85, 1.3])
    factor = gaps(eta)
    np.testing.assert_allclose(factor, gaps(-eta))
    np.testing.assert_allclose(factor[[1, 2, 3, 5, 6]], 1.0, atol=1e-4)
    np.testing.assert_allclose(factor[[0, 4]], 1.0 - np.array(gaps.depth), atol=1e-9)


def test_gaps_refuse_uneven_columns():
    with pytest.raises(ValueError, match="as many depths and widths"):
        ElectrodeGaps(depth=(0.1,))
