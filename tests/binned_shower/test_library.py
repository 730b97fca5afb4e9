from dataclasses import replace

import numpy as np
import pytest

from calovox.binned_shower import ShowerLibrary
from calovox.phi_modulation import PERIOD, phi_phase
from calovox.photons import Photons
from tests.binned_shower.showers import toy_voxels


def photons_near(voxels, rows, *, eta=0.0, energy=1.0, cells=0):
    """Photons at the centres of some showers, a whole number of cells away in phi."""
    phi = np.clip(voxels.phi_center[rows], -3, 3) + cells * PERIOD
    return Photons(
        energy=voxels.incident_energy[rows] * energy,
        eta=voxels.eta_center[rows] + eta,
        phi=phi,
        index=np.arange(len(rows)) + 1000,
    )


@pytest.fixture(scope="module")
def voxels():
    many = toy_voxels(300)
    return replace(many, phi_center=np.clip(many.phi_center, -3, 3))


def test_perfect_matching_returns_the_same_showers(voxels):
    library = ShowerLibrary(voxels)
    found = library.match_perfect(np.array([250, 101, 250]))
    rows = np.array([150, 1, 150])
    np.testing.assert_array_equal(found.energy, voxels.energy[rows])
    np.testing.assert_array_equal(found.eta_center, voxels.eta_center[rows])
    np.testing.assert_array_equal(found.photon_eta, voxels.photon_eta[rows])
    np.testing.assert_array_equal(found.incident_energy, voxels.incident_energy[rows])


def test_perfect_matching_names_a_missing_event(voxels):
    with pytest.raises(KeyError, match="no shower of event 7"):
        ShowerLibrary(voxels).match_perfect(np.array([101, 7]))
    with pytest.raises(ValueError, match="needs showers with an `index`"):
        ShowerLibrary(replace(voxels, index=None)).match_perfect(np.array([1]))


@pytest.mark.parametrize("cells", [0, 5])
def test_nearest_matching_finds_the_shower_at_the_photon(voxels, cells):
    rows = np.array([3, 17, 255])
    found = ShowerLibrary(voxels).match_nearest(photons_near(voxels, rows, cells=cells))
    np.testing.assert_array_equal(found.energy, voxels.energy[rows])


def test_nearest_matching_is_that_of_a_search_through_all(voxels):
    rng = np.random.default_rng(8)
    photons = Photons(
        20e3 * 2 ** rng.uniform(-1, 1, 40),
        rng.uniform(-1.3, 1.3, 40),
        rng.uniform(-3, 3, 40),
        np.arange(40),
    )
    found = ShowerLibrary(voxels).match_nearest(photons)
    phases = np.subtract.outer(phi_phase(photons.phi), phi_phase(voxels.phi_center)) / PERIOD
    distance = (
        (np.subtract.outer(np.abs(photons.eta), np.abs(voxels.eta_center)) / 0.05) ** 2
        + np.subtract.outer(np.log2(photons.energy), np.log2(voxels.incident_energy)) ** 2
        + np.minimum(np.abs(phases), 1 - np.abs(phases)) ** 2
    )
    rows = np.argmin(distance, axis=1)
    np.testing.assert_array_equal(found.energy, voxels.energy[rows])


def test_matched_showers_move_to_their_photons(voxels):
    photons = photons_near(voxels, np.arange(20), eta=0.01, energy=1.1, cells=2)
    library = ShowerLibrary(voxels)
    for found in (library.match_nearest(photons), library.match_random(photons, seed=2)):
        np.testing.assert_array_equal(found.eta_center, photons.eta)
        np.testing.assert_array_equal(found.phi_center, photons.phi)
        np.testing.assert_array_equal(found.incident_energy, photons.energy)
        np.testing.assert_array_equal(found.index, photons.index)


def test_matching_without_the_cell_needs_no_phi(voxels):
    library = ShowerLibrary(replace(voxels, phi_center=None))
    rows = np.array([3, 17, 255])
    found = library.match_nearest(photons_near(voxels, rows), in_cell=False)
    np.testing.assert_array_equal(found.energy, voxels.energy[rows])
    with pytest.raises(ValueError, match="positions in their cells are not known"):
        library.match_nearest(photons_near(voxels, rows))


def test_mirrored_photons_get_the_same_showers(voxels):
    photons = photons_near(voxels, np.arange(30), eta=0.004)
    mirrored = replace(photons, eta=-photons.eta)
    library = ShowerLibrary(voxels)
    found, other = library.match_nearest(photons), library.match_nearest(mirrored)
    np.testing.assert_array_equal(found.energy, other.energy)


def test_random_matching_depends_on_seed_and_index_alone(voxels):
    photons = photons_near(voxels, np.arange(200))
    library = ShowerLibrary(voxels)
    whole = library.match_random(photons, seed=5)
    part = library.match_random(photons[150:], seed=5)
    np.testing.assert_array_equal(whole.energy[150:], part.energy)
    other = library.match_random(photons, seed=6)
    assert np.mean(np.all(other.energy == whole.energy, axis=1)) < 0.1


def test_random_matching_takes_every_shower(voxels):
    few = ShowerLibrary(voxels[0:4])
    found = few.match_random(photons_near(voxels, np.arange(300)), seed=5)
    matches = np.all(found.energy[:, None] == voxels.energy[None, :4], axis=2)
    counts = matches.sum(axis=0)
    assert counts.sum() == 300
    assert np.all(np.abs(counts - 75) < 5 * np.sqrt(75))


def test_bad_libraries_are_refused(voxels):
    with pytest.raises(ValueError, match="at least one shower"):
        ShowerLibrary(voxels[0:0])
    with pytest.raises(ValueError, match="`phi_mod` must have 300 values"):
        ShowerLibrary(voxels, phi_mod=np.full(300, 1.01 * PERIOD))


def test_perfect_matching_finds_events_in_a_library_of_any_order(voxels):
    rows = np.random.default_rng(1).permutation(len(voxels))
    found = ShowerLibrary(voxels[rows]).match_perfect(np.array([250, 101]))
    np.testing.assert_array_equal(found.energy, voxels.energy[[150, 1]])


def test_displaced_showers_lie_all_around_the_beam(voxels):
    found = ShowerLibrary(voxels[:3]).match_displaced(200, seed=1)
    np.testing.assert_array_equal(found.energy[:6], voxels.energy[[0, 1, 2, 0, 1, 2]])
    assert found.phi_center is not None
    counts, _ = np.histogram(found.phi_center, bins=4, range=(-np.pi, np.pi))
    assert counts.sum() == 200
    assert counts.min() > 25
