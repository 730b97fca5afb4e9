import numpy as np
import pytest

from calovox.geometry import to_eta_phi
from calovox.geometry.barrel import atlas_barrel, layer_radius
from calovox.hits import Hits
from calovox.patterns import PatternMaker
from calovox.patterns.merging import Merging
from calovox.patterns.tables import pattern_tables
from calovox.photons import Photons
from calovox.voxelization import hits_to_voxels
from tests.patterns.showers import DONORS, GRID, toy_library


def points(x, y, energy, *, layer=2, n_events=1):
    """Showers of the same deposits at points of one layer, around a photon at (0.2, 0.1)."""
    eta, phi = to_eta_phi(
        np.hypot(x, y), np.arctan2(y, x), 0.2, 0.1, float(layer_radius(layer, 0.2))
    )
    one = np.ones(n_events)
    tiled = [np.tile(column, n_events).astype(np.float32) for column in (eta, phi, energy)]
    return Hits(
        layer=np.full(len(tiled[0]), layer, dtype=np.uint8),
        eta=tiled[0],
        phi=tiled[1],
        r=np.full(len(tiled[0]), 1700, dtype=np.float32),
        energy=tiled[2],
        event_offsets=len(energy) * np.arange(n_events + 1),
        photons=Photons(1e3 * one, 0.2 * one, 0.1 * one, np.arange(n_events)),
    )


def library_of(hits, **options):
    maker = PatternMaker(GRID, center="photon", **options)
    maker.add(hits)
    return maker.library()


def test_every_voxel_with_energy_gives_a_pattern():
    library = toy_library()
    voxels = hits_to_voxels(DONORS, GRID)
    for counts, part in zip(library.counts[0], np.split(voxels.energy, 2), strict=True):
        filled = np.count_nonzero(part > 0, axis=0)
        assert np.array_equal(counts, np.bincount(library.bins.of_voxel, filled))
    assert library.energies.tolist() == [2.0**15, 2.0**16]
    assert library.n_showers.tolist() == [[20, 20]]


def test_patterns_have_the_energies_of_their_voxels():
    library = toy_library()
    voxels = hits_to_voxels(DONORS, GRID)
    energy = voxels.energy * voxels.incident_energy[:, None]
    assert np.sort(library.energy) == pytest.approx(np.sort(energy[energy > 0]), rel=1e-5)


def test_deposits_of_a_bin_are_one_at_their_mean():
    # squares have 10 mm, a tenth of the voxel's inner radius; places are rounded to half of that
    library = library_of(points([107.0, 109.0, 112.0], [11.0, 13.0, 12.0], [3.0, 1.0, 4.0]))
    assert library.n_deposits.tolist() == [2]
    assert library.share.tolist() == [16, 16]
    voxel = pattern_tables(library).voxels[
        GRID.find(np.array([2]), np.array([109.0]), np.zeros(1))
    ]
    r = voxel["r"] + library.r * voxel["d_r"]
    assert np.sort(r) == pytest.approx(np.hypot([107.5, 112.0], [11.5, 12.0]), abs=2.5)


def test_squares_are_no_wider_than_half_a_cell():
    sides = Merging(least_side=15.0).sides(GRID, atlas_barrel())
    for number, both in atlas_barrel().cell_sides(GRID.numbers).items():
        assert np.all(sides[GRID.layer == number] <= 0.5 * min(both)), number
    far = (GRID.r_max >= 80.0) & (GRID.r_max <= 300.0)
    assert sides[far & (GRID.layer == 1)] == pytest.approx(2.4, abs=0.1)
    assert np.all(sides[far & (GRID.layer == 2) & (GRID.r_max <= 100.0)] == 15.0)
    assert np.all(sides[far & (GRID.layer == 12)] > 15.0)


def test_squares_are_smaller_near_the_axis():
    sides = Merging(of_radius=(0.1, 0.15)).sides(GRID, atlas_barrel())
    near = GRID.r_max <= 12.0
    assert sides[near] == pytest.approx(0.15 * GRID.r_max[near])


def test_patterns_of_a_radial_bin_are_the_same_all_around():
    ahead, behind = (library_of(points([sign * 150.0], [sign * 40.0], [3.0])) for sign in (1, -1))
    for name in ("counts", "r", "alpha", "energy"):
        assert np.array_equal(getattr(ahead, name), getattr(behind, name)), name


def test_patterns_beyond_a_number_are_left_out_evenly():
    hits = points(np.array([150.0]), np.array([40.0]), np.array([1.0]), n_events=100)
    hits.energy[:] = 1.0 + np.arange(100)
    library = library_of(hits, most=10)
    assert library.counts.sum() == 10
    assert library.energy == pytest.approx(6.0 + 10 * np.arange(10))


def test_hits_without_positive_energy_are_left_out():
    library = library_of(points([150.0, 160.0], [40.0, 40.0], [3.0, -1.0]))
    assert library.n_deposits.tolist() == [1]
    with pytest.raises(ValueError, match="expected showers with energy in voxels, got none"):
        library_of(points([150.0], [40.0], [0.0]))


@pytest.mark.parametrize(
    "options", [{"of_cell": (0.0, 0.5)}, {"least_side": 0.0}, {"of_radius": (0.3, 0.2)}]
)
def test_merging_needs_sensible_sizes(options):
    with pytest.raises(
        ValueError, match="`least_side`, and rising `of_cell` and `of_radius` above 0, got"
    ):
        Merging(**options)
