from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest

from calovox.samples.batch import ShowerBatch
from calovox.samples.layout import VoxelLayout
from calovox.samples.reading import ShowerRows
from calovox.scores.copying import CopyTest, match_training

N_VOXELS = 12
MIRROR = np.arange(N_VOXELS)[::-1].copy()


def showers(n_events, seed, spectrum=(8.0, 9.0)):
    """Independent showers whose shape depends on their energy."""
    rng = np.random.default_rng(seed)
    log_energy = rng.uniform(*spectrum, n_events)
    shape = np.exp(-np.arange(N_VOXELS) / log_energy[:, None]) * rng.gamma(
        2.0, size=(n_events, N_VOXELS)
    )
    return ShowerRows(shape.astype(np.float32), np.exp(log_energy), rng.uniform(0, 0.1, n_events))


def copies(training, n_events, seed, share=1.0):
    """Showers of which a share are training showers, half of those reflected, with some noise."""
    rng = np.random.default_rng(seed)
    fresh = showers(n_events, seed + 1)
    rows = rng.integers(0, len(training), n_events)
    original = np.where(
        rng.random((n_events, 1)) < 0.5,
        training.fraction[rows],
        training.fraction[rows][:, MIRROR],
    )
    noisy = original * rng.normal(1.0, 0.01, original.shape)
    copied = rng.random(n_events) < share
    fraction = np.where(copied[:, None], noisy, fresh.fraction).astype(np.float32)
    return ShowerRows(
        fraction, np.where(copied, training.energy[rows], fresh.energy), fresh.abs_eta
    )


class InMemory:
    """Showers as a source, read in batches of 300."""

    path, has_shapes = Path("training"), False
    layout = VoxelLayout(
        "line", (0,), np.array([0, N_VOXELS]), *np.zeros((2, N_VOXELS)), mirror=MIRROR
    )

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def incident_energy(self):
        return self.rows.energy

    def abs_eta(self):
        return self.rows.abs_eta

    def batches(self, size):
        for start in range(0, len(self), 300):
            part = self.rows[np.arange(start, min(start + 300, len(self)))]
            yield ShowerBatch(part.fraction, part.energy, part.abs_eta, None)


def make_test(training, seed=1, n_events=800):
    rng = np.random.default_rng(seed)
    return CopyTest.from_showers(showers(n_events, seed), InMemory(training), rng)


@pytest.mark.parametrize("spectrum", [(8.0, 9.0), (7.0, 9.5)])
def test_a_model_that_copies_its_training_set_is_caught(spectrum):
    training = showers(2000, 2, spectrum)
    test = make_test(training)
    found = test.measure(copies(training, 1000, 3))
    assert found["copying"].p_value < 1e-6
    assert found["training_distance"].p_value < 1e-6
    # copies of training showers outside the groups are not seen by the labels
    seen = (len(test.groups.points) - test.groups.n_groups) / len(training)
    assert found["copying"].value == pytest.approx(seen, abs=0.15)


def test_a_small_share_of_copies_is_caught_by_the_distances():
    training = showers(2000, 4)
    assert (
        make_test(training).measure(copies(training, 1000, 5, 0.15))["training_distance"].p_value
        < 1e-4
    )


def test_a_model_that_does_not_copy_has_uniform_p_values():
    p_values = {"copying": [], "training_distance": []}
    for seed in range(25):
        test = make_test(showers(900, 100 + seed), 200 + seed, 400)
        for name, entry in test.measure(showers(400, 300 + seed)).items():
            p_values[name].append(entry.p_value)
    for name, values in p_values.items():
        assert kstest(values, "uniform").pvalue > 1e-3, name


def test_a_wrong_model_is_not_taken_for_a_copy_by_the_labels():
    wrong = showers(1000, 6)
    smooth = ShowerRows((wrong.fraction**0.3).astype(np.float32), wrong.energy, wrong.abs_eta)
    assert make_test(showers(2000, 7)).measure(smooth)["copying"].p_value > 1e-3


def test_partners_have_nearly_the_same_energy_and_eta_and_are_not_used_twice():
    held_out, training = showers(300, 8).conditions, showers(900, 9, (7.0, 9.5)).conditions
    members = match_training(held_out, training)
    kept = members[:, 0] >= 0
    assert len(np.unique(members[kept])) == members[kept].size
    distance = np.abs(training[members[kept]] - held_out[kept][:, None])
    assert np.all(distance < [0.1, 0.05])


def test_a_training_set_of_other_energies_is_refused():
    with pytest.raises(ValueError, match="give the training set of the simulations"):
        make_test(showers(2000, 10, (3.0, 4.0)))
