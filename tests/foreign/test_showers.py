"""Showers of other programs: to a dataset and back."""

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from calovox.cli import app
from calovox.dataset import DatasetReader, DatasetWriter
from calovox.foreign.layouts import layout_of
from calovox.foreign.showers import ShowerOptions, open_foreign_showers
from calovox.foreign.showers.calochallenge import binning_text, read_binning_grid
from calovox.foreign.showers.polar import PolarLayer, polar_grid, polar_layers
from calovox.foreign.tables.table import ForeignFileError
from calovox.samples.calochallenge import read_binning
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_calochallenge import toy_challenge, write_binning, write_showers


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)])


def write_lemurs(path, *, n_events=6, shape=(9, 16, 5), **changes):
    rng = np.random.default_rng(3)
    incident = rng.uniform(1e3, 1e5, n_events)
    columns = {
        "showers": rng.random((n_events, *shape)) * incident[:, None, None, None] / np.prod(shape),
        "incident_energy": incident,
        "incident_theta": rng.uniform(0.9, 2.2, n_events),
        "incident_phi": rng.uniform(-3.0, 3.0, n_events),
    }
    columns |= changes
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file[name] = np.asarray(values, "f4" if name == "showers" else "f8")
    return columns


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_binning(tmp_path / "binning.xml")
    return tmp_path


def test_calochallenge_becomes_a_dataset_and_comes_back(folder):
    energy, showers = toy_challenge(50, seed=1)
    write_showers(folder / "a.hdf5", energy, showers)
    words = ("import", "a.hdf5", "--binning", "binning.xml", "--eta", 0.225, "-o", "a.h5")
    result = run(*words)
    assert result.exit_code == 0, result.output
    voxels = DatasetReader(folder / "a.h5").read()
    np.testing.assert_array_equal(voxels.incident_energy, energy)
    assert set(voxels.eta_center.tolist()) == {0.225}
    np.testing.assert_allclose(
        voxels.layer_energy[:, 0] * energy, showers[:, :2].sum(axis=1), 1e-6
    )
    words = ("export-showers", "a.h5", "--layout", "calochallenge", "--binning", "new.xml")
    result = run(*words, "-o", "new.hdf5")
    assert result.exit_code == 0, result.output
    with h5py.File("new.hdf5") as file:
        np.testing.assert_allclose(file["showers"][()], showers, rtol=3e-7)
        np.testing.assert_array_equal(file["incident_energies"][()], energy[:, None])
    old, new = (read_binning(folder / name, 14) for name in ("binning.xml", "new.xml"))
    assert old == new


def test_voxels_of_the_calochallenge_lie_where_scores_have_them(folder):
    grid, layout = (
        read_binning_grid(folder / "binning.xml", 14),
        read_binning(folder / "binning.xml", 14),
    )
    x, y = grid.r_middle * np.cos(grid.alpha_middle), grid.r_middle * np.sin(grid.alpha_middle)
    divided = grid.layer == 2  # one bin in alpha has its middle at pi here, at 0 there
    np.testing.assert_allclose(x[divided], layout.x[divided], atol=1e-6)
    np.testing.assert_allclose(y[divided], layout.y[divided], atol=1e-6)
    np.testing.assert_allclose(grid.r_middle, layout.r, rtol=1e-6)


def test_showers_with_an_axis_for_layer_angle_and_radius_are_read(folder):
    layers = [PolarLayer(j, np.array([0.0, 2.0, 5.0]), 4) for j in range(3)]
    (folder / "b.xml").write_text(binning_text(layers, "electron"))
    energy, showers = np.full(5, 1e3), np.random.default_rng(1).random((5, 24)) * 40
    write_showers(folder / "flat.h5", energy, showers)
    write_showers(folder / "axes.h5", energy, showers.reshape(5, 3, 4, 2))
    options = ShowerOptions(binning=folder / "b.xml")
    flat, axes = (
        next(open_foreign_showers(folder / name, options).batches(5))
        for name in ("flat.h5", "axes.h5")
    )
    np.testing.assert_array_equal(flat.energy, axes.energy)


