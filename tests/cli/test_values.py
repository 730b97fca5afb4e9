from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer

from calovox.cli.sample_files import name_simulations
from calovox.cli.settings import FileIn, FileInText, ModelIn, Output
from calovox.cli.values import (
    files_read,
    files_written,
    read_settings,
    resolved_settings,
    settings_text,
)


@dataclass(frozen=True, kw_only=True)
class ExampleSettings:
    named: Annotated[list[str], typer.Argument(), FileInText()]
    output: Output
    grid: Annotated[str, typer.Option(), FileInText(words=("optimal",))] = "optimal"
    library: Annotated[Path | None, typer.Option(), FileIn()] = None
    energy: Annotated[str, typer.Option()] = "65GeV"
    seed: Annotated[int, typer.Option()] = 1


EXAMPLE = ExampleSettings(
    named=["a=x/a.h5", "b.h5"], output=Path("y/out.h5"), library=Path("x/library.h5")
)


def test_resolved_settings_are_relative_to_the_folder():
    values = resolved_settings(EXAMPLE, Path("y"))
    assert values["named"] == ["a=../x/a.h5", "../b.h5"]
    assert values["library"] == "../x/library.h5"
    assert values["output"] == "out.h5"
    assert values["grid"] == "optimal"


def test_settings_survive_writing_and_reading(tmp_path):
    path = tmp_path / "y" / "example.toml"
    path.parent.mkdir()
    path.write_text(settings_text(resolved_settings(EXAMPLE, Path("y"))))
    values = read_settings(path, ExampleSettings)
    assert values["named"] == [f"a={path.parent}/../x/a.h5", f"{path.parent}/../b.h5"]
    assert values["grid"] == "optimal"
    assert values["seed"] == 1


def test_files_are_known():
    assert files_read(EXAMPLE) == [Path("x/a.h5"), Path("b.h5"), Path("x/library.h5")]
    assert files_written(EXAMPLE) == [Path("y/out.h5")]


def test_numbers_become_text_where_text_is_expected(tmp_path):
    path = tmp_path / "example.toml"
    path.write_text("energy = 65\n")
    assert read_settings(path, ExampleSettings) == {"energy": "65"}


@pytest.mark.parametrize("text", ['named = [{a = 1}, "b.h5"]', "energy = 2026-01-01"])
def test_tables_and_dates_are_no_settings(tmp_path, text):
    path = tmp_path / "example.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match="expected text or a number, got"):
        read_settings(path, ExampleSettings)


def test_simulations_are_named_after_their_files(tmp_path):
    for name in ("a.h5", "b.h5"):
        (tmp_path / name).touch()
    texts = [f"{tmp_path}/a.h5", f"good={tmp_path}/b.h5"]
    assert name_simulations(texts) == {"a": tmp_path / "a.h5", "good": tmp_path / "b.h5"}
    with pytest.raises(ValueError, match="two simulations are called 'a'"):
        name_simulations([texts[0], f"a={tmp_path}/b.h5"])


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    model: Annotated[str, typer.Option(), ModelIn()]
    output: Output


def test_a_model_is_a_path_if_there_is_one_and_else_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "exported").mkdir()
    record = Path("results/out.h5.config.toml")
    for model, stored in (("exported", "../exported"), ("shipped", "shipped")):
        settings = ModelSettings(model=model, output=Path("results/out.h5"))
        values = resolved_settings(settings, Path("results"))
        assert values["model"] == stored
        record.write_text(settings_text(values))
        found = read_settings(record, ModelSettings)["model"]
        assert Path(found).exists() == (model == "exported")
        assert found == "shipped" or Path(found).samefile("exported")
