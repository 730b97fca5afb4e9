"""Contracts of the repository: who may import whom, and how long a text may be."""

import ast
import importlib
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.toy_onnx import write_toy_onnx

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "calovox"

# What each room is for, and which other rooms its modules import, wherever the import stands.
MAY_IMPORT = {
    # numbers and files
    "arrays": "",  # axis names and array types
    "options": "",  # ranges and meaning of the fields of dataclasses
    "tracking": "",  # who is told how far a work over showers is
    "side_by_side": "",  # tasks in several processes
    "kernels": "",  # compiled functions, and where they are kept
    "text": "",  # names and texts that can be shown anywhere
    "version": "",  # which commit made this
    "units": "",  # MeV, mm, rad, and how people write them
    "random_streams": "arrays kernels",  # random numbers keyed by seed, purpose and event
    "files": "arrays",  # whole or not at all, HDF5, and which format a file has
    # showers
    "photons": "arrays random_streams units",  # energies and directions to simulate, and weights
    "geometry": "arrays files kernels",  # cells and their energies, look-up, radii, coordinates
    "hits": (  # energy deposits and their file
        "arrays files geometry kernels photons tracking units"
    ),
    "geant4": (  # reference showers
        "arrays files geometry hits kernels phi_modulation photons random_streams units"
    ),
    "phi_modulation": (  # learn, remove, apply
        "arrays files geometry hits kernels options random_streams tracking"
    ),
    "voxelization": "arrays files geometry hits kernels photons text",  # grids, and hits to voxels
    "foreign": (  # hits and showers of other programs, and what their columns mean
        "arrays dataset files geometry hits photons text tracking units voxelization"
    ),
    "binned_shower": (  # voxels to hits
        "arrays files geometry hits kernels phi_modulation photons random_streams voxelization"
    ),
    "patterns": (  # voxels to hits and cells where Geant4 had them
        "arrays binned_shower files geometry hits kernels phi_modulation random_streams "
        "voxelization"
    ),
    "dataset": (  # its file
        "arrays binned_shower files geant4 geometry hits patterns phi_modulation photons "
        "random_streams reconstruction tracking units voxelization"
    ),
    "reconstruction": "arrays files geometry hits kernels photons tracking units",  # shower shapes
    # models
    "preprocessing": "arrays",  # bijections between showers and the space of models
    "nn": "",  # networks that know no physics
    "models": (  # energies of layers, and showers of voxels
        "arrays files geometry hits kernels nn photons preprocessing random_streams voxelization"
    ),
    "training": (  # one loop
        "arrays dataset files geometry models nn options photons preprocessing units voxelization"
    ),
    "runtime": (  # sampling with ONNX Runtime alone
        "arrays files geometry models photons voxelization"
    ),
    "export": (  # a trained model as a graph, with its files
        "arrays binned_shower dataset files models nn phi_modulation preprocessing "
        "random_streams runtime training units voxelization"
    ),
    # from photons to the report
    "simulation": (  # photons to voxels to hits to cells, with any sampler
        "arrays binned_shower dataset files foreign geometry hits models patterns "
        "phi_modulation photons random_streams reconstruction runtime text tracking voxelization"
    ),
    "benchmarking": (  # what a shower costs
        "arrays binned_shower dataset files geometry models patterns phi_modulation photons "
        "random_streams runtime simulation units voxelization"
    ),
    "samples": (  # showers of any file, as scores and report need them
        "arrays dataset files geometry hits kernels photons random_streams reconstruction text "
        "tracking units voxelization"
    ),
    "scores": (  # two samples compared
        "arrays files kernels nn samples side_by_side tracking units"
    ),
    "report": (  # topics measured, drawn, and put on a page
        "arrays binned_shower files geometry phi_modulation photons reconstruction samples "
        "scores side_by_side tracking units voxelization"
    ),
    "drawing": (  # one shower as a picture
        "arrays dataset files geometry hits reconstruction report text units voxelization"
    ),
    "grid_search": (  # the smallest grid whose cells do not show it
        "arrays binned_shower files geometry hits kernels patterns phi_modulation photons "
        "reconstruction report samples scores tracking voxelization"
    ),
    "jobs": (  # files of several jobs as that of one
        "arrays dataset files geometry hits photons reconstruction tracking voxelization"
    ),
    "info": (  # what is in a file or a folder of ours
        "dataset files geometry hits models patterns phi_modulation reconstruction runtime "
        "samples units voxelization"
    ),
    "cli": (  # one command per stage
        "benchmarking binned_shower dataset drawing export files foreign geant4 geometry "
        "grid_search hits info jobs models options patterns phi_modulation photons "
        "reconstruction report samples scores simulation text training units voxelization"
    ),
}

