import numpy as np
import pytest

from calovox.reconstruction.calibration import Calibration, fit_calibration

WEIGHTS = np.array([1.5, 1.1, 1.05, 1.3, 1.0])
OFFSET = 300.0


def clusters(n_events: int, *, resolution: float = 0.0, seed: int = 1):
    """Clusters whose energies obey the linear formula, apart from the resolution."""
    rng = np.random.default_rng(seed)
    energy = np.exp(rng.uniform(np.log(5e3), np.log(500e3), n_events))
    eta = rng.uniform(-1.35, 1.35, n_events)
    shares = rng.dirichlet([1, 20, 75, 2, 1e-3], n_events)
    visible = (energy - OFFSET) / (shares @ WEIGHTS) * (1 + resolution * rng.normal(size=n_events))
    return visible[:, None] * shares, energy, eta


def test_fit_finds_weights_and_offset_of_exact_clusters():
    cluster_energy, energy, eta = clusters(20_000)
    calibration = fit_calibration(cluster_energy, energy, eta)
    np.testing.assert_allclose(calibration.weights[:27, :4], [WEIGHTS[:4]] * 27, rtol=0.01)
    np.testing.assert_allclose(calibration.offset[:27], OFFSET, rtol=0.02)
    np.testing.assert_allclose(calibration.energy(cluster_energy, eta), energy, rtol=1e-3)


def test_fit_is_unbiased_within_four_sigma():
    cluster_energy, energy, eta = clusters(20_000, resolution=0.02)
    response = fit_calibration(cluster_energy, energy, eta).energy(cluster_energy, eta) / energy
    bins = (np.abs(eta) / 0.05).astype(int)
    for index in range(27):
        chosen = response[bins == index]
        assert abs(chosen.mean() - 1) < 4 * 0.02 / np.sqrt(chosen.size) + 0.02**2


def test_a_layer_without_energy_keeps_its_weight_of_one():
    cluster_energy, energy, eta = clusters(5_000, resolution=0.02)
    cluster_energy[:, 4] = 0
    calibration = fit_calibration(cluster_energy, energy, eta)
    np.testing.assert_allclose(calibration.weights[:, 4], 1, atol=1e-9)


def test_photons_of_one_energy_get_weights_and_no_offset():
    cluster_energy, _, eta = clusters(5_000, resolution=0.02)
    visible = cluster_energy @ WEIGHTS
    energy = np.full(5_000, 65e3)
    cluster_energy *= (
        energy / visible * (1 + 0.02 * np.random.default_rng(2).normal(size=5_000))
    )[:, None]
    calibration = fit_calibration(cluster_energy, energy, eta)
    np.testing.assert_array_equal(calibration.offset, 0)
    np.testing.assert_allclose(calibration.weights[:27, 1:3], [WEIGHTS[1:3]] * 27, rtol=0.05)


def test_bins_with_few_events_borrow_from_all_and_are_counted():
    cluster_energy, energy, eta = clusters(3_000, resolution=0.02)
    chosen = (np.abs(eta) > 0.2) & (np.abs(eta) < 0.4)
    arguments = cluster_energy[chosen], energy[chosen], eta[chosen]
    calibration = fit_calibration(*arguments, min_events=50)
    np.testing.assert_array_equal(np.flatnonzero(~calibration.borrowed), [4, 5, 6, 7])
    assert calibration.n_borrowed == 24
    assert np.ptp(calibration.weights[calibration.borrowed], axis=0).max() == 0
    assert f"{chosen.sum()} events, 24 bins borrowed" in repr(calibration)


def test_clusters_without_energy_get_zero_and_are_left_out_of_the_fit():
    cluster_energy, energy, eta = clusters(2_000)
    with_empty = np.concatenate([cluster_energy, np.zeros((3, 5))])
    calibration = fit_calibration(
        with_empty, np.append(energy, [1e3] * 3), np.append(eta, np.zeros(3))
    )
    assert calibration == fit_calibration(cluster_energy, energy, eta)
    np.testing.assert_array_equal(calibration.energy(np.zeros((1, 5)), np.zeros(1)), [0])


