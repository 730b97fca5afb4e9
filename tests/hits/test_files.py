from dataclasses import replace

import numpy as np
import pytest

from calovox.hits import HitsWriter, concatenate_hits
from calovox.hits.files import HitsFiles
from calovox.photons import concatenate_photons
from tests.toy_showers import toy_showers


def write(path, hits, provenance=None):
    with HitsWriter(path, provenance=provenance or {}) as writer:
        writer.append(hits)
    return path


def test_several_files_are_read_as_one(tmp_path):
    hits = toy_showers(7, n_hits=30)
    paths = [write(tmp_path / "a.h5", hits[:4], {"a": 1}), write(tmp_path / "b.h5", hits[4:])]
    files = HitsFiles(paths)
    assert len(files) == 7
    assert files.provenance == [{"a": 1}, {}]
    read = concatenate_hits(list(files.batches("reading")))
    assert np.array_equal(read.photons.index, hits.photons.index)
    assert np.array_equal(read.energy, hits.energy.astype(np.float32))


def test_progress_is_told_with_title_and_total(tmp_path):
    told = []

    def track(batches, title, total):
        told.append((title, total))
        return iter(batches)

    files = HitsFiles([write(tmp_path / "a.h5", toy_showers(3, n_hits=30))])
    assert sum(len(batch) for batch in files.batches("reading", track)) == 3
    assert told == [("reading", 3)]


def test_events_that_would_share_their_random_numbers_are_refused(tmp_path):
    hits = toy_showers(3, n_hits=30)
    paths = [write(tmp_path / "a.h5", hits), write(tmp_path / "b.h5", hits[2:])]
    with pytest.raises(ValueError, match=r"a\.h5, .*b\.h5: event 2 occurs more than once"):
        HitsFiles(paths)


def test_files_without_showers_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected showers, got none"):
        HitsFiles([write(tmp_path / "a.h5", toy_showers(3, n_hits=30)[:0])])


def test_showers_without_weights_weigh_1_beside_others(tmp_path):
    parts = [toy_showers(4, n_hits=20), toy_showers(3, n_hits=20)]
    for number, (hits, extra) in enumerate(
        zip(parts, ({}, {"weight": np.full(3, 0.5)}), strict=True)
    ):
        index = hits.photons.index + 100 * number
        radius = np.full(len(hits), 1300.0)
        photons = replace(hits.photons, index=index, interaction_radius=radius, **extra)
        with HitsWriter(tmp_path / f"{number}.h5", provenance={}) as writer:
            writer.append(replace(hits, photons=photons))
    paths = [tmp_path / "0.h5", tmp_path / "1.h5"]
    with pytest.raises(ValueError, match=r"1\.h5: expected showers that count alike"):
        HitsFiles(paths)
    files = HitsFiles(paths, takes_weights=True)
    assert files.weighted
    photons = concatenate_photons([hits.photons for hits in files.batches("showers")])
    np.testing.assert_array_equal(photons.weight, [1.0] * 4 + [0.5] * 3)
    np.testing.assert_array_equal(photons.interaction_radius, np.full(7, 1300.0))