def test_lemurs_becomes_a_dataset_and_comes_back(folder):
    columns = write_lemurs(folder / "a.h5")
    result = run("import", "a.h5", "-o", "d.h5")
    assert result.exit_code == 0, result.output
    assert "6 showers of LEMURS and Par04, 720 voxels; mean E_tot/E_kin 0.498" in result.output
    voxels = DatasetReader(folder / "d.h5").read()
    layer = columns["showers"].sum(axis=(1, 2)) / columns["incident_energy"][:, None]
    np.testing.assert_allclose(voxels.layer_energy, layer, rtol=1e-5)
    np.testing.assert_allclose(
        2 * np.arctan(np.exp(-voxels.eta_center)), columns["incident_theta"], rtol=1e-12
    )
    result = run("export-showers", "d.h5", "--layout", "lemurs", "-o", "new.h5")
    assert result.exit_code == 0, result.output
    with h5py.File("new.h5") as file:
        for name, values in columns.items():
            np.testing.assert_allclose(file[name][()], values, rtol=3e-7)


def test_a_voxel_of_lemurs_lies_at_its_place(folder):
    showers = np.zeros((1, 9, 16, 5))
    showers[0, 3, 10, 2] = 500.0
    one = {"incident_energy": [1e3], "incident_theta": [1.5], "incident_phi": [0.0]}
    write_lemurs(folder / "a.h5", showers=showers, **one)
    source = open_foreign_showers(folder / "a.h5", ShowerOptions(ring=2.0))
    (voxels,), grid = source.batches(10), source.grid
    (voxel,) = np.flatnonzero(voxels.energy[0])
    assert voxels.energy[0, voxel] == 0.5
    assert (grid.layer[voxel], grid.r_min[voxel], grid.r_max[voxel]) == (2, 6.0, 8.0)
    assert grid.alpha_middle[voxel] == pytest.approx(-np.pi + 10.5 * 2 * np.pi / 16)


def test_grids_come_back_from_their_layers():
    layers = [PolarLayer(1, np.array([0, 1.5, 4.0]), 6), PolarLayer(4, np.array([0, 2.0]), 1)]
    found, order = polar_layers(polar_grid(layers, "toy"))
    assert order.tolist() == list(range(13))
    for old, new in zip(layers, found, strict=True):
        assert (old.number, old.n_alpha) == (new.number, new.n_alpha)
        np.testing.assert_array_equal(old.r_edges, new.r_edges)


def test_showers_on_the_regular_grid_go_to_the_calochallenge(toy_hits, folder):
    voxels = hits_to_voxels(toy_hits, VoxelGrid.regular())
    with DatasetWriter(folder / "d.h5", voxels.grid, provenance={}) as writer:
        writer.append(voxels)
    words = ("export-showers", "d.h5", "--layout", "calochallenge", "--binning", "b.xml")
    assert run(*words, "-o", "c.hdf5").exit_code == 0
    source = open_foreign_showers(folder / "c.hdf5", ShowerOptions(binning=folder / "b.xml"))
    (back,) = source.batches(100)
    for number in voxels.grid.numbers:
        assert back.energy[:, source.grid.layer_slice(number)].sum() == pytest.approx(
            voxels.energy[:, voxels.grid.layer_slice(number)].sum(), rel=1e-5
        )
    where = source.grid.find(voxels.grid.layer, voxels.grid.r_middle, voxels.grid.alpha_middle)
    np.testing.assert_allclose(back.energy[:, where], voxels.energy, rtol=3e-7)


