"""`calovox import`: guess, description, result."""

import numpy as np
import pytest

from calovox.hits.file import HitsReader
from tests.cli.commands.test_chain import fail, succeed
from tests.foreign.foreign_files import showers, write_csv, write_jagged_tree

HITS = showers()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_csv(tmp_path, HITS)
    write_jagged_tree(tmp_path, HITS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_guessed_is_said_and_the_shares_are_printed(folder):
    result = succeed("import", "hits.csv", "--photons", "primaries.csv", "-o", "hits.h5")
    assert "6 showers" in result.stdout
    assert "mean E_tot/E_kin 0.97 (by layer 0: 0.0" in result.stdout
    assert "guessed: hits are x, y, z, energy = edep, event = eventID in mm" in result.stderr
    assert "warning" not in result.stderr
    assert np.array_equal(HitsReader(folder / "hits.h5").event_offsets, HITS.event_offsets)


def test_dry_run_prints_a_description_that_can_be_given(folder):
    text = succeed("import", "hits.root", "-o", "a.h5", "--dry-run").stdout
    assert not (folder / "a.h5").exists()
    (folder / "import.toml").write_text(text)
    succeed("import", "hits.root", "--description", "import.toml", "-o", "a.h5")
    succeed("import", "hits.root", "-o", "b.h5")
    first, second = (HitsReader(folder / name).read() for name in ("a.h5", "b.h5"))
    assert np.array_equal(first.energy, second.energy)
    assert np.array_equal(first.photons.phi, second.photons.phi)


def test_what_cannot_be_told_is_an_error(folder):
    fail("import", "hits.csv", "-o", "a.h5", match="cannot tell the photons .--photons FILE")
    fail("import", "hits.h5", "-o", "a.h5", match="hits.h5")
    assert "cannot be told" in succeed("import", "hits.csv", "-o", "a.h5", "--dry-run").stdout


def test_deposits_that_are_not_calibrated_are_warned_of(folder):
    text = succeed("import", "hits.root", "-o", "a.h5", "--dry-run").stdout
    (folder / "import.toml").write_text(text.replace("[photons]", "scale = 0.18\n\n[photons]"))
    result = succeed("import", "hits.root", "--description", "import.toml", "-o", "a.h5")
    assert "E_tot/E_kin is 0.175, expected 0.3 to 1.3: are these deposits in a" in result.stderr
