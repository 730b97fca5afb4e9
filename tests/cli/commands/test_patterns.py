"""Patterns on the command line: made, used, described and refused."""

from pathlib import Path

import pytest

from calovox.hits import HitsWriter
from tests.cli.commands.test_chain import fail, succeed
from tests.toy_showers import toy_showers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("patterns")
    with HitsWriter(path / "hits.h5", provenance={}) as writer:
        writer.append(toy_showers(6, n_hits=100))
    names = (f"{path / name}" for name in ("hits.h5", "patterns.h5", "photons.h5"))
    hits, patterns, photons = names
    succeed("voxelize", hits, "--no-cells", "--patterns", patterns, "-o", photons)
    return path


def test_hits_are_placed_by_patterns_of_a_file(folder: Path, tmp_path: Path) -> None:
    words = ["simulate", "--model", f"{folder / 'photons.h5'}", "-o", f"{tmp_path / 'out.h5'}"]
    done = succeed(*words, "--patterns", f"{folder / 'patterns.h5'}")
    assert "hits placed by patterns (" in done.output
    for note in (("--placement", "note"), ("--e-hit", "4MeV")):
        assert "hits placed as in the note" in succeed(*words, *note, "--force").output


def test_placements_that_contradict_each_other_are_refused(folder: Path, tmp_path: Path) -> None:
    words = ["simulate", "--model", f"{folder / 'photons.h5'}", "-o", f"{tmp_path / 'out.h5'}"]
    both = "--placement", "patterns", "--e-hit", "4MeV"
    fail(*words, *both, match="--e-hit is for --placement note")
    assert not (tmp_path / "out.h5").exists()


def test_a_library_of_patterns_is_described(folder: Path) -> None:
    text = succeed("info", f"{folder / 'patterns.h5'}").output
    assert "library of patterns" in text
    assert "optimal: 382 voxels" in text
