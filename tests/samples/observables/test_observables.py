"""Observables of voxels and cells: definitions, symmetries, thresholds and noise."""

import numpy as np
import pytest

from calovox.geometry import barrel_cells
from calovox.geometry.cell_energies import CellEnergies
from calovox.photons import Photons
from calovox.reconstruction import cells_to_shapes, hits_to_cells
from calovox.samples.layout import VoxelLayout
from calovox.samples.observables import (
    ELECTRONIC_NOISE,
    WINDOWS,
    Observable,
    ObservableTable,
    add_noise,
    cells_to_observables,
    cells_to_window_cells,
    cut_cells,
    voxels_to_observables,
)
from calovox.samples.observables.strips import strip_observables
from calovox.voxelization import VoxelGrid
from calovox.voxelization.reflection import mirrored_voxels
from tests.reconstruction.hand_made import make_cells
from tests.reference import observables as slow
from tests.toy_observed import toy_cells
from tests.toy_showers import toy_photons, toy_showers

GRID = VoxelGrid.optimal()
POSITIONS = VoxelLayout.from_grid(GRID)
CELLS = barrel_cells()
ENERGY = np.full(6, 1e4)


def voxels(seed=1, n_events=6):
    rng = np.random.default_rng(seed)
    shape = (n_events, GRID.n_voxels)
    energy = (rng.exponential(2.0, size=shape) * (rng.random(shape) < 0.4)).astype(np.float32)
    energy[0, GRID.layer_slice(3)] = 0.0
    return energy


def observe(energy, **options):
    return voxels_to_observables(energy, np.full(len(energy), 1e4), POSITIONS, **options)


@pytest.fixture(scope="module")
def toys():
    photons = toy_photons(6, seed=3)
    return photons, hits_to_cells(toy_showers(6, photons=photons, seed=3), CELLS)


# -- voxels ----------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_voxel_observables_are_those_of_the_slow_twin(threshold):
    energy = voxels(n_events=3)
    found = observe(energy, threshold=threshold)
    for event in range(3):
        expected = slow.voxel_observables(energy[event], 1e4, GRID, threshold)
        for name in found.names:
            assert found[name][event] == pytest.approx(expected[name], rel=1e-6, abs=1e-6), name


def test_counts_below_the_threshold_are_left_out():
    assert "n_above_0.1mev_1" in observe(voxels()).names
    assert "n_above_0.1mev_1" not in observe(voxels(), threshold=1.0).names


def test_voxels_below_the_threshold_change_nothing():
    energy = voxels()
    low = np.where(energy == 0, np.float32(0.5), energy)
    np.testing.assert_array_equal(
        observe(energy, threshold=1.0).values, observe(low, threshold=1.0).values
    )


def test_a_mirror_in_phi_changes_the_sign_of_what_is_along_phi():
    energy = voxels()
    before, after = observe(energy), observe(energy[:, mirrored_voxels(GRID)])
    for name in before.names:
        odd = name.startswith(("center_phi", "asymmetry_phi", "move_phi"))
        sign = -1.0 if odd else 1.0
        np.testing.assert_allclose(after[name], sign * before[name], atol=1e-6, err_msg=name)


def test_a_rotation_by_a_quarter_exchanges_eta_and_phi():
    rings = VoxelLayout(
        "rings",
        (2,),
        np.array([0, 8]),
        np.repeat([5.0, 15.0], 4),
        np.tile(np.pi / 2 * (np.arange(4) + 0.5), 2),
        np.arange(8),
    )
    energy = np.random.default_rng(1).exponential(size=(5, 8))
    turned = energy[:, [3, 0, 1, 2, 7, 4, 5, 6]]
    before, after = (voxels_to_observables(e, np.ones(5), rings) for e in (energy, turned))
    np.testing.assert_allclose(after["center_phi_2"], before["center_eta_2"])
    np.testing.assert_allclose(after["width_phi_2"], before["width_eta_2"])
    np.testing.assert_allclose(after["center_eta_2"], -before["center_phi_2"])
    for name in ("roughness_2", "hottest_1_2", "center_r_2", "beyond_10mm_2"):
        np.testing.assert_allclose(after[name], before[name], err_msg=name)


