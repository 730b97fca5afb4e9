"""Contracts of every command, shown on a small one that adds up numbers in files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from calovox.cli.command import Job, make_command
from calovox.cli.program import make_app
from calovox.cli.settings import FileIn, FileInText, FileOut, Output, Seed
from calovox.files.whole import whole_file


@dataclass(frozen=True, kw_only=True)
class AddSettings:
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False), FileIn()]
    output: Output
    grid: Annotated[str, typer.Option(), FileInText(words=("optimal",))] = "optimal"
    factor: Annotated[float, typer.Option(min=0.0)] = 1.0
    eta: Annotated[str, typer.Option()] = "0.2"
    copy: Annotated[Path | None, typer.Option(), FileOut()] = None
    rounded: Annotated[bool, typer.Option("--round/--no-round")] = True
    seed: Seed = 1


def add_numbers(settings: AddSettings, job: Job) -> str:
    """Add up numbers."""
    with whole_file(settings.output, overwrite=job.overwrite) as partial:
        partial.write_text("half")
        numbers = [float(file.read_text()) for file in settings.files]
        partial.write_text(str(settings.factor * sum(numbers)))
    return f"added {len(numbers)} numbers"


app = make_app(
    [make_command("add", AddSettings, add_numbers, example="calovox add a.txt -o sum.txt")]
)


@app.callback()
def program(*, traceback: bool = False) -> None: ...


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("1")
    Path("b.txt").write_text("2")
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, ["add", *map(str, arguments)])


def assert_one_line_error(result, text):
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("calovox: ")
    assert result.stderr.count("\n") == 1
    assert text in result.stderr


def test_command_writes_result_summary_and_settings(folder):
    result = call("a.txt", "b.txt", "-o", "sum.txt", "--factor", 3)
    assert (result.exit_code, result.stdout) == (0, "added 2 numbers\n")
    assert Path("sum.txt").read_text() == "9.0"
    text = Path("sum.txt.config.toml").read_text()
    assert 'files = ["a.txt", "b.txt"]' in text
    assert "factor = 3.0" in text


def test_written_settings_repeat_the_run_from_any_folder(folder, monkeypatch):
    Path("results").mkdir()
    call("a.txt", "b.txt", "-o", "results/sum.txt", "--factor", 3)
    record = folder / "results/sum.txt.config.toml"
    before = record.read_text()
    monkeypatch.chdir("/")
    result = call("--config", record, "--force")
    assert result.exit_code == 0, result.stderr
    assert record.read_text() == before


def test_command_line_wins_over_settings_file(folder):
    Path("add.toml").write_text('factor = 5\neta = 0.3\nrounded = false\noutput = "sum.txt"\n')
    result = call("a.txt", "--config", "add.toml", "--eta", "0.4")
    assert result.exit_code == 0, result.stderr
    text = Path("sum.txt.config.toml").read_text()
    assert "factor = 5.0" in text
    assert 'eta = "0.4"' in text
    assert "rounded = false" in text


def test_paths_in_a_settings_file_are_relative_to_it(folder, monkeypatch):
    Path("add.toml").write_text('files = ["a.txt"]\noutput = "sum.txt"\ngrid = "mine.toml"\n')
    monkeypatch.chdir("/")
    assert call("--config", folder / "add.toml").exit_code == 0
    assert (folder / "sum.txt").exists()
    assert 'grid = "mine.toml"' in (folder / "sum.txt.config.toml").read_text()


def test_unknown_key_is_an_error_that_names_the_nearest(folder):
    Path("add.toml").write_text("faktor = 5\n")
    result = call("a.txt", "-o", "sum.txt", "--config", "add.toml")
    assert_one_line_error(result, "unknown key `faktor`: did you mean `factor`?")


def test_settings_file_that_is_no_toml_is_one_line(folder):
    result = call("a.txt", "-o", "sum.txt", "--config", "a.txt")
    assert_one_line_error(result, "a.txt is not a TOML file")


def test_wrong_type_in_a_settings_file_names_the_option(folder):
    Path("add.toml").write_text('factor = "many"\n')
    result = call("a.txt", "-o", "sum.txt", "--config", "add.toml")
    assert_one_line_error(result, "--factor")


def test_dry_run_shows_settings_and_writes_nothing(folder):
    result = call("a.txt", "-o", "sum.txt", "--dry-run")
    assert result.exit_code == 0
    assert "factor = 1.0" in result.stdout
    assert "would read a.txt" in result.stdout
    assert "write sum.txt" in result.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "b.txt"]


@pytest.mark.parametrize("option", ["--output", "--copy"])
def test_existing_results_are_replaced_only_with_force(folder, option):
    Path("old.txt").write_text("old")
    arguments = ["a.txt", "-o", "sum.txt", option, "old.txt"]
    assert_one_line_error(call(*arguments), "--force")
    assert Path("old.txt").read_text() == "old"
    assert call(*arguments, "--force").exit_code == 0


def test_error_leaves_no_file_behind(folder):
    Path("a.txt").write_text("one")
    assert_one_line_error(call("a.txt", "-o", "sum.txt"), "could not convert string to float")
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["missing.txt", "-o", "sum.txt"], "missing.txt"),
        (["a.txt"], "--output"),
        (["-o", "sum.txt"], "files"),
        (["a.txt", "-o", "sum.txt", "--factor", "-1"], "--factor"),
        (["a.txt", "-o", "sum.txt", "--faktor", "1"], "--faktor"),
        (["a.txt", "-o", "missing/sum.txt"], "create it first"),
    ],
)
def test_wrong_calls_are_one_line(folder, arguments, text):
    assert_one_line_error(call(*arguments), text)


def test_traceback_shows_where_an_error_comes_from(folder):
    Path("a.txt").write_text("one")
    result = CliRunner().invoke(app, ["--traceback", "add", "a.txt", "-o", "sum.txt"])
    assert isinstance(result.exception, ValueError)


def test_help_ends_with_an_example():
    lines = call("--help").stdout.split("\n")
    assert [line for line in lines if line.strip()][-1].strip().startswith("Example: calovox add")


def call_with_error(monkeypatch, error):
    def fail(self, *_, **__):
        raise error

    monkeypatch.setattr(Path, "read_text", fail)
    return call("a.txt", "-o", "sum.txt")


def test_interrupt_leaves_no_file_behind(folder, monkeypatch):
    assert call_with_error(monkeypatch, KeyboardInterrupt()).exit_code == 130
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("no shower of event 3"), "no shower of event 3"),
        (PermissionError("not for you"), "not for you"),
        (type("OwnError", (RuntimeError,), {"__module__": "calovox.geant4"})("own"), "own"),
        (
            ModuleNotFoundError("x", name="matplotlib.axes"),
            "pip install '.[plot]' in the folder",
        ),
    ],
)
def test_errors_of_the_user_are_one_line(folder, monkeypatch, error, text):
    assert_one_line_error(call_with_error(monkeypatch, error), text)


@pytest.mark.parametrize(
    "error", [KeyError("key"), RuntimeError("fault"), ModuleNotFoundError("x", name="other")]
)
def test_faults_of_the_program_keep_their_traceback(folder, monkeypatch, error):
    result = call_with_error(monkeypatch, error)
    assert result.exit_code == 1
    assert result.exception is error
