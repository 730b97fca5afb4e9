import numpy as np
import pytest
from scipy import stats

from calovox.random_streams import Stream, event_keys, event_normals, event_uniforms


def test_numbers_of_an_event_do_not_depend_on_its_batch():
    together = event_uniforms(event_keys(7, Stream.PHOTONS, np.arange(50)), 4)
    alone = event_uniforms(event_keys(7, Stream.PHOTONS, np.array([31])), 2)
    assert np.array_equal(alone[0], together[31, :2])


def test_seeds_streams_and_events_give_different_keys():
    keys = [
        event_keys(seed, stream, np.arange(1000)) for seed in range(5) for stream in list(Stream)
    ]
    assert len(np.unique(np.concatenate(keys))) == 1000 * 5 * len(Stream)


def test_first_number_of_many_events_is_uniform():
    numbers = event_uniforms(event_keys(1, Stream.GEANT4, np.arange(20_000)), 2)
    assert stats.kstest(numbers[:, 0], "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(numbers.T)[0, 1]) < 4 / np.sqrt(20_000)


def test_splitmix_matches_its_published_definition():
    key = event_keys(3, Stream.MATCHING, np.array([5]))
    state = (int(key[0]) + 0x9E3779B97F4A7C15) % 2**64
    mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % 2**64
    mixed ^= mixed >> 31
    assert event_uniforms(key, 1)[0, 0] == (mixed >> 11) * 2.0**-53


def test_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed: expected an integer from 0"):
        event_keys(-1, Stream.PHOTONS, np.arange(2))


def test_normals_of_an_event_depend_neither_on_its_batch_nor_on_their_number():
    together = event_normals(event_keys(7, Stream.MODEL, np.arange(50)), 7)
    alone = event_normals(event_keys(7, Stream.MODEL, np.array([31])), 4)
    assert np.array_equal(alone[0], together[31, :4])


def test_normals_are_standard_normal_and_independent():
    numbers = event_normals(event_keys(2, Stream.MODEL, np.arange(20_000)), 4)
    assert numbers.dtype == np.float32
    for draw in range(4):
        assert stats.kstest(numbers[:, draw], "norm").pvalue > 1e-3
    correlations = np.corrcoef(np.hstack([numbers, numbers**2]).T) - np.eye(8)
    assert np.abs(correlations).max() < 4 / np.sqrt(20_000)