def test_the_width_of_one_voxel_is_zero():
    energy = np.zeros((GRID.n_voxels, GRID.n_voxels), dtype=np.float32)
    np.fill_diagonal(energy, np.linspace(1.0, 7.0, GRID.n_voxels))
    found = observe(energy)
    for name in found.names:
        if name.startswith("width"):
            assert np.all(found[name] == 0.0), name


def test_an_empty_shower_has_zeros_and_no_voxel_filled():
    found = observe(np.zeros((1, GRID.n_voxels), dtype=np.float32))
    for name in found.names:
        assert found[name] == (1.0 if name.startswith("sparsity") else 0.0), name


@pytest.mark.parametrize(
    ("energy", "message"),
    [
        (np.zeros((1, 3), dtype=np.float32), "energy: expected 382 voxels"),
        (np.full((1, 382), -1.0, dtype=np.float32), "energy: expected values of 0 or more"),
        (np.full((1, 382), np.nan, dtype=np.float32), "energy: expected values of 0 or more"),
    ],
)
def test_wrong_voxels_are_refused(energy, message):
    with pytest.raises(ValueError, match=message):
        observe(energy)


# -- tables ----------------------------------------------------------------------------------


def test_columns_of_a_table_are_selected_by_name():
    names = Observable("a", "first", "mm"), Observable("b", "second")
    table = ObservableTable(names, np.ones((2, 2)))
    assert table.select(["b"]).names == ("b",)
    assert names[0].label == "first [mm]"
    with pytest.raises(ValueError, match="observable: expected one of a, b, got 'c'"):
        table.select(["c"])
    with pytest.raises(ValueError, match="expected each name once"):
        ObservableTable((names[0], names[0]), np.ones((2, 2)))
    with pytest.raises(ValueError, match="expected finite values, got nan of `a`"):
        ObservableTable(names[:1], np.full((1, 1), np.nan))


# -- cells in windows ------------------------------------------------------------------------


def test_windows_are_those_of_the_slow_twin(toys):
    _, cells = toys
    found = cells_to_window_cells(cells, CELLS)
    for event in (0, 1, 3):
        rows = slice(*cells.event_offsets[event : event + 2])
        energies = dict(zip(cells.cell[rows].tolist(), cells.energy[rows].tolist(), strict=True))
        for size in WINDOWS:
            expected = list(slow.window(energies, CELLS, size.layer).values())
            part = found.layer_slice(size.layer)
            np.testing.assert_allclose(found.energy[event, part], expected, rtol=1e-6)


def test_a_shower_without_energy_has_empty_windows():
    cells = CellEnergies(
        np.empty(0, np.int32), np.empty(0, np.float32), np.zeros(2, np.int64), np.zeros(1)
    )
    found = cells_to_window_cells(cells, CELLS)
    assert np.all(found.energy == 0.0)
    assert not found.exists.any()


def test_of_equally_hot_cells_the_first_in_the_table_is_the_middle():
    windows = cells_to_window_cells(
        make_cells(CELLS, {(2, 60, 5): 7.0, (2, 61, 5): 7.0, (2, 59, 5): 1.0}), CELLS
    )
    middle = windows.row[0, windows.layer_slice(2)][31]
    assert middle == CELLS.at(2, 60, 5)


def test_without_strips_their_window_lies_around_the_hottest_cell():
    windows = cells_to_window_cells(make_cells(CELLS, {(2, 60, 5): 7.0}), CELLS)
    middle = windows.row[0, windows.layer_slice(1)][73]
    hottest = CELLS.at(2, 60, 5)
    assert abs(CELLS.eta[middle] - CELLS.eta[hottest]) <= 0.5 * CELLS.d_eta[middle] + 1e-9


def test_a_cell_of_exactly_the_threshold_is_kept():
    windows = cells_to_window_cells(make_cells(CELLS, {(2, 60, 5): 7.0, (2, 61, 5): 1.0}), CELLS)
    assert np.count_nonzero(cut_cells(windows, 1.0).energy) == 2


