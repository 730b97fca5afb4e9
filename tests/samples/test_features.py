import numpy as np
import pytest

from calovox.samples.features import FeatureExtractor
from calovox.samples.layout import VoxelLayout
from calovox.voxelization import VoxelGrid

LAYOUT = VoxelLayout.from_grid(VoxelGrid.optimal())
EXTRACTOR = FeatureExtractor(LAYOUT)


def shower(seed=1, n_events=20):
    rng = np.random.default_rng(seed)
    energy = rng.exponential(size=(n_events, LAYOUT.n_voxels)) * (
        rng.random((n_events, LAYOUT.n_voxels)) < 0.4
    )
    return (energy / energy.sum(axis=1, keepdims=True)).astype(np.float32)


def features_of(fraction):
    return dict(zip(EXTRACTOR.names, EXTRACTOR(fraction).T, strict=True))


def test_features_are_those_of_their_definition():
    fraction = shower()
    found = features_of(fraction)
    part = LAYOUT.layer_slice(2)
    energy = fraction[:, part].astype(float)
    x = LAYOUT.r[part] * np.cos(LAYOUT.alpha[part])
    for event, of_event in enumerate(energy):
        mean = np.average(x, weights=of_event)
        assert found["center_eta_2"][event] == pytest.approx(mean)
        width = np.sqrt(np.average((x - mean) ** 2, weights=of_event))
        assert found["width_eta_2"][event] == pytest.approx(width)
        assert found["center_r_2"][event] == pytest.approx(
            np.average(LAYOUT.r[part], weights=of_event)
        )
        assert found["sparsity_2"][event] == np.mean(of_event == 0)


def test_layer_energies_add_up():
    found = features_of(shower())
    total = sum(found[f"e_layer_{layer}"] for layer in LAYOUT.layers)
    np.testing.assert_allclose(found["e_tot"], total)
    np.testing.assert_allclose(found["e_tot"], 1.0, rtol=1e-5)


def test_a_reflection_in_phi_changes_one_sign():
    fraction = shower()
    before, after = features_of(fraction), features_of(fraction[:, LAYOUT.mirror])
    for name, values in before.items():
        sign = -1.0 if name.startswith("center_phi") else 1.0
        np.testing.assert_allclose(after[name], sign * values, rtol=1e-6, atol=1e-5, err_msg=name)


def test_a_layer_without_energy_has_no_centre_and_no_width():
    fraction = shower()
    fraction[:, LAYOUT.layer_slice(1)] = 0.0
    found = features_of(fraction)
    for name in ("center_r_1", "width_r_1", "center_eta_1", "width_phi_1", "e_layer_1"):
        np.testing.assert_array_equal(found[name], 0.0)
    np.testing.assert_array_equal(found["sparsity_1"], 1.0)
