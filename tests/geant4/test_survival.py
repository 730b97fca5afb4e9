import math

import numpy as np
import pytest

from calovox.geant4 import DetectorModel, MeanFreePaths, survival_probability
from calovox.geant4.survival import measure_mean_free_paths
from calovox.photons import Photons


def photons_at(eta, energy, n):
    return Photons(np.full(n, energy), np.full(n, eta), np.zeros(n), np.arange(n))


def test_survival_is_the_product_over_the_layers_crossed():
    photons, paths = photons_at(0.5, 4096.0, 1), MeanFreePaths()
    aluminium = sum(thickness for _, thickness in DetectorModel().dead_material)
    depth = aluminium / paths.of("G4_Al", photons.energy)[0]
    depth += 12.0 / paths.of("G4_lAr", photons.energy)[0]
    expected = math.exp(-depth * math.cosh(0.5))
    assert survival_probability(photons, 1424.0)[0] == pytest.approx(expected, rel=1e-12)


def test_survival_is_1_before_any_material_and_falls_with_the_radius():
    photons = photons_at(0.775, 1e3, 1)
    assert survival_probability(photons, 1200.0)[0] == 1.0
    values = [
        survival_probability(photons, radius)[0] for radius in (1300.0, 1500.0, 1550.0, 1600.0)
    ]
    assert np.all(np.diff(values) < 0)


def test_the_sign_of_eta_and_the_side_of_0p8_count_as_they_should():
    eta = np.array([0.7, -0.7, 0.9, -0.9])
    photons = Photons(np.full(4, 1e3), eta, np.zeros(4), np.arange(4))
    behind = survival_probability(photons, 1550.0) / survival_probability(photons, 1500.0)
    np.testing.assert_array_equal(behind[[0, 2]], behind[[1, 3]])
    # in thinner lead, more survive in spite of the longer way
    assert behind[2] > 1.2 * behind[0]


def test_mean_free_paths_end_at_their_energies():
    photons = photons_at(0.2, 10.0, 2)
    with pytest.raises(ValueError, match=r"64 MeV to 4\.19 TeV.*got 10 MeV"):
        survival_probability(photons, 1500.0)


@pytest.mark.parametrize(
    ("energies", "paths", "message"),
    [
        ((2.0, 1.0), {}, "must increase"),
        ((1.0, 2.0), {"G4_Al": (1.0,)}, "expected 2 lengths"),
        ((1.0, 2.0), {"G4_Al": (1.0, -1.0)}, "above 0"),
    ],
)
def test_damaged_tables_are_refused(energies, paths, message):
    with pytest.raises(ValueError, match=message):
        MeanFreePaths(energies, paths)


@pytest.mark.slow
def test_the_table_is_what_geant4_has(geant4_data):
    n = 2000
    measured = measure_mean_free_paths(n_photons=n, energies=(256.0, 4096.0, 1048576.0), seed=9)
    known = MeanFreePaths()
    for material, paths in measured.paths.items():
        expected = known.of(material, np.array(measured.energies))
        assert paths == pytest.approx(expected, rel=5.0 / math.sqrt(n))


@pytest.mark.slow
@pytest.mark.parametrize(("energy", "eta"), [(300.0, 0.0), (4e3, 0.775), (1e6, 0.85), (2e4, 1.3)])
def test_as_many_photons_survive_in_geant4(engine, energy, eta):
    n = 20_000
    radius = engine.first_interactions(photons_at(eta, energy, n), seed=5)
    for limit in (1400.0, 1500.0, 1530.0):
        expected = survival_probability(photons_at(eta, energy, 1), limit)[0]
        error = math.sqrt(expected * (1.0 - expected) / n) + 0.005 * expected
        assert np.mean(radius >= limit) == pytest.approx(expected, abs=4.0 * error)
