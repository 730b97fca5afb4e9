"""Hits check themselves, and give parts of themselves."""

import dataclasses

import numpy as np
import pytest

from tests.toy_showers import toy_showers


@pytest.mark.parametrize("change", [(0, 1), (1, 10**6), (-1, 0)])
def test_offsets_must_rise_from_zero_to_the_number_of_hits(change):
    hits = toy_showers(3, n_hits=20)
    offsets = hits.event_offsets.copy()
    offsets[change[0]] = change[1]
    with pytest.raises(ValueError, match="`event_offsets` must rise from 0"):
        dataclasses.replace(hits, event_offsets=offsets)


def test_an_empty_slice_of_events_is_without_hits():
    hits = toy_showers(3, n_hits=20)
    assert (len(hits[2:1]), hits[2:1].n_hits) == (0, 0)
    np.testing.assert_array_equal(hits[1:2].photons.index, hits.photons.index[1:2])