def test_unknown_layouts_are_told_what_is_known(folder):
    with h5py.File("a.h5", "w") as file:
        file["x"] = np.ones(3)
    known = ["CaloChallenge", "LEMURS and Par04", "HGCal", "CaloGAN", "showerdata"]
    with pytest.raises(ForeignFileError, match=r".*".join(known) + r".*, got the keys x"):
        open_foreign_showers(folder / "a.h5")
    assert layout_of(folder / "a.h5") is None


def test_energies_are_scaled_and_particles_stored_on_request(folder):
    write_lemurs(folder / "a.h5")
    for name, words in (("a", ()), ("b", ("--scale", 2, "--particle", "electron"))):
        result = run("import", "a.h5", *words, "-o", f"{name}_d.h5")
        assert result.exit_code == 0, result.output
    first, second = (DatasetReader(folder / f"{name}_d.h5") for name in "ab")
    assert (first.particle, second.particle) == ("photon", "electron")
    np.testing.assert_array_equal(2.0 * first.read().energy, second.read().energy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"showers": np.full((6, 9, 16, 5), -1.0)},
            "finite and not negative, got -1.0 in event 0",
        ),
        ({"showers": np.ones((6, 720))}, r"of shape \(event, r, phi, z\)"),
        ({"showers": np.ones((6, 2, 7, 2))}, "an even number of bins in alpha.*got 7"),
        ({"incident_energy": np.zeros(6)}, "numbers above 0 in `incident_energy`"),
        ({"incident_theta": np.full(6, 4.0)}, "`incident_theta` between 0 and pi"),
        ({"incident_theta": np.full(6, 5e-324)}, "`incident_theta` between 0 and pi, at least"),
        ({"incident_phi": np.ones(5)}, "one number for each of 6 showers"),
    ],
)
def test_damaged_showers_are_refused(folder, changes, message):
    write_lemurs(folder / "a.h5", **changes)
    with pytest.raises(ForeignFileError, match=message):
        [*open_foreign_showers(folder / "a.h5").batches(10)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("import", "a.h5", "--eta", 1, "-o", "d.h5"), "--eta is not for showers of LEMURS"),
        (("import", "c.hdf5", "-o", "d.h5"), "give the XML file of its voxels with --binning"),
        (("import", "a.h5", "--ring", "0mm", "-o", "d.h5"), "--ring: expected more than 0"),
        (("import", "a.h5", "c.hdf5", "-o", "d.h5"), "expected one file of showers, got 2"),
    ],
)
def test_options_that_do_not_fit_are_refused(folder, words, message):
    write_lemurs(folder / "a.h5")
    write_showers(folder / "c.hdf5", *toy_challenge(4, seed=1))
    result = run(*words)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert not (folder / "d.h5").exists()


def test_grids_that_a_layout_cannot_have_are_refused(toy_hits, folder):
    for name, grid in (("optimal", VoxelGrid.optimal()), ("regular", VoxelGrid.regular())):
        with DatasetWriter(folder / f"{name}.h5", grid, provenance={}) as writer:
            writer.append(hits_to_voxels(toy_hits, grid))
    for name, layout, message in (
        ("optimal", "calochallenge", "expected rings that are all divided into one or an even"),
        ("regular", "lemurs", "needs rings of one width"),
    ):
        result = run("export-showers", f"{name}.h5", "--layout", layout, "-o", "new.h5")
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())


def test_energies_beyond_single_precision_are_refused(toy_hits, folder):
    with DatasetWriter(folder / "d.h5", VoxelGrid.regular(), provenance={}) as writer:
        writer.append(hits_to_voxels(toy_hits, VoxelGrid.regular()))
    with h5py.File(folder / "d.h5", "a") as file:
        file["energy_layer_2"][0, 0] = 1e38
    result = run("export-showers", "d.h5", "--layout", "calochallenge", "-o", "new.h5")
    assert result.exit_code == 2
    assert "DATASET: expected voxel energies below 3.4e38 MeV" in " ".join(result.output.split())
    assert not (folder / "new.h5").exists()
