"""What the documents promise: every command in them exists, and the tutorial runs."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from calovox.cli import app
from calovox.dataset import DatasetReader
from calovox.simulation.own_models import OwnSampler
from docs.make.tables import SOURCES, rewritten
from tests.foreign import foreign_files

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PICTURES = ROOT / "docs" / "pictures"
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


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for document in (ROOT / "docs").glob("*.md"):
        assert f"- {document.name}\n" in navigation


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_headings(document):
    for target, anchor in re.findall(
        r"\]\(([\w/]*\.?m?d?)#([\w-]+)\)", document.read_text(encoding="utf-8")
    ):
        page = document.parent / target if target else document
        text = page.read_text(encoding="utf-8")
        headings = [
            title.lower() for title in re.findall(r"^#+ (.*?)(?: \{.*)?$", text, re.MULTILINE)
        ]
        slugs = {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", title)) for title in headings}
        assert anchor in slugs | set(re.findall(r"\{ #([\w-]+) \}", text)), f"{target}#{anchor}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tables_need_no_escapes(document):
    assert "\\|" not in document.read_text(encoding="utf-8")


def test_table_of_rooms_is_that_of_the_imports(monkeypatch):
    monkeypatch.setattr("docs.make.tables.ROOT", Path("/nowhere"))  # other tables stay
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert rewritten(text) == text, "python -m docs.make.tables"


def test_tables_without_numbers_stay(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("docs.make.tables.ROOT", tmp_path)
    text = "<!-- table: cost -->\n| a |\n<!-- end -->\n"
    assert rewritten(text) == text
    assert "make benchmark" in capsys.readouterr().out


def test_every_table_is_in_a_document():
    texts = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    assert set(re.findall(r"<!-- table: ([\w-]+) -->", texts)) == set(SOURCES)


def test_pictures_are_small_and_shown():
    texts = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    shown = set(re.findall(r"pictures/([\w.]+)", texts))
    sizes = {path.name: path.stat().st_size for path in PICTURES.iterdir()}
    assert shown == set(sizes)
    assert sizes["overview.png"] < 200_000
    assert sum(sizes.values()) < 1_000_000


def test_diagram_is_as_its_script_draws_it():
    from docs.make.diagram import draw

    assert (PICTURES / "flow.svg").read_text(encoding="utf-8") == draw()


def test_documents_name_targets_of_make():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        named = re.findall(r"`make ([a-z][\w-]+)", document.read_text(encoding="utf-8"))
        assert set(named) <= targets, document.name


@pytest.mark.slow
@pytest.mark.parametrize("with_geant4", [True, False])
def test_tutorial_runs(request, tmp_path, with_geant4):
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    (grid,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "coarse.toml").write_text(grid)
    environment = dict(os.environ)
    if with_geant4:
        pytest.importorskip("calzone", reason="needs calzone")
        data = request.getfixturevalue("shared") / "geant4-data"
        environment = {"GEANT4_DATA_DIR": str(data)} | environment
    else:
        shutil.copy(ROOT / "sample" / "hits.h5", tmp_path)
    for words in commands_in(text):
        if words[0] == "geant4" and not with_geant4:
            continue
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


SMALL = {"2000": "2", "1000": "8", "49GeV:98GeV": "1GeV", "hits.h5": "few.h5"}


def write_inputs(folder):
    """Write the files that commands outside of the tutorial start from."""
    sample, hits = ROOT / "sample", foreign_files.showers()
    foreign_files.write_csv(folder, hits)
    foreign_files.write_jagged_tree(folder, hits)
    shutil.copy(sample / "hits.h5", folder)
    for name in ("near_1tev.h5", "cfm_1tev.h5"):
        shutil.copy(sample / "photons_1tev.h5", folder / name)
    for name in ("near_65.h5", "cfm_65.h5", "others.h5"):
        shutil.copy(sample / "photons_discrete.h5", folder / name)


@pytest.mark.slow
@pytest.mark.parametrize("document", ["README.md", "docs/own_hits.md", "docs/patterns.md"])
def test_commands_outside_of_the_tutorial_run(tmp_path, document):
    write_inputs(tmp_path)
    data = ROOT.parent / "shared" / "geant4-data"
    environment = {"GEANT4_DATA_DIR": str(data)} | os.environ
    for words in commands_in((ROOT / document).read_text(encoding="utf-8")):
        if words[0] == "geant4":
            if not data.is_dir() or find_spec("calzone") is None:
                continue
            words = [SMALL.get(word, word) for word in words]
        elif words[0] == "simulate":
            words = ["8" if word == "1000" else word for word in words]
        words = words[: words.index(">")] if ">" in words else words
        result = subprocess.run(
            [PROGRAM, *words, "--force"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_commands_of_the_command_page_run(tmp_path):
    write_inputs(tmp_path)
    for words in commands_in((ROOT / "docs" / "cli.md").read_text(encoding="utf-8")):
        result = subprocess.run(
            [PROGRAM, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr


def code_in(document):
    """Give the blocks of Python of a page."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), re.DOTALL | re.M)


def test_code_for_own_models_runs(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="needs torch: pip install calovox[train]")
    shutil.copy(ROOT / "sample" / "photons_discrete.h5", tmp_path / "photons.h5")
    monkeypatch.chdir(tmp_path)
    for code in code_in("docs/own_models.md"):
        names = {}
        exec(compile(code, "docs/own_models.md", "exec"), names)
        if "MySampler" in names:
            assert isinstance(names["MySampler"](), OwnSampler)
    assert DatasetReader(tmp_path / "mine.h5").grid == DatasetReader(tmp_path / "photons.h5").grid
