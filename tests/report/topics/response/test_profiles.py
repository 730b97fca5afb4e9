from dataclasses import replace

import numpy as np
import pytest

from calovox.report.topics.response.profiles import measure_response
from calovox.report.topics.response.ranges import BARREL_RANGES
from calovox.samples.sample import reconstruct
from calovox.samples.source import open_sample


@pytest.fixture(scope="module")
def sample(datasets):
    return reconstruct(open_sample([datasets["reference"]]), "Geant4")


def test_mean_response_is_the_visible_fraction(sample):
    response = measure_response(sample)
    assert response.profile.count.sum() == len(sample)
    filled = response.profile.count >= 5
    np.testing.assert_allclose(response.profile.mean[filled], 0.97, atol=0.005)


def test_low_energies_give_no_response(sample):
    assert measure_response(replace(sample, energy=sample.energy * 1e-3)) is None


def test_energies_are_an_argument(sample):
    low, high = 50e3, 88e3
    response = measure_response(sample, ranges=replace(BARREL_RANGES, energies=(low, high)))
    assert response.n_events == np.count_nonzero((sample.energy >= low) & (sample.energy <= high))


def test_every_event_is_in_the_map_or_counted_outside(sample):
    etas = sample.eta_center.copy()
    etas[:3], etas[3:5] = 1.4, -1.3
    layers = sample.shapes.layer_energy.copy()
    layers[10] *= 0.2
    layers[11:13] *= 5.0
    layers[20] = 0.0
    shapes = replace(sample.shapes, layer_energy=layers)
    response = measure_response(replace(sample, eta_center=etas, shapes=shapes))
    assert (response.n_beyond, response.n_sparse, response.n_invisible) == (3, 2, 1)
    assert (response.n_low, response.n_high) == (1, 2)
    assert response.n_events == len(sample) - 1
    assert response.counts.sum() == response.n_events - 3 - 1 - 2
