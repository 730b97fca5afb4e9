"""Names are text, whatever they hold."""

import pytest

from calovox.cli import app
from calovox.cli.sample_files import name_samples
from calovox.cli.values import settings_text
from calovox.text import check_name, printable
from calovox.voxelization import VoxelGrid

STEERING = ("a\x1b[31mred", "t\x1b]0;title\x07", "two\nlines", "\u202eturned", "\udcff", "\x00")


@pytest.mark.parametrize("name", STEERING)
def test_names_that_would_steer_a_terminal_are_refused(name):
    with pytest.raises(ValueError, match=r"^name: expected a name of printable characters, got '"):
        check_name("name", name)
    with pytest.raises(ValueError, match="simulation"):
        name_samples([f"{name}=no_such_file.h5"])
    with pytest.raises(ValueError, match="VoxelGrid"):
        VoxelGrid(VoxelGrid.optimal().layers, name)
    assert printable(name).replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["$x_{$", "<b>", "[/red]", "η 5 % 🙂", 'a "quoted" \\ name'])
def test_other_names_stay(name, tmp_path):
    check_name("name", name)
    assert printable(name) == name
    file = tmp_path / "grid.toml"
    file.write_text(VoxelGrid(VoxelGrid.optimal().layers, name).to_toml(), encoding="utf-8")
    assert VoxelGrid.from_toml(file).name == name


def test_settings_of_any_text_are_toml():
    import tomllib

    values = {"output": 'η 🙂 "\\ \x7f\x1b.h5', "seed": 1}
    assert tomllib.loads(settings_text(values)) == values


def test_an_error_does_not_steer_the_terminal(capsys):
    assert app(["reconstruct", "\x1b[31m.h5", "-o", "x.parquet"], standalone_mode=False) == 2
    assert r"\x1b[31m.h5" in capsys.readouterr().err