def test_both_signs_of_eta_and_clusters_beyond_the_last_edge():
    calibration = fit_calibration(*clusters(20_000, resolution=0.02))
    cluster_energy = np.tile([100.0, 1e4, 5e4, 500.0, 10.0], (4, 1))
    energies = calibration.energy(cluster_energy, np.array([0.62, -0.62, 1.39, 2.0]))
    assert energies[0] == energies[1]
    assert energies[2] == energies[3]


def test_arrays_round_trip():
    calibration = fit_calibration(*clusters(2_000))
    arrays = calibration.to_arrays()
    assert Calibration.from_arrays(arrays) == calibration
    assert Calibration.from_arrays({k: v.tolist() for k, v in arrays.items()}) == calibration
    assert calibration != fit_calibration(*clusters(1_000))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offset": None}, "`offset` is missing"),
        ({"weights": np.full((28, 4), np.inf)}, "finite numbers in `weights`"),
        ({"offset": np.full(28, np.nan)}, "finite numbers in `offset`"),
        ({"eta_edges": np.linspace(1, 0, 29)}, "`eta_edges` must rise from 0"),
    ],
)
def test_wrong_arrays_are_refused(change, message):
    arrays = fit_calibration(*clusters(500)).to_arrays() | change
    arrays = {name: values for name, values in arrays.items() if values is not None}
    with pytest.raises(ValueError, match=message):
        Calibration.from_arrays(arrays)


def test_clusters_of_other_layers_are_refused():
    calibration = fit_calibration(*clusters(500))
    with pytest.raises(ValueError, match="expected clusters of 5 layers, got 3"):
        calibration.energy(np.ones((2, 3)), np.zeros(2))


def test_a_fit_needs_events_with_energy():
    with pytest.raises(ValueError, match="at least one event with energy"):
        fit_calibration(np.zeros((2, 5)), np.ones(2), np.zeros(2))
    with pytest.raises(ValueError, match="photon energies above 0"):
        fit_calibration(np.ones((2, 5)), np.zeros(2), np.zeros(2))


def test_a_bin_with_just_enough_events_has_weights_of_its_own():
    cluster_energy, energy, _ = clusters(200, resolution=0.02)
    eta = np.repeat([0.07, 0.12], 100)
    cluster_energy[:100, 2] *= 1.1
    calibration = fit_calibration(cluster_energy, energy, eta, min_events=100)
    np.testing.assert_array_equal(np.flatnonzero(~calibration.borrowed), [1, 2])
    assert np.abs(calibration.weights[1] - calibration.weights[2]).max() > 0.01


def test_a_cluster_on_a_border_belongs_to_the_bin_above():
    calibration = fit_calibration(*clusters(500))
    edge = float(calibration.eta_edges[5])
    offset = np.zeros(28)
    offset[5] = 7.0
    moved = Calibration(**calibration.to_arrays() | {"offset": offset})
    energies = moved.energy(np.full((2, 5), 1e-9), np.array([edge, np.nextafter(edge, 0.0)]))
    np.testing.assert_allclose(energies, [7.0, 0.0], atol=1e-6)


def test_the_offset_needs_energies_that_span_a_factor_of_four():
    for span, fitted in ((3.0, False), (6.0, True)):
        cluster_energy, energy, eta = clusters(5_000)
        low = 20e3
        chosen = (energy > low) & (energy < span * low)
        calibration = fit_calibration(cluster_energy[chosen], energy[chosen], eta[chosen])
        assert np.any(calibration.offset != 0.0) == fitted


def test_a_layer_without_energy_in_a_bin_has_the_weight_of_all_events():
    cluster_energy, energy, eta = clusters(20_000)
    cluster_energy[np.abs(eta) < 0.05, 0] = 0.0
    weights = fit_calibration(cluster_energy, energy, eta).weights[:, 0]
    np.testing.assert_allclose(weights[0], WEIGHTS[0], rtol=0.05)
