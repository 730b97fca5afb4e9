"""Showers about the impacts of their photons."""

from dataclasses import replace

import numpy as np
import pytest

from calovox.models.centers import fit_centers
from calovox.models.centers.model import RADIUS
from calovox.simulation.centers import draw_centers
from calovox.training.fits.centers import center_offsets
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.models.centers.test_centers import toy_centers
from tests.toy_showers import toy_showers

VOXELS = hits_to_voxels(toy_showers(12, n_hits=200), VoxelGrid.optimal(), center="photon")


@pytest.fixture(scope="module")
def model():
    showers, offsets, _ = toy_centers(3000)
    return fit_centers(showers, offsets)


def test_centres_depend_on_seed_and_event_alone(model):
    (whole,) = draw_centers([VOXELS], model, seed=1)
    halves = list(draw_centers([VOXELS[:5], VOXELS[5:]], model, seed=1))
    assert np.array_equal(whole.phi_center, np.concatenate([h.phi_center for h in halves]))
    (other,) = draw_centers([VOXELS], model, seed=2)
    assert not np.any(other.eta_center == whole.eta_center)
    assert np.array_equal(whole.energy, VOXELS.energy)
    assert np.array_equal(whole.photon_eta, VOXELS.photon_eta)


def test_offsets_are_mirrored_with_eta_and_stay_in_range(model):
    mirrored = replace(VOXELS, photon_eta=-VOXELS.photon_eta, eta_center=-VOXELS.eta_center)
    (one,), (other,) = (list(draw_centers([v], model, seed=1)) for v in (VOXELS, mirrored))
    assert one.eta_center == pytest.approx(-other.eta_center)
    assert center_offsets(one) == pytest.approx(center_offsets(other), abs=1e-6)
    assert np.all((one.phi_center >= -np.pi) & (one.phi_center < np.pi))
    assert np.abs(center_offsets(one)).max() < 0.1 * RADIUS


def test_photons_must_be_known(model):
    with pytest.raises(ValueError, match="expected the photons' directions"):
        list(draw_centers([replace(VOXELS, photon_phi=None)], model, seed=1))
