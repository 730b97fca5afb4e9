"""Learning, removing and applying the phi modulation from the command line."""

from pathlib import Path

import numpy as np
import pytest

from calovox.dataset import DatasetReader
from calovox.geant4 import TruePhiModulation
from calovox.geometry import aligned_barrel_cells
from calovox.hits import HitsReader, HitsWriter, read_hits
from calovox.phi_modulation import PhiModulation, apply_phi_modulation
from calovox.phi_modulation.curve_file import read_average, read_curve, read_fit, read_truth
from tests.cli.commands.test_chain import call, fail, succeed
from tests.geometry.test_cells import write_root
from tests.toy_showers import toy_showers

N_EVENTS = 20
FIT = ("phi-modulation", "fit", "hits.h5", "--steps", 20, "--bootstrap", 8, "--eta-edges", "0,1.4")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A hits file with the generator's modulation, and curves."""
    monkeypatch.chdir(tmp_path)
    truth = TruePhiModulation()
    hits = apply_phi_modulation(
        toy_showers(N_EVENTS, n_hits=500, energy=200e3), PhiModulation.from_function(truth)
    )
    stored = truth.to_dict() | {"state": "present"}
    with HitsWriter(Path("hits.h5"), provenance={}, phi_modulation=stored) as writer:
        writer.append(hits)
    succeed(*FIT, "--replay", 60, "-o", "curve.h5")
    return tmp_path


def test_fit_writes_curves_fit_truth_and_averages(folder):
    assert read_curve(Path("curve.h5")).values.shape == (1, 4, 50)
    assert read_fit(Path("curve.h5")).n_showers == (60 * N_EVENTS,)
    assert read_truth(Path("curve.h5")).amplitude[0, 1] == pytest.approx(0.09, rel=0.02)
    average = read_average(Path("curve.h5"))
    assert average.n_showers.sum() == 20 * N_EVENTS


def test_fit_names_what_the_sample_does_not_constrain(folder):
    result = succeed(*FIT, "--replay", 20, "--force", "-o", "curve.h5", "--root", "root")
    assert "showers per bin of T" in result.stdout
    assert len(list(Path("root").glob("*.root"))) == 4


def test_remove_and_apply_are_inverse_and_refused_twice(folder):
    command = ("--curve", "curve.h5", "-o")
    succeed("phi-modulation", "remove", "hits.h5", *command, "removed.h5")
    fail(
        *("phi-modulation", "remove", "removed.h5", *command, "twice.h5"),
        match="the phi modulation is removed already",
    )
    succeed("phi-modulation", "apply", "removed.h5", *command, "applied.h5")
    fail(
        *("phi-modulation", "apply", "applied.h5", *command, "twice.h5"),
        match="the phi modulation is present already",
    )
    before, after = read_hits(Path("hits.h5")), read_hits(Path("applied.h5"))
    assert after.energy == pytest.approx(before.energy, rel=1e-6)
    assert HitsReader(Path("removed.h5")).phi_modulation["state"] == "removed"
    assert not Path("twice.h5").exists()


def test_voxelize_removes_and_simulate_applies_on_request(folder):
    succeed("voxelize", "hits.h5", "--phi-modulation", "curve.h5", "-o", "removed.h5")
    succeed("voxelize", "hits.h5", "-o", "present.h5")
    curve = ("--phi-modulation", "curve.h5")
    succeed("simulate", "--model", "removed.h5", *curve, "--cells", "-o", "simulated.h5")
    fail(
        *("simulate", "--model", "present.h5", *curve, "-o", "wrong.h5"),
        match="the phi modulation is present already",
    )
    removed, present = DatasetReader(Path("removed.h5")), DatasetReader(Path("present.h5"))
    assert removed.provenance["phi_modulation"]["state"] == "removed"
    assert not np.allclose(removed.read().energy, present.read().energy)
    whole = slice(None)
    assert np.array_equal(removed.cells(whole).energy, present.cells(whole).energy)


def test_real_cells_are_those_of_voxelize_and_simulate(folder):
    table = aligned_barrel_cells()
    write_root(Path("cells.root"), table, np.arange(len(table)))
    options = ("--phi-modulation", "curve.h5", "--cells-table", "cells.root")
    remove = ("phi-modulation", "remove", "hits.h5", "--curve", "curve.h5")
    succeed(*remove, "--cells-table", "cells.root", "-o", "removed_hits.h5")
    succeed("voxelize", "removed_hits.h5", "-o", "expected.h5")
    succeed("voxelize", "hits.h5", *options, "-o", "removed.h5")
    removed, expected = DatasetReader(Path("removed.h5")), DatasetReader(Path("expected.h5"))
    assert np.array_equal(removed.read().energy, expected.read().energy)
    assert removed.cell_table == "cells"

    succeed("simulate", "--model", "removed.h5", *options, "--cells", "-o", "simulated.h5")
    succeed("reconstruct", "simulated.h5", "--cells-table", "cells.root", "-o", "a.parquet")
    fail("reconstruct", "simulated.h5", "-o", "b.parquet", match="in cells of 'cells'")


def test_fit_in_real_cells_takes_showers_as_they_are(folder):
    table = aligned_barrel_cells()
    write_root(Path("cells.root"), table, np.arange(len(table)))
    fit = (*FIT, "--cells-table", "cells.root", "-o", "real.h5")
    fail(*fit, "--replay", 2, match="leave --replay or --detector out")
    assert "no shower has its centre in bin" in call(*fit).stderr  # which shows progress, too


def test_displaced_showers_keep_energy_and_eta_at_new_azimuths(folder):
    succeed("voxelize", "hits.h5", "-o", "library.h5")
    succeed(
        *("simulate", "--model", "library.h5", "--matching", "displaced", "-n", 2 * N_EVENTS),
        *("-o", "displaced.h5"),
    )
    library = DatasetReader(Path("library.h5")).read()
    displaced = DatasetReader(Path("displaced.h5")).read()
    assert np.array_equal(displaced.energy, np.tile(library.energy, (2, 1)))
    assert np.array_equal(displaced.eta_center, np.tile(library.eta_center, 2))
    assert not np.any(displaced.phi_center[:N_EVENTS] == library.phi_center)


def test_replay_needs_the_true_modulation(folder):
    with HitsWriter(Path("own.h5"), provenance={}) as writer:
        writer.append(toy_showers(5, energy=200e3))
    fail(
        *("phi-modulation", "fit", "own.h5", "--replay", 5, "-o", "no.h5"),
        match="own.h5 does not hold its true modulation",
    )


def test_evaluate_wants_displaced_showers_with_their_reference_and_curves(folder):
    succeed("voxelize", "hits.h5", "-o", "photons.h5")
    command = ("evaluate", "photons.h5", "same=photons.h5", "-o", "report")
    fail(*command, "--displaced", "a=photons.h5", match="give both or neither")
    displaced = ("--displaced-reference", "photons.h5", "--displaced", "a=photons.h5")
    fail(*command, *displaced, match="needs the curves of --curve")
    assert not Path("report").exists()
