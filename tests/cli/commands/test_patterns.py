"""Patterns on the command line: made, used, described and refused."""

from pathlib import Path

import numpy as np
import pytest

from calovox.hits import HitsWriter
from calovox.patterns.file import read_patterns
from calovox.patterns.library import DensityStep
from calovox.photons import Photons
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


@pytest.fixture(scope="module")
def near_border(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("near") / "hits.h5"
    n = 24
    photons = Photons(np.full(n, 65e3), np.full(n, 0.79), np.linspace(-3, 3, n), np.arange(n))
    with HitsWriter(path, provenance={}) as writer:
        writer.append(toy_showers(n, n_hits=3000, photons=photons))
    return f"{path}"


def test_so_many_patterns_are_kept(folder: Path, tmp_path: Path) -> None:
    kept = f"{tmp_path / 'patterns.h5'}"
    words = ["voxelize", f"{folder / 'hits.h5'}", "--no-cells", "-o", f"{tmp_path / 'out.h5'}"]
    succeed(*words, "--patterns", kept, "--pattern-most", "4", "--pattern-eta", "0.2")
    library = read_patterns(Path(kept))
    assert library.counts.shape[0] == 2
    assert library.counts.max() == 2
    assert read_patterns(folder / "patterns.h5").counts.max() > 4
    assert library.sides.any()


def test_sides_are_left_out(folder: Path, tmp_path: Path) -> None:
    kept = f"{tmp_path / 'patterns.h5'}"
    words = ["voxelize", f"{folder / 'hits.h5'}", "--no-cells", "-o", f"{tmp_path / 'out.h5'}"]
    succeed(*words, "--patterns", kept, "--no-pattern-sides")
    assert not read_patterns(Path(kept)).sides.any()


def test_steps_of_the_density_are_fitted(near_border: str, tmp_path: Path) -> None:
    patterns, photons = f"{tmp_path / 'patterns.h5'}", f"{tmp_path / 'photons.h5'}"
    words = ["voxelize", near_border, "--no-cells", "--patterns", patterns, "-o", photons]
    done = succeed(*words, "--pattern-step", "3:0.8", "--pattern-step", "2:0.79")
    steps = read_patterns(Path(patterns)).steps
    assert [(step.layer, step.abs_eta) for step in steps] == [(3, 0.8), (2, 0.79)]
    last = done.output.strip().splitlines()[-1]
    assert f"; {steps[0]}; {steps[1]}, 382 voxels" in last
    assert "in layer 3 beyond |eta| 0.8, " in succeed("info", patterns).output


def test_the_ratio_of_a_step_is_taken(near_border: str, tmp_path: Path) -> None:
    patterns, photons = f"{tmp_path / 'patterns.h5'}", f"{tmp_path / 'photons.h5'}"
    words = ["voxelize", near_border, "--no-cells", "--patterns", patterns, "-o", photons]
    succeed(*words, "--pattern-step", "3:0.8:0.25")
    assert read_patterns(Path(patterns)).steps == (DensityStep(3, 0.8, 0.25),)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (("--pattern-step", "3:0.8"), "--pattern-step is for --patterns FILE"),
        (("--patterns", "p.h5", "--pattern-step", "3"), "expected LAYER:ABS_ETA, as in 3:0.8"),
        (("--patterns", "p.h5", "--pattern-step", "3:-1"), "each once, got '3:-1'"),
        (("--patterns", "p.h5", *2 * ("--pattern-step", "3:0.8")), "each once, got '3:0.8'"),
        (("--patterns", "p.h5", "--pattern-step", "3:0.8:0"), "each once, got '3:0.8:0'"),
        (("--patterns", "p.h5", "--pattern-step", "3:0.8:1:1"), "each once, got '3:0.8:1:1'"),
        (("--patterns", "p.h5", "--pattern-step", "9:0.8"), "expected pattern steps in layers"),
    ],
)
def test_steps_that_cannot_be_fitted_are_refused(
    near_border: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    match: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    fail("voxelize", near_border, "--no-cells", *options, "-o", "photons.h5", match=match)
    assert not (tmp_path / "photons.h5").exists()
    assert not (tmp_path / "p.h5").exists()


def test_a_library_of_patterns_is_described(folder: Path) -> None:
    text = succeed("info", f"{folder / 'patterns.h5'}").output
    assert "library of patterns" in text
    assert "optimal: 382 voxels" in text
