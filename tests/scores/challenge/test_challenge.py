"""The challenge's features and estimators: definition, order, and what they see."""

import numpy as np
import pytest

from calovox.samples.layout import VoxelLayout
from calovox.scores.challenge import (
    CUTS,
    FEATURES_2022,
    challenge_features,
    frechet_physics_distance,
    kernel_physics_distance,
    total_energy_chi2,
)

# two layers: one without angles, one with three rings of four angles, as in a binning file
POSITIONS = VoxelLayout(
    "photon",
    (0, 1),
    np.array([0, 2, 14]),
    np.concatenate([[10.0, 30.0], np.tile([5.0, 15.0, 40.0], 4)]),
    np.concatenate([np.zeros(2), np.repeat(-np.pi + np.pi / 2 * (np.arange(4) + 0.5), 3)]),
    np.arange(14),
)
DRAWS = {"smallest": 300, "largest": 800}


def showers(seed, n_events=800):
    rng = np.random.default_rng(seed)
    incident = 10.0 ** rng.uniform(3, 4, n_events)
    shares = rng.gamma(0.4 + 40.0 / POSITIONS.r, size=(n_events, 14))
    return incident, incident[:, None] * shares / shares.sum(axis=1, keepdims=True)


def smeared(seed):
    """Every voxel smeared by 25 %, one in twenty lost."""
    incident, energy = showers(seed)
    rng = np.random.default_rng((1, seed))
    factors = rng.normal(1.0, 0.25, energy.shape).clip(0.0) * (rng.random(energy.shape) > 0.05)
    spoilt = energy * factors
    return incident, spoilt * energy.sum(1, keepdims=True) / spoilt.sum(1, keepdims=True)


def features(showers, **options):
    incident, energy = showers
    return challenge_features(energy, incident, POSITIONS, cut=CUTS["1-photons"], **options)


def slow_features(incident, energy):
    """One shower, one voxel at a time, in the order of the challenge's script."""
    kept = [float(e) if e >= 1.0 else 0.0 for e in energy]
    layers = [(range(0, 2), False), (range(2, 14), True)]

    def centre_and_width(part, axis):
        total = sum(kept[v] for v in part)
        mean = sum(kept[v] * axis[v] for v in part) / total
        square = sum(kept[v] * (axis[v] - mean) ** 2 for v in part) / total
        return mean / 100.0, np.sqrt(square) / 100.0

    x, y = POSITIONS.r * np.cos(POSITIONS.alpha), POSITIONS.r * np.sin(POSITIONS.alpha)
    eta, phi = (centre_and_width(layers[1][0], axis) for axis in (x, y))
    r = [centre_and_width(part, POSITIONS.r) for part, _ in layers]
    return [
        np.log10(incident),
        *(np.log10(sum(kept[v] for v in part) + 1e-8) for part, _ in layers),
        *(eta[0], phi[0], eta[1], phi[1]),
        np.log10(sum(kept) + 1e-8),
        *(np.mean([kept[v] == 0 for v in part]) for part, _ in layers),
        *(mean for mean, _ in r),
        *(width for _, width in r),
    ]


def test_features_are_those_of_the_slow_twin():
    incident, energy = showers(1, n_events=5)
    found = features((incident, energy))
    expected = [slow_features(*event) for event in zip(incident, energy, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_the_first_list_is_the_beginning_of_the_second():
    both = features(showers(1)), features(showers(1), version=FEATURES_2022)
    np.testing.assert_array_equal(both[0][:, :7], both[1])


def test_other_voxels_are_refused():
    with pytest.raises(ValueError, match="energy: expected 14 voxels"):
        challenge_features(np.zeros((1, 3)), np.ones(1), POSITIONS, cut=1.0)


def test_smeared_and_lost_voxels_are_seen_by_the_second_list_alone():
    reference, same, spoilt = showers(1), showers(2), smeared(2)
    old, new = (
        [
            frechet_physics_distance(
                features(reference, version=version), features(other, version=version), **DRAWS
            ).value
            for other in (same, spoilt)
        ]
        for version in ("calochallenge-2022", "calochallenge-2024")
    )
    assert new[1] > 3.0 * new[0]
    assert new[1] - new[0] > 2.0 * (old[1] - old[0])


def test_kpd_of_one_law_is_nothing_and_of_others_is_something():
    reference = features(showers(1))
    same = kernel_physics_distance(reference, features(showers(2)), size=400)
    other = kernel_physics_distance(reference, features(smeared(2)), size=400)
    assert abs(same.value) < 3.0 * same.error
    assert other.value > same.value


def test_draws_must_grow():
    with pytest.raises(ValueError, match="smallest: expected 2 or more"):
        frechet_physics_distance(np.zeros((9, 2)), np.zeros((9, 2)), smallest=9, largest=9)


def test_chi2_is_0_for_equal_histograms_and_1_without_overlap():
    ratio = np.random.default_rng(1).normal(0.9, 0.02, 1000)
    assert total_energy_chi2(ratio, ratio) == 0.0
    assert total_energy_chi2(ratio, ratio + 0.3) == pytest.approx(1.0)
    assert total_energy_chi2(ratio, np.full(10, 3.0)) is None


def test_chi2_is_that_of_the_shares_inside_the_range():
    """One of two showers in the same bin: 0.5 (0.5^2 / 0.5 + 0.5^2 / 0.5) = 0.5."""
    assert total_energy_chi2(np.array([0.805, 0.905, 2.0]), np.array([0.905, 0.955])) == 0.5


def test_estimates_are_those_of_draws_held_at_once(monkeypatch):
    """Moments are added up block by block: neither blocks nor single precision matter."""
    pair = features(showers(1)), features(smeared(2))
    whole = frechet_physics_distance(*pair, **DRAWS).value
    monkeypatch.setattr("calovox.scores.challenge.estimators._BLOCK", 37)
    assert frechet_physics_distance(*pair, **DRAWS).value == pytest.approx(whole, rel=1e-9)
    single = [part.astype(np.float32) for part in pair]
    assert frechet_physics_distance(*single, **DRAWS).value == pytest.approx(whole, rel=1e-3)
