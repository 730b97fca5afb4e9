"""What others script against: a change here is felt by them.

`pytest tests --write-interface -k interface` writes the lists anew.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import typer

from calovox.cli import app
from calovox.cli.program import LazyCommand
from calovox.dataset import DatasetWriter
from calovox.geometry import barrel_cells
from calovox.hits import HitsWriter
from calovox.models.parametric.file import read_parametric, write_parametric
from calovox.patterns import PatternMaker
from calovox.patterns.file import write_patterns
from calovox.phi_modulation import PhiModulation
from calovox.phi_modulation.average_shower import AverageProfile
from calovox.phi_modulation.curve_file import write_curve
from calovox.phi_modulation.fit import FitResult, FitSettings
from calovox.reconstruction import hits_to_cells
from calovox.runtime.metadata import ModelMetadata
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.keys import hdf5_keys, json_keys

SHIPPED = Path(__file__).resolve().parents[1] / "src" / "calovox" / "shipped"


def commands_of(command, name):
    """Give each command with its full name."""
    if hasattr(command, "commands"):
        yield name, command
        for inner, entry in command.commands.items():
            yield from commands_of(entry, f"{name} {inner}")
    else:
        yield name, command.load() if isinstance(command, LazyCommand) else command


def describe(parameter):
    """Give names, type, default and key in TOML of an option."""
    names = " ".join([*parameter.opts, *parameter.secondary_opts])
    annotation = parameter.type_descriptor.annotation
    kind = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    limits = [getattr(parameter, end, None) for end in ("min", "max")]
    marks = [] if limits == [None, None] else [f"from {limits[0]} to {limits[1]}"]
    marks += ["required"] if parameter.required else [f"default {parameter.default!r}"]
    marks += ["repeatable"] if parameter.multiple or parameter.nargs != 1 else []
    return f"{names}: {kind}, {', '.join(marks)}; key {parameter.name}"


def test_interface_of_the_commands_is_kept(check_interface):
    lines = []
    for name, command in commands_of(typer.main.get_command(app), "calovox"):
        lines.append(name)
        own = (entry for entry in command.params if entry.name != "help")
        lines += [f"    {describe(entry)}" for entry in own]
    check_interface("commands.txt", lines)


def write_dataset(path, hits):
    with DatasetWriter(path, VoxelGrid.optimal(), provenance={}, cell_table="barrel") as writer:
        writer.append(
            hits_to_voxels(hits, VoxelGrid.optimal()), hits_to_cells(hits, barrel_cells())
        )


def write_hits(path, hits):
    with HitsWriter(path, provenance={}) as writer:
        writer.append(hits)


def write_fitted_curve(path, hits):
    curves = PhiModulation(np.ones((1, 4, 5)), np.array([0.0, 1.4]), np.ones((1, 4, 5)))
    columns = [np.ones((1, 3)) for _ in range(3)]
    fit = FitResult(curves, np.ones((1, 2)), np.arange(3.0), *columns, (9,), ())
    edges = np.arange(3.0), np.arange(2.0)
    average = AverageProfile(*edges, np.ones((1, 2)), np.ones(1, dtype=np.int64))
    write_curve(path, fit, settings=FitSettings(), truth=curves, average=average)


def write_parametrisation(path, hits):
    (shipped,) = (SHIPPED / "fastcalosimv2").glob("*.h5")
    write_parametric(path, read_parametric(shipped))


def write_pattern_library(path, hits):
    maker = PatternMaker(VoxelGrid.optimal())
    maker.add(hits)
    write_patterns(path, maker.library({"provenance": {}}))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("dataset", write_dataset),
        ("hits", write_hits),
        ("phi_modulation", write_fitted_curve),
        ("parametric", write_parametrisation),
        ("patterns", write_pattern_library),
    ],
)
def test_interface_of_hdf5_files_is_kept(check_interface, toy_hits, tmp_path, name, write):
    write(tmp_path / "file.h5", toy_hits)
    check_interface(f"{name}_h5.txt", hdf5_keys(tmp_path / "file.h5"))


@pytest.mark.parametrize("model", ["calocfm", "calodit", "calofast", "fastcalogan"])
def test_interface_of_model_folders_is_kept(check_interface, model):
    folder = SHIPPED / model
    content = json.loads((folder / "model.json").read_text())
    content["files"] = sorted(content["files"])
    lines = [*json_keys(content), *hdf5_keys(folder / "voxels.h5")]
    metadata = ModelMetadata(VoxelGrid.optimal(), (1.0, 2.0), (0.0, 1.0), {})
    lines += [f"ONNX metadata {key}" for key in sorted(metadata.to_texts())]
    check_interface(f"model_{model}.txt", lines)
