"""Photons that start inside the detector: as those that come there without an interaction."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovox.geant4 import DetectorModel, Geant4Settings, StartRadius, simulate_hits
from calovox.geant4.detector import ENTRANCE_RADIUS
from calovox.geant4.start import event_weights, start_radii
from calovox.geant4.survival import survival_probability
from calovox.photons import Fixed, Photons, draw_photons, parse_etas
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.cli.commands.test_chain import fail, succeed


def toy_generation(photons, start, seed):
    """Photons of one kind that interact at random radii, by the true survival probability."""
    # between two borders, the optical depth is linear in the radius
    borders = np.array([shell.r_max for shell in DetectorModel().shells()])
    grid = np.array([ENTRANCE_RADIUS, *borders[borders < 1700.0]])
    depth = -np.log([survival_probability(photons[:1], r)[0] for r in grid])
    begin = np.interp(start_radii(photons, start, seed=seed), grid, depth)
    numbers = np.random.default_rng(seed).exponential(size=len(photons))
    photons = replace(photons, interaction_radius=np.interp(begin + numbers, depth, grid))
    return photons if start is None else replace(photons, weight=event_weights(photons, start))


def toy_photons(n, energy=4e3, eta=0.775):
    return draw_photons(np.arange(n), energy=Fixed(energy), eta=Fixed(eta), seed=1)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_weighted_photons_interact_where_plain_ones_do(share):
    n = 40_000
    start = StartRadius(1500.0, share)
    weighted = toy_generation(toy_photons(n), start, 3)
    plain = toy_generation(toy_photons(n), None, 4)
    edges = np.array([1150, 1250, 1300, 1350, 1400, 1450, 1500, 1505, 1515, 1530, 1550, 2001])
    found, _ = np.histogram(weighted.interaction_radius, edges, weights=weighted.weight)
    squares, _ = np.histogram(weighted.interaction_radius, edges, weights=weighted.weight**2)
    expected, _ = np.histogram(plain.interaction_radius, edges)
    pulls = (found - expected) / np.sqrt(np.maximum(squares + expected, 1.0))
    assert np.all(np.abs(pulls) < 4.0)
    assert np.mean(weighted.weight) == pytest.approx(1.0, abs=5.0 * weighted.weight.std() / n**0.5)


def test_photons_that_all_start_inside_weigh_their_survival_probability():
    photons = toy_photons(50)
    found = toy_generation(photons, StartRadius(1500.0), 3)
    np.testing.assert_allclose(found.weight, survival_probability(photons, 1500.0), rtol=1e-12)
    assert np.all(found.interaction_radius >= 1500.0)


def test_starts_depend_on_seed_and_index_alone():
    photons, start = toy_photons(100), StartRadius(1500.0, 0.5)
    radii = start_radii(photons, start, seed=1)
    assert set(radii) == {ENTRANCE_RADIUS, 1500.0}
    np.testing.assert_array_equal(start_radii(photons[40:60], start, seed=1), radii[40:60])
    assert not np.array_equal(start_radii(photons, start, seed=2), radii)
    assert set(start_radii(photons, None, seed=1)) == {ENTRANCE_RADIUS}


def test_weights_need_the_interactions():
    with pytest.raises(ValueError, match="with `interaction_radius`"):
        event_weights(toy_photons(3), StartRadius(1500.0))


def test_starts_outside_of_the_detector_are_refused():
    for radius in (1150.0, 2600.0):
        with pytest.raises(ValueError, match="expected 1150 to 2600 mm"):
            StartRadius(radius)
    for share in (0.0, 1.1):
        with pytest.raises(ValueError, match=r"a number in \(0, 1\]"):
            StartRadius(1500.0, share)


def test_the_photon_of_a_shower_interacts_where_it_is_said(engine, photons):
    """No deposit lies before the first interaction, but for what flies back."""
    settings = Geant4Settings(seed=3, start=StartRadius(1600.0))
    hits = simulate_hits(engine, photons, settings)
    assert np.all(hits.photons.interaction_radius > 1600.0)
    assert np.all(hits.photons.weight < 0.02)
    plain = simulate_hits(engine, photons, Geant4Settings(seed=3))
    assert plain.photons.weight is None
    again = engine.first_interactions(photons, seed=3)
    np.testing.assert_array_equal(plain.photons.interaction_radius, again)


def test_looking_for_interactions_changes_no_shower(engine, photons):
    before = engine.run(photons, seed=3)
    engine.first_interactions(photons, seed=3)
    after = engine.run(photons, seed=3)
    np.testing.assert_array_equal(before.energy, after.energy)
    np.testing.assert_array_equal(before.start, after.start)


@pytest.mark.slow
def test_weighted_showers_have_the_spectrum_of_f1(engine):
    """4 GeV at 0.775: late showers are some ten times as frequent, and weigh what they should."""
    energy, eta = Fixed(4e3), parse_etas("abs:0.774:0.776")
    late = draw_photons(np.arange(300), energy=energy, eta=eta, seed=11)
    plain = draw_photons(np.arange(1000, 1900), energy=energy, eta=eta, seed=11)
    f1 = f1_of(engine, late, Geant4Settings(seed=11, start=StartRadius(1500.0)))
    f1_plain = f1_of(engine, plain, Geant4Settings(seed=11))
    weight = survival_probability(late, 1500.0).mean()
    share, expected = np.mean(f1 < 0.06), np.mean(f1_plain < 0.06)
    assert share / expected > 6.0
    error = np.hypot(weight * np.sqrt(share / len(f1)), np.sqrt(expected / len(f1_plain)))
    assert weight * share == pytest.approx(expected, abs=3.0 * error)


def f1_of(engine, photons: Photons, settings):
    energy = hits_to_voxels(simulate_hits(engine, photons, settings), VoxelGrid.optimal())
    return energy.layer_energy[:, 1] / energy.total_fraction


@pytest.mark.slow
def test_late_showers_go_from_geant4_to_a_training_and_nowhere_else(
    geant4_data, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    succeed(
        *("geant4", "--energy", "log:300MeV:600MeV", "--eta", "0.75", "-n", "40"),
        *("--start-radius", "1500mm", "--start-share", "0.5", "-o", "hits.h5"),
    )
    fail("voxelize", "hits.h5", "-o", "photons.h5", match="leave out cells with --no-cells")
    succeed("voxelize", "hits.h5", "--no-cells", "-o", "photons.h5")
    assert "weights" in succeed("info", "photons.h5").stdout
    files = ("--data", "photons.h5", "--validation", "photons.h5")
    succeed("train", "inn", *files, "--eta", "0:1", "--steps", "3", "--blocks", "6", "-o", "run")
    Path("curve.h5").touch()
    curve = ("--phi-modulation", "curve.h5")
    for command in (
        ("reconstruct", "hits.h5", "-o", "shapes.parquet"),
        ("phi-modulation", "fit", "hits.h5", "-o", "curves.h5"),
        ("train", "parametric", "hits.h5", "-o", "parametrisation.h5"),
        ("train", "centers", "photons.h5", "-o", "centers.json"),
        ("grid", "hits.h5", *curve, "-o", "grid.toml"),
        ("evaluate", "photons.h5", "photons.h5", "-o", "report"),
        ("export-showers", "photons.h5", "--layout", "calochallenge", "-o", "showers.h5"),
        ("simulate", "--model", "calodit", "--photons", "photons.h5", "-o", "simulated.h5"),
    ):
        fail(*command, match="showers that count alike")


def test_starts_without_a_radius_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ("geant4", "--energy", "1GeV", "--eta", "0.2", "-n", "2", "-o", "hits.h5")
    fail(*command, "--start-share", "0.5", match="--start-share: expected --start-radius")
    fail(*command, "--start-radius", "3m", match="expected 1150 to 2600 mm.*got 3000 mm")
