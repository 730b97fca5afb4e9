"""One shower as a picture, by the command and from Python."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import calovox
from calovox.cli import app
from calovox.dataset import DatasetReader
from calovox.drawing import VIEWS, draw_shower, read_shower
from calovox.hits.file import HitsReader
from calovox.voxelization import VoxelGrid
from tests.toy_datasets import datasets, region_hits

__all__ = ["datasets", "region_hits"]

ROOT = Path(__file__).resolve().parents[2]
SIGNATURES = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


def run(*words):
    return CliRunner().invoke(app, ["show", *map(str, words)])


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kind", ["reference", "hits"])
def test_every_view_of_every_file_is_drawn(datasets, tmp_path, view, kind):
    suffix = {"voxels": ".png", "cells": ".svg", "profile": ".pdf"}[view]
    output = tmp_path / f"shower{suffix}"
    result = run(datasets[kind], "--event", 2, "--view", view, "-o", output)
    assert result.exit_code == 0, result.output
    assert output.read_bytes().startswith(SIGNATURES[suffix])


def drawn(ax):
    """Give the energies, or densities, of the polygons of a panel."""
    (collection,) = ax.collections
    return np.ma.filled(collection.get_array(), 0.0)


def test_panels_have_the_density_of_the_voxels(datasets):
    voxels = DatasetReader(datasets["reference"]).read(slice(3, 4))
    figure = calovox.show(datasets["reference"], 3, layers=[2])
    grid = voxels.grid
    area = 0.5 * (grid.r_max**2 - grid.r_min**2) * (grid.alpha_max - grid.alpha_min)
    density = voxels.energy[0] * voxels.incident_energy[0] / area
    rows = (grid.layer == 2) & (density > 1e-4 * density.max()) & (grid.r_min < 30)
    found = drawn(figure.axes[0])
    assert np.isin(np.round(density[rows], 6), np.round(found, 6)).all()
    assert figure.axes[0].get_title().startswith("EMB2: ")


def test_layers_have_the_energy_of_the_cells(datasets):
    shower = read_shower(datasets["hits"], 1)
    figure = draw_shower(shower, "profile")
    heights = [1e3 * bar.get_height() for bar in figure.axes[0].patches]
    assert heights == pytest.approx([*shower.layer_energy.values()])
    energy = HitsReader(datasets["hits"]).read(slice(1, 2)).energy
    assert sum(heights) + shower.cells.outside[0] == pytest.approx(energy.sum(), rel=1e-4)


def test_showers_in_memory_are_drawn_as_those_of_the_file(datasets):
    reader = DatasetReader(datasets["reference"])
    from_file = calovox.show(datasets["reference"], 4, layers=[1])
    in_memory = calovox.show(reader.read(), 4, layers=[1])
    np.testing.assert_array_equal(drawn(from_file.axes[0]), drawn(in_memory.axes[0]))


def test_of_many_layers_those_with_most_energy_are_drawn(region_hits):
    voxels = DatasetReader(ROOT / "sample" / "photons_coarse.h5").read(slice(0, 1))
    grid = VoxelGrid({j: VoxelGrid.optimal().layers[0] for j in range(20)})
    energy = np.zeros((1, grid.n_voxels), dtype=np.float32)
    energy[0, grid.layer >= 8] = 1e-3
    many = type(voxels)(grid, energy, voxels.incident_energy, voxels.eta_center)
    titles = [ax.get_title() for ax in calovox.show(many).axes[:-1]]
    assert [title.split(":")[0] for title in titles] == [f"layer_{j}" for j in range(8, 20)]
    assert len(calovox.show(many, view="profile").axes[0].patches) == 2  # a step line


def test_notebooks_get_a_picture(datasets):
    figure = calovox.show(datasets["reference"], layers=[1])
    assert figure._repr_png_().startswith(SIGNATURES[".png"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--event", 80), "has 80 showers, 0 to 79, got 80"),
        (("--layer", 7), "--layer: expected one of 0, 1, 2, 3, 12, got 7"),
        (("--grid", "compact"), "--grid is for hits"),
        (("-o", "shower.gif"), "expected a name that ends with .png, .svg or .pdf"),
    ],
)
def test_what_cannot_be_shown_is_refused(datasets, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    result = run(datasets["reference"], "-o", "shower.png", *words)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert [*tmp_path.iterdir()] == []


def test_cells_are_refused_where_there_are_none(datasets):
    with pytest.raises(ValueError, match="expected cells to show, got none"):
        calovox.show(datasets["without_cells"], view="cells")


def test_notebook_of_the_documents_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    notebook = json.loads((ROOT / "docs" / "showers.ipynb").read_text(encoding="utf-8"))
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), names)
    assert names["figure"].axes[0].get_title() == "the middle layer"