def test_a_negative_cell_is_not_the_middle_of_windows():
    windows = cells_to_window_cells(make_cells(CELLS, {(2, 60, 5): -7.0}), CELLS)
    assert not windows.exists.any()


def test_the_windows_hold_what_the_ratios_need(toys):
    _, cells = toys
    whole = cells_to_shapes(cells, CELLS)
    windows = cells_to_shapes(cells_to_window_cells(cells, CELLS).to_cells(), CELLS)
    for name in ("r_eta", "r_phi", "r_eta_atlas", "r_phi_atlas"):
        np.testing.assert_allclose(getattr(windows, name), getattr(whole, name), rtol=1e-6)


def test_noise_depends_on_seed_and_event_alone(toys):
    _, cells = toys
    windows = cells_to_window_cells(cells, CELLS)
    index = np.arange(6) + 10
    noisy = add_noise(windows, index, seed=1)
    some = add_noise(cells_to_window_cells(cells[2:4], CELLS), index[2:4], seed=1)
    np.testing.assert_array_equal(noisy.energy[2:4], some.energy)
    assert np.any(add_noise(windows, index, seed=2).energy != noisy.energy)
    assert np.all(noisy.energy[~noisy.exists] == 0.0)


def test_noise_has_the_width_of_its_layer(toys):
    _, cells = toys
    windows = cells_to_window_cells(cells, CELLS)
    draws = [add_noise(windows, np.arange(6), seed=seed).energy for seed in range(40)]
    noise = np.concatenate(draws) - np.tile(windows.energy, (40, 1))
    exists = np.tile(windows.exists, (40, 1))
    for layer, width in ELECTRONIC_NOISE.items():
        part = windows.layer_slice(layer)
        of_layer = noise[:, part][exists[:, part]]
        assert of_layer.std() == pytest.approx(width, rel=5.0 / np.sqrt(2 * len(of_layer)))


def test_cells_of_little_energy_are_emptied(toys):
    _, cells = toys
    windows = cells_to_window_cells(cells, CELLS)
    cut = cut_cells(windows)
    assert np.all((cut.energy == 0.0) | (cut.energy >= 1.0))
    np.testing.assert_array_equal(
        cut.energy[windows.energy >= 1], windows.energy[windows.energy >= 1]
    )


def test_noise_needs_every_layer_and_event(toys):
    _, cells = toys
    windows = cells_to_window_cells(cells, CELLS)
    with pytest.raises(ValueError, match="noise: expected a value for each layer"):
        add_noise(windows, np.arange(6), seed=1, noise={2: 35.0})
    with pytest.raises(ValueError, match="index: expected one per event, 6, got 5"):
        add_noise(windows, np.arange(5), seed=1)


# -- cells -----------------------------------------------------------------------------------


def test_cell_observables_are_those_of_their_definition(toys):
    photons, cells = toys
    windows = cut_cells(cells_to_window_cells(cells, CELLS))
    found = cells_to_observables(windows, CELLS, photons)
    for layer in (1, 2):
        part = windows.layer_slice(layer)
        energy, row = windows.energy[:, part], windows.row[:, part]
        for event in range(6):
            sign = np.sign(photons.eta[event])
            eta = sign * (CELLS.eta[row[event]] - photons.eta[event])
            mean = np.average(eta, weights=energy[event])
            assert found[f"bary_eta_{layer}"][event] == pytest.approx(1e3 * mean)
            moment = np.sqrt(np.average((eta - mean) ** 2, weights=energy[event]))
            assert found[f"moment_eta_{layer}"][event] == pytest.approx(1e3 * moment)
            hot = np.sort(energy[event])[::-1]
            assert found[f"cells_hottest_5_{layer}"][event] == pytest.approx(
                hot[:5].sum() / hot.sum()
            )
            assert found[f"cells_above_10mev_{layer}"][event] == np.sum(hot > 10)
    tile, before = found["cells_e_12"], sum(found[f"cells_e_{layer}"] for layer in range(4))
    np.testing.assert_allclose(found["r_had"], tile / before)
    np.testing.assert_allclose(
        found["pointing"], found["bary_eta_1"] - found["bary_eta_2"], atol=1e-9
    )


