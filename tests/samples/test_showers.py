import numpy as np
import pytest

from calovox.samples.batch import ShowerBatch
from calovox.samples.regions import CENTRAL
from calovox.samples.showers import AverageShower, choose_event, shower_image, sum_showers
from calovox.voxelization import VoxelGrid, hits_to_voxels, shower_centers


def test_average_shower_integrates_to_its_mean_energy(region_hits):
    voxels = hits_to_voxels(region_hits, VoxelGrid.optimal())
    batch = ShowerBatch(voxels.energy, voxels.incident_energy, voxels.eta_center)
    energy, n_events = sum_showers(batch, CENTRAL)
    shower = AverageShower(CENTRAL, voxels.grid, energy / n_events, n_events)
    grid = voxels.grid
    area = (grid.r_max**2 - grid.r_min**2) * (grid.alpha_max - grid.alpha_min) / 2
    expected = 65e3 * voxels.energy.sum(axis=1, dtype=np.float64).mean()
    assert n_events == len(voxels)
    assert np.sum(shower.density * area) == pytest.approx(expected, rel=1e-6)


def test_image_holds_the_energy_near_the_centre(region_hits):
    image = shower_image(region_hits, 3, 1)
    shower = region_hits[3:4]
    eta_center, phi_center = (float(values[0]) for values in shower_centers(shower))
    in_layer = shower.layer == 1
    x = np.abs(shower.eta - eta_center) * image.r_center
    y = np.abs(shower.phi - phi_center) * image.r_center
    near = in_layer & (x < image.edges[-1]) & (y < image.edges[-1])
    assert image.pixels.sum() == pytest.approx(shower.energy[near].sum(), rel=1e-5)


@pytest.mark.parametrize("negative", [False, True])
def test_image_in_eta_is_where_the_hits_are(region_hits, negative):
    event = int(np.flatnonzero((region_hits.photons.eta < 0) == negative)[0])
    image = shower_image(region_hits, event, 1)
    shower = region_hits[event : event + 1]
    eta_range, phi_range = np.sort(image.eta_edges[[0, -1]]), image.phi_edges[[0, -1]]
    rows = shower.layer == 1
    rows &= (shower.eta > eta_range[0]) & (shower.eta < eta_range[1])
    rows &= (shower.phi > phi_range[0]) & (shower.phi < phi_range[1])
    half_pixel = 0.5 / image.r_center
    for edges, hits, axis in ((image.eta_edges, shower.eta, 1), (image.phi_edges, shower.phi, 0)):
        centers = 0.5 * (edges[1:] + edges[:-1])
        mean = np.average(centers, weights=image.pixels.sum(axis=axis))
        expected = np.average(hits[rows], weights=shower.energy[rows])
        assert mean == pytest.approx(expected, abs=half_pixel)


def test_event_closest_to_the_energy_is_chosen(region_hits):
    event = choose_event(region_hits)
    distance = np.abs(np.log(region_hits.photons.energy / 65e3))
    assert distance[event] == distance.min()
