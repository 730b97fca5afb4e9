"""What the documents promise: every command in them exists, and the tutorial runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from calovox.cli import app

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAM = Path(sys.executable).parent / "calovox"


def commands_in(text):
    """Give the commands in code blocks, as lists of words."""
    for _, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            words = line.removeprefix("$ ")
            if words.startswith("calovox "):
                yield shlex.split(words)[1:]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_documents_exist(document):
    program = typer.main.get_command(app)
    text = document.read_text(encoding="utf-8")
    for name, *words in commands_in(text):
        command = program.commands[name]
        if hasattr(command, "commands"):
            command = command.commands[words[0]]
        options = {
            option
            for parameter in command.load().params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        given = {word for word in words if re.match(r"-{1,2}[a-z]", word)}
        assert given <= options, f"{name}: {given - options}"


def test_command_page_has_every_command():
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in typer.main.get_command(app).commands:
        assert f"`calovox {name}" in text


def test_command_page_has_every_choice():
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for word in ("perfect", "nearest", "random", "--center photon", "--merging legacy"):
        assert word in text


@pytest.mark.slow
def test_tutorial_runs(shared, tmp_path):
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    (grid,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "coarse.toml").write_text(grid)
    environment = {"GEANT4_DATA_DIR": str(shared / "geant4-data")} | os.environ
    for words in commands_in(text):
        result = subprocess.run(
            [PROGRAM, *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
    assert (tmp_path / "report" / "index.html").is_file()
