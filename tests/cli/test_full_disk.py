"""A full disk ends every command in one line; the old result stays, and nothing else is left."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from calovox.cli import app
from calovox.geant4 import generation
from calovox.geant4.shards import ShardFolder
from calovox.photons import Photons
from tests.cli.every_command import COMMANDS, write_inputs
from tests.full_disk import no_file_above
from tests.toy_showers import toy_showers

LONG = (("evaluate", 3000), ("export", 3000))  # they do most of their work before they write
CASES = [
    pytest.param(name, size, marks=pytest.mark.slow if (name, size) in LONG else ())
    for name in sorted(COMMANDS.keys() - {"train", "distill"})
    for size in (100, 3000)
]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_inputs()
    return folder


@pytest.fixture
def folder(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(inputs, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(generation, "_run_tasks", write_toy_shards)
    return tmp_path


def write_toy_shards(
    folder: ShardFolder, tasks: list[tuple[int, Photons]], *_: object
) -> Iterator[Photons]:
    for number, photons in tasks:
        folder.write(number, toy_showers(len(photons), photons=photons, n_hits=50))
        yield photons


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("name", "size"), CASES)
def test_the_old_result_stays_and_nothing_else(name: str, size: int, folder: Path) -> None:
    words = COMMANDS[name].split()
    output = Path(words[-1])
    if output.suffix:
        output.write_text("old")
    before, names = contents(folder), sorted(folder.rglob("*"))
    with no_file_above(size):
        result = CliRunner().invoke(app, words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    # warnings about the showers may come before
    *_, line = (line for line in result.stderr.splitlines() if line.startswith("calovox: "))
    assert "the disk is full" in line
    assert "make room for more and run again" in line
    assert contents(folder) == before
    assert sorted(folder.rglob("*")) == names
