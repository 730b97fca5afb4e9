"""Runs that go on from what a power cut left, with toy showers in place of Geant4."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from calovox.cli import app
from calovox.geant4 import Geant4Settings, generate_hits, generation, shards
from calovox.geant4.shards import ShardFolder
from calovox.photons import Photons
from tests.toy_showers import toy_showers

SETTINGS = Geant4Settings(seed=3)


@pytest.fixture(autouse=True)
def _toy_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_ENERGY", 1000.0)
    monkeypatch.setattr(generation, "_run_tasks", write_toy_shards)


def write_toy_shards(
    folder: ShardFolder, tasks: list[tuple[int, Photons]], *_: object
) -> Iterator[Photons]:
    for number, photons in tasks:
        folder.write(number, toy_showers(len(photons), photons=photons, n_hits=50))
        yield photons


def leave_shards(monkeypatch: pytest.MonkeyPatch, stop: Callable[[], object]) -> None:
    """Let a run write all shards, and end before they are joined."""

    def end(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(generation, "_join_shards", end)
        stop()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500])


def fill_with_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def change_one_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def forget_hash(path: Path) -> None:
    path.with_suffix(".sha256").unlink()


def empty_hash(path: Path) -> None:
    path.with_suffix(".sha256").write_bytes(b"")


@pytest.mark.parametrize(
    "damage", [cut, fill_with_zeros, change_one_byte, empty, forget_hash, empty_hash]
)
def test_a_damaged_shard_is_made_anew_and_named(
    damage: Callable[[Path], None],
    photons: Photons,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, output = tmp_path / "whole.h5", tmp_path / "hits.h5"
    generate_hits(photons, whole, SETTINGS)

    def stop() -> None:
        with pytest.raises(KeyboardInterrupt):
            generate_hits(photons, output, SETTINGS)

    leave_shards(monkeypatch, stop)
    shard = tmp_path / "hits.h5.shards" / "000001.h5"
    damage(shard)
    steps, damaged = [], []
    generate_hits(photons, output, SETTINGS, on_shard=steps.append, on_damage=damaged.append)
    assert damaged == [shard]
    assert [step.resumed for step in steps].count(False) == 1
    assert output.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hits.h5", "whole.h5"]


@pytest.mark.parametrize("damage", [empty, fill_with_zeros])
def test_settings_without_content_are_written_anew_and_shards_are_kept(
    damage: Callable[[Path], None],
    photons: Photons,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "hits.h5"

    def stop() -> None:
        with pytest.raises(KeyboardInterrupt):
            generate_hits(photons, output, SETTINGS)

    leave_shards(monkeypatch, stop)
    damage(tmp_path / "hits.h5.shards" / "settings.json")
    steps = []
    generate_hits(photons, output, SETTINGS, on_shard=steps.append)
    assert all(step.resumed for step in steps)


def test_shards_of_other_settings_are_not_taken_where_the_settings_are_lost(
    photons: Photons, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "hits.h5"

    def stop() -> None:
        with pytest.raises(KeyboardInterrupt):
            generate_hits(photons, output, Geant4Settings(seed=4))

    leave_shards(monkeypatch, stop)
    empty(tmp_path / "hits.h5.shards" / "settings.json")
    steps = []
    generate_hits(photons, output, SETTINGS, on_shard=steps.append)
    assert not any(step.resumed for step in steps)


def test_the_command_says_which_shard_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [
        "geant4",
        "--energy",
        "600MeV",
        "--eta",
        "0.2",
        "-n",
        "6",
        "--seed",
        "5",
        "-o",
        "hits.h5",
    ]
    leave_shards(monkeypatch, lambda: CliRunner().invoke(app, words))
    cut(Path("hits.h5.shards/000002.h5"))
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert re.search(r"hits\.h5\.shards/000002\.h5 is damaged: it is made anew\n", result.stderr)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hits.h5", "hits.h5.config.toml"]
