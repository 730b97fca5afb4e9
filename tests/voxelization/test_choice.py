"""Grids by the names that users give them."""

from pathlib import Path

import pytest

from calovox.voxelization import VoxelGrid
from calovox.voxelization.choice import choose_grid

COARSE = Path(__file__).parents[2] / "grids" / "coarse.toml"


@pytest.mark.parametrize("grid", [VoxelGrid.optimal(), VoxelGrid.regular()])
def test_a_name_gives_the_grid_of_this_name(grid: VoxelGrid) -> None:
    assert choose_grid(grid.name) == grid


def test_the_compact_grid_of_the_package_is_that_of_the_repository() -> None:
    grid = choose_grid("compact")
    assert grid == VoxelGrid.from_toml(COARSE.with_name("compact.toml"))
    assert (grid.name, grid.n_voxels <= 128) == ("compact", True)


def test_a_file_gives_its_own_grid() -> None:
    assert choose_grid(str(COARSE)) == VoxelGrid.from_toml(COARSE)


@pytest.mark.parametrize("text", ["Optimal", "", "."])
def test_what_is_neither_name_nor_file_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError, match=f"expected optimal, regular, compact or a TOML file, got '{text}'"
    ):
        choose_grid(text)


def test_a_file_named_like_a_grid_does_not_hide_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("regular").write_text(COARSE.read_text())
    assert choose_grid("regular") == VoxelGrid.regular()
