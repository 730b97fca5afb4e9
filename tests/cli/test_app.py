"""The program starts at once, and knows what its commands say of themselves."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from calovox.cli import app
from calovox.cli.program import LazyCommand

HEAVY = {"numpy", "numba", "h5py", "hdf5plugin", "pyarrow", "uproot", "onnxruntime", "torch"}


def lazy_commands(group):
    for command in group.commands.values():
        if isinstance(command, LazyCommand):
            yield command
        else:
            yield from lazy_commands(command)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"]])
def test_program_says_what_it_is_without_importing_a_stage(arguments):
    code = f"""
import sys
from calovox.cli import app
app({arguments!r}, standalone_mode=False)
sys.exit(", ".join({HEAVY!r} & set(sys.modules)) or 0)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "command",
    list(lazy_commands(typer.main.get_command(app))),
    ids=lambda command: command.name,
)
def test_program_knows_the_first_line_of_each_help(command):
    loaded = command.load()
    assert loaded.name == command.name
    assert " ".join(loaded.help.split("\n\n")[0].splitlines()).startswith(command.help)


def test_program_runs_as_a_module():
    result = subprocess.run(
        [sys.executable, "-m", "calovox", "info", "nothing.h5"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("calovox: ")


def test_version_is_shown():
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("calovox ")