def test_with_noise_positions_take_cells_above_two_standard_deviations(toys):
    photons, cells = toys
    windows = add_noise(cells_to_window_cells(cells, CELLS), np.arange(6), seed=1)
    found = cells_to_observables(windows, CELLS, photons, noise=ELECTRONIC_NOISE)
    part = windows.layer_slice(2)
    energy, row = windows.energy[:, part], windows.row[:, part]
    for event in range(6):
        seen = energy[event] > 2.0 * ELECTRONIC_NOISE[2]
        eta = np.sign(photons.eta[event]) * (CELLS.eta[row[event]] - photons.eta[event])
        mean = np.average(eta[seen], weights=energy[event][seen])
        assert found["bary_eta_2"][event] == pytest.approx(1e3 * mean)


def test_cell_observables_do_not_know_the_sign_of_eta_and_phi(toys):
    photons, cells = toys
    eta_mirror = {
        row: CELLS.at(
            int(CELLS.layer[row]),
            CELLS.grid_shape(int(CELLS.layer[row]))[0] - 1 - int(CELLS.eta_index[row]),
            int(CELLS.phi_index[row]),
        )
        for row in np.unique(cells.cell)
    }
    rows = np.array([eta_mirror[row] for row in cells.cell], dtype=np.int32)
    order = np.lexsort((rows, cells.event))
    other = CellEnergies(rows[order], cells.energy[order], cells.event_offsets, cells.outside)
    mirrored = Photons(photons.energy, -photons.eta, photons.phi, photons.index)
    before, after = (
        cells_to_observables(cut_cells(cells_to_window_cells(c, CELLS)), CELLS, p)
        for c, p in ((cells, photons), (other, mirrored))
    )
    for name in (
        "bary_eta_1",
        "bary_eta_2",
        "moment_eta_2",
        "r_had",
        "w_s3",
        "f_side",
        "pointing",
    ):
        np.testing.assert_allclose(after[name], before[name], atol=1e-4, err_msg=name)


def test_the_second_maximum_is_that_of_the_slow_twin():
    rng = np.random.default_rng(5)
    profile = rng.exponential(size=(200, 49)) * (rng.random((200, 49)) < 0.6)
    profile[:, 24] = 10.0
    found = strip_observables(profile)
    for event in range(200):
        e_2, valley = slow.second_maximum(profile[event].tolist())
        assert found.delta_e[event] == pytest.approx(e_2 - valley)
        assert found.e_ratio[event] == pytest.approx((10.0 - e_2) / (10.0 + e_2))


def test_of_two_equal_maxima_the_one_behind_the_deeper_valley_is_second():
    profile = np.full((1, 49), 1.0)
    profile[0, 24] = 100.0
    profile[0, 20:24] = 50.0, 30.0, 30.0, 30.0
    profile[0, 25:29] = 5.0, 5.0, 5.0, 50.0
    for strips in (profile, profile[:, ::-1]):
        assert strip_observables(strips).delta_e[0] == 45.0


def test_the_strips_next_to_the_hottest_make_widths():
    profile = np.zeros((1, 49))
    profile[0, 21:28] = [1.0, 2.0, 4.0, 10.0, 2.0, 1.0, 0.0]
    found = strip_observables(profile)
    assert found.w_s3[0] == pytest.approx(np.sqrt(6.0 / 16.0))
    assert found.f_side[0] == pytest.approx(4.0 / 16.0)
    with pytest.raises(ValueError, match="profile: expected an odd number of strips"):
        strip_observables(np.zeros((1, 48)))


def test_barycentres_alone_are_those_of_all_observables():
    showers = toy_cells(1, 20)
    for seed in (None, 1):
        both, alone = showers.cell_observables(seed), showers.barycentres(seed)
        np.testing.assert_array_equal(alone.values, both.select(alone.names).values)
