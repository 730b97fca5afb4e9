import hashlib
import subprocess
import sys

import numpy as np
import pytest

from calovox.geant4 import Geant4Settings, simulate_hits
from calovox.geant4.engine import Geant4DataError, ShowerEngine, random_positions
from calovox.photons import Fixed, Photons, draw_photons, parse_etas


def fingerprints(deposits):
    """Give a checksum of every event's deposits, to the last bit."""
    result = []
    for event in range(len(deposits)):
        rows = slice(*deposits.event_offsets[event : event + 2])
        digest = hashlib.sha256()
        for name in ("start", "end", "energy"):
            digest.update(getattr(deposits, name)[rows].tobytes())
        result.append(digest.hexdigest())
    return result


def test_events_do_not_depend_on_the_batch_or_the_order(engine, photons):
    together = fingerprints(engine.run(photons, seed=3))
    order = np.array([4, 1, 5, 0, 3, 2])
    shuffled = fingerprints(engine.run(photons[order], seed=3))
    assert shuffled == [together[event] for event in order]
    alone = [fingerprints(engine.run(photons[i : i + 1], seed=3))[0] for i in range(len(photons))]
    assert alone == together


def test_events_depend_on_seed_and_index(engine, photons):
    first = fingerprints(engine.run(photons, seed=3))
    assert not set(first) & set(fingerprints(engine.run(photons, seed=4)))
    twins = photons[np.zeros(2, dtype=np.int64)]
    assert fingerprints(engine.run(twins, seed=3)) == [first[0]] * 2


def test_random_positions_differ_between_events_and_seeds():
    positions = np.concatenate([random_positions(seed, np.arange(100)) for seed in (1, 2)])
    assert len(np.unique(positions[:, 0])) == len(np.unique(positions[:, 1])) == 200


def test_deposits_lie_between_entrance_and_tile(engine, photons):
    deposits = engine.run(photons, seed=1)
    r = np.hypot(*deposits.start[:, :2].T)
    assert np.all((r > 1400.0) & (r < 2601.0))
    assert np.all(deposits.energy > 0)


def test_hits_of_opposite_eta_are_mirror_images(engine, photons):
    settings = Geant4Settings(seed=1)
    chosen = photons[np.flatnonzero(photons.eta)]
    opposite = Photons(chosen.energy, -chosen.eta, chosen.phi, chosen.index)
    hits, image = (simulate_hits(engine, some, settings) for some in (chosen, opposite))
    for there, here in ((hits, image), (image, hits)):
        np.testing.assert_allclose(centers(there), -centers(here), rtol=1e-5)
    np.testing.assert_allclose(hits.energy.sum(), image.energy.sum(), rtol=1e-5)


def centers(hits):
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    return np.bincount(event, hits.energy * hits.eta) / np.bincount(event, hits.energy)


def test_missing_data_is_one_line_that_says_how_to_get_it(geant4_data, tmp_path):
    code = "from calovox.geant4 import ShowerEngine\nShowerEngine()"
    environment = {"HOME": str(tmp_path), "GEANT4_DATA_DIR": str(tmp_path), "PATH": ""}
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    last = result.stderr.strip().splitlines()[-1]
    assert Geant4DataError.__name__ in last
    assert "python -m calzone download" in last
    assert "GEANT4_DATA_DIR" in last


def test_missing_calzone_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "calzone", None)
    with pytest.raises(Geant4DataError, match="pip install"):
        ShowerEngine()


def test_no_photon_is_lost_to_a_nucleus(engine):
    """With photonuclear reactions, this photon left 6 % of what an ordinary one leaves."""
    photon = draw_photons(
        np.array([95]), energy=Fixed(65e3), eta=parse_etas("abs:0.2:0.25"), seed=901
    )
    assert engine.run(photon, seed=901).energy.sum() / 65e3 > 0.2
