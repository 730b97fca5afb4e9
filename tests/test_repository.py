"""Contracts of the repository: who may import whom, and how long a text may be."""

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.toy_onnx import write_toy_onnx

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "calovox"

# Rooms from upstream to downstream: a room imports only from itself and from rooms before it.
ROOMS = [
    *("units", "arrays", "random_streams", "files", "hdf5", "hdf5_writer"),
    *("photons", "geometry", "hits", "cell_energies", "geant4", "phi_modulation"),
    *("voxelization", "binned_shower", "dataset", "photon_files", "preprocessing"),
    *("nn", "models", "training", "distillation", "runtime", "export"),
    *("reconstruction", "sampling", "simulate", "benchmarking", "scores", "evaluation", "cli"),
]

# Libraries that only some rooms may import, wherever the import stands.
KEPT_LIBRARIES = {
    "calzone": {"geant4"},
    "matplotlib": {"evaluation"},
    "mplhep": {"evaluation"},
    "PIL": {"evaluation"},
    "jinja2": {"evaluation"},
    "typer": {"cli"},
    "rich": {"cli", "geant4"},
    "onnx": {"export"},
    "onnxscript": {"export"},
    "lightning_fabric": {"training"},
    "safetensors": {"training"},
    "sklearn": {"scores"},
    "tensorboardX": {"training"},
    "torch": {
        *("preprocessing", "nn", "models", "training", "distillation", "export", "evaluation"),
    },
}


def room_of(path):
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: expected absolute imports"
            yield str(node.module)


MODULES = [path for path in sorted(SOURCE.rglob("*.py")) if path != SOURCE / "__init__.py"]


def test_every_room_has_its_place():
    assert {room_of(path) for path in MODULES} <= set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_upstream_only(path):
    room = room_of(path)
    allowed = ROOMS[: ROOMS.index(room) + 1]
    for name in imported_modules(path):
        first, _, rest = name.partition(".")
        if first == "calovox" and rest:
            assert rest.split(".")[0] in allowed, f"{room} must not import {name}"
        assert room in KEPT_LIBRARIES.get(first, {room}), f"{room} must not import {name}"


def run_python(code, folder):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


def test_simulating_imports_neither_torch_nor_calzone_nor_matplotlib(tmp_path):
    code = """
        import sys
        import calovox.simulate, calovox.dataset, calovox.cli, calovox.models.base
        wrong = {"torch", "calzone", "matplotlib"} & set(sys.modules)
        sys.exit(", ".join(sorted(wrong)) or 0)
    """
    result = run_python(code, tmp_path)
    assert result.returncode == 0, result.stderr


def test_simulating_from_a_model_file_imports_neither_torch_nor_onnx(tmp_path):
    write_toy_onnx(tmp_path / "toy.onnx")
    code = """
        import sys
        from calovox.cli import app
        photons = ["--energy", "1GeV", "--eta", "0.2", "-n", "2"]
        arguments = ["simulate", "--model", "toy.onnx", *photons, "--cells", "-o", "out.h5"]
        app(arguments, standalone_mode=False)
        wrong = {"torch", "onnx", "calzone", "matplotlib"} & set(sys.modules)
        sys.exit(", ".join(sorted(wrong)) or 0)
    """
    result = run_python(code, tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out.h5").is_file()


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 100


def test_contributing_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) < 60


def test_readme_example_runs():
    if not (ROOT / "sample" / "photons_optimal.h5").exists():
        pytest.skip("needs the sample, which is not there")
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    result = run_python(code, ROOT)
    assert result.returncode == 0, result.stderr
    assert result.stdout


@pytest.mark.parametrize("document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")))
def test_links_between_documents_lead_somewhere(document):
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not target.startswith(("http:", "https:")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_what_is_shipped_is_small():
    folders = (ROOT / "sample", SOURCE / "shipped")
    sizes = [path.stat().st_size for folder in folders for path in folder.rglob("*.*")]
    assert sum(sizes) < 57.5e6  # 60 MB, with all that is not data


def test_version_is_the_same_everywhere():
    from calovox import __version__

    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
