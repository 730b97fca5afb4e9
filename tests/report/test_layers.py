from dataclasses import replace

import numpy as np
import pytest

from calovox.report.layers import layer_fractions
from calovox.samples.regions import CENTRAL
from calovox.samples.sample import reconstruct
from calovox.samples.source import open_sample


@pytest.fixture(scope="module")
def sample(datasets):
    return reconstruct(open_sample([datasets["reference"]]), "Geant4")


def test_layer_fractions_sum_to_one(sample):
    found = layer_fractions(sample, CENTRAL)
    assert (found.label, found.n_events) == ("Geant4", len(sample))
    assert found.mean.sum() == pytest.approx(1.0)
    assert found.as_expected[1]


def test_fractions_of_too_few_events_are_not_known(sample):
    moved = replace(sample, energy=1e3 * sample.energy)
    found = layer_fractions(moved, CENTRAL)
    assert found.n_events == 0
    assert np.all(np.isnan(found.mean))
    assert not any(found.as_expected)
