"""Files of hits with the phi modulation, without it, and with it again."""

import numpy as np
import pytest

from calovox.geometry import aligned_barrel_cells
from calovox.hits import HitsReader, HitsWriter, concatenate_hits, read_hits
from calovox.phi_modulation import (
    PhiModulation,
    apply_phi_modulation,
    remove_phi_modulation,
)
from calovox.phi_modulation.bare_hits import BareHits
from calovox.phi_modulation.curve_file import write_curve
from calovox.phi_modulation.files import apply_to_file, fit_to_files, remove_from_file
from calovox.phi_modulation.fit import FitSettings
from tests.toy_showers import toy_showers

BARE = toy_showers(6, n_hits=100)
CURVE = PhiModulation.from_function(lambda layer, phi: 1.0 + 0.1 * np.cos(1024 * phi))


@pytest.fixture
def files(tmp_path):
    write_curve(tmp_path / "curve.h5", CURVE)
    modulated = apply_phi_modulation(BARE, CURVE)
    with HitsWriter(
        tmp_path / "hits.h5", provenance={"seed": 1}, phi_modulation={"state": "present"}
    ) as writer:
        writer.append(modulated)
    return tmp_path


def test_removing_and_applying_gives_the_same_hits(files):
    names = [files / name for name in ("hits.h5", "removed.h5", "applied.h5")]
    assert remove_from_file(names[0], files / "curve.h5", names[1], provenance={"a": 1}) == 6
    assert apply_to_file(names[1], files / "curve.h5", names[2]) == 6
    first, bare, last = (HitsReader(name) for name in names)
    assert bare.phi_modulation == {"state": "removed"}
    assert last.phi_modulation == {"state": "present"}
    assert bare.provenance == {"a": 1, "hits": {"seed": 1}}
    assert bare.read().energy == pytest.approx(BARE.energy, rel=1e-6)
    assert last.read().energy == pytest.approx(first.read().energy, rel=1e-6)


def test_hits_are_read_without_their_modulation(files):
    hits = BareHits([files / "hits.h5"], files / "curve.h5")
    assert hits.phi_modulation == {"state": "removed"}
    read = concatenate_hits(list(hits.batches("reading")))
    assert read.energy == pytest.approx(BARE.energy, rel=1e-6)


def test_displaced_cells_are_those_of_removing_applying_and_reading(files):
    cells = aligned_barrel_cells()
    curve, removed = files / "curve.h5", files / "removed.h5"
    remove_from_file(files / "hits.h5", curve, removed, cells=cells)
    expected = remove_phi_modulation(read_hits(files / "hits.h5"), CURVE, cells)
    assert np.array_equal(read_hits(removed).energy, expected.energy)
    assert not np.allclose(read_hits(removed).energy, BARE.energy)
    read = concatenate_hits(list(BareHits([files / "hits.h5"], curve, cells).batches("reading")))
    assert np.array_equal(read.energy, expected.energy)
    apply_to_file(removed, curve, files / "applied.h5", cells=cells)
    again = read_hits(files / "applied.h5")
    assert again.energy == pytest.approx(read_hits(files / "hits.h5").energy, rel=1e-6)


def test_showers_are_not_replayed_in_other_cells(files):
    with pytest.raises(ValueError, match="leave --replay or --detector out"):
        fit_to_files(
            [files / "hits.h5"],
            files / "fit.h5",
            FitSettings(),
            seed=1,
            replay=2,
            truth=lambda layer, phi: np.ones_like(phi),
            cells=aligned_barrel_cells(),
        )
    assert not (files / "fit.h5").exists()


def test_files_of_different_modulation_are_refused(files):
    with HitsWriter(files / "bare.h5", provenance={}, phi_modulation={"state": "removed"}) as out:
        out.append(toy_showers(9, n_hits=30)[6:])
    with pytest.raises(ValueError, match="expected files with the same phi modulation"):
        BareHits([files / "hits.h5", files / "bare.h5"])


def test_showers_are_not_replayed_without_the_truth(files):
    with pytest.raises(ValueError, match="does not hold its true modulation"):
        fit_to_files([files / "hits.h5"], files / "fit.h5", FitSettings(), seed=1, replay=2)
    assert not (files / "fit.h5").exists()