# Libraries that only some rooms may import, wherever the import stands.
KEPT_LIBRARIES = {
    "calzone": {"geant4"},
    "distributed": {"jobs"},
    "matplotlib": {"report", "drawing", "grid_search"},
    "mplhep": {"report"},
    "PIL": {"report"},
    "jinja2": {"report"},
    "typer": {"cli"},
    "rich": {"cli", "geant4"},
    "onnx": {"export"},
    "onnxscript": {"export"},
    "lightning_fabric": {"training"},
    "safetensors": {"training"},
    "sklearn": {"scores"},
    "tensorboardX": {"training"},
    "torch": {
        *("preprocessing", "nn", "models", "training", "export", "scores"),
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


WITHOUT_ROOM = {SOURCE / name for name in ("__init__.py", "__main__.py", "_version.py")}
MODULES = [path for path in sorted(SOURCE.rglob("*.py")) if path not in WITHOUT_ROOM]


def name_of(path):
    """Give the name of a module; a package has that of its folder."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph():
    """Give the modules that each module imports, wherever the import stands."""
    names = {name_of(path) for path in MODULES}
    graph = {}
    for path in MODULES:
        wanted = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                wanted |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                inside = {f"{node.module}.{alias.name}" for alias in node.names}
                wanted |= (inside & names) or {str(node.module)}
        graph[name_of(path)] = wanted & names
    return graph


def circles_of(graph):
    """Give what remains when all that imports, or is imported by, nothing else is taken out."""
    rest = {name: set(wanted) for name, wanted in graph.items()}
    while True:
        imported = set().union(*rest.values())
        ends = {name for name, wanted in rest.items() if not wanted or name not in imported}
        if not ends:
            return set(rest)
        rest = {name: wanted - ends for name, wanted in rest.items() if name not in ends}


def test_table_names_exactly_the_rooms():
    assert {room_of(path) for path in MODULES} == set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_import_what_the_table_says(room):
    found = set()
    for path in MODULES:
        if room_of(path) == room:
            for name in imported_modules(path):
                first, _, rest = name.partition(".")
                found |= {rest.split(".")[0]} if first == "calovox" and rest else set()
                assert room in KEPT_LIBRARIES.get(first, {room}), f"{path} must not import {name}"
    assert found - {room, "_version"} == set(MAY_IMPORT[room].split())


def test_no_room_imports_a_room_that_imports_it():
    graph = {room: set(others.split()) for room, others in MAY_IMPORT.items()}
    assert circles_of(graph) == set()


def test_no_module_imports_a_module_that_imports_it():
    assert circles_of(import_graph()) == set()


def test_circles_are_found():
    assert circles_of({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == {"b", "c"}


def test_no_room_holds_more_than_15_per_cent_of_the_lines():
    lines = {}
    for path in MODULES:
        n_lines = len(path.read_text(encoding="utf-8").splitlines())
        lines[room_of(path)] = lines.get(room_of(path), 0) + n_lines
    large = {room for room, number in lines.items() if number > 0.15 * sum(lines.values())}
    assert large == set()


def test_no_folder_level_has_more_than_15_files():
    left_out = {"__pycache__", "shipped"}  # an exported model has the files that it needs
    folders = {path.parent for path in SOURCE.rglob("*.*") if not left_out & {*path.parts}}
    sizes = {folder: sum(path.is_file() for path in folder.iterdir()) for folder in folders}
    assert {str(folder): size for folder, size in sizes.items() if size > 15} == {}


def test_every_hdf5_file_is_opened_for_reading_behind_the_gate():
    opening = re.compile(r"h5py\.File\((?![^)\n]*\"w\")|h5f\.open\(")
    found = {room_of(path) for path in MODULES if opening.search(path.read_text())}
    assert found == {"files"}


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
        import calovox.simulation.simulate, calovox.dataset.make, calovox.cli, calovox.models.base
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


def test_checks_of_shapes_leave_the_bytecode_of_libraries_alone():
    pytest.importorskip("torch", reason="needs torch: pip install calovox[train]")
    importlib.import_module("calovox.training.training")
    cached = {name: vars(module).get("__cached__") for name, module in sys.modules.items()}
    assert [name for name, path in cached.items() if "opt-jaxtyping" in str(path)] == []


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
    assert sum(sizes) < 63e6  # 66 MB, with all that is not data


def test_release_is_in_the_changelog():
    built = pytest.importorskip("calovox._version", reason="calovox was not installed").version
    release = re.match(r"\d+\.\d+\.\d+", built)
    assert release is None or f"## {release[0]}" in (ROOT / "CHANGELOG.md").read_text()
