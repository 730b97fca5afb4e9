"""Cells of any detector as a table."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from calovox.geometry import Detector
from calovox.geometry.detector_files import read_detector
from calovox.geometry.detector_files.cells import read_cells
from tests.toy_detector import three_layers

LAYERS = """
eta_range = [0.0, 1.3]
[[layers]]
number = 4
name = "Front"
role = "strips"
surface = "cylinder"
inner = 1000.0
outer = 1100.0
[[layers]]
number = 7
name = "Core"
role = "middle"
surface = "cylinder"
inner = 1100.0
outer = 1400.0
[[layers]]
number = 9
name = "Rear"
role = "back"
surface = "cylinder"
inner = 1400.0
outer = 1500.0
[cells]
file = "cells.NAME"
"""


def columns_of(detector: Detector, *, whole: bool) -> dict:
    cells = detector.cells
    names = {"layer": "layer", "eta": "eta", "phi": "phi", "deta": "d_eta", "dphi": "d_phi"}
    if whole:
        names |= {"id": "id", "r": "r", "z": "z", "dr": "d_r"}
    order = np.random.default_rng(1).permutation(len(cells))
    return {name: getattr(cells, field)[order] for name, field in names.items()}


@pytest.mark.parametrize(("name", "whole"), [("csv", True), ("csv", False), ("parquet", False)])
def test_a_table_gives_the_same_cells(tmp_path, name, whole):
    toy = three_layers()
    table = pa.table(columns_of(toy, whole=whole))
    write = {"csv": pa.csv.write_csv, "parquet": pa.parquet.write_table}[name]
    write(table, tmp_path / f"cells.{name}")
    (tmp_path / "toy.toml").write_text(LAYERS.replace("NAME", name))
    detector = read_detector(tmp_path / "toy.toml")
    assert detector.text == ""  # the table is not in it
    assert detector.layers_digest == toy.layers_digest
    for column in ("layer", "eta", "phi", "d_eta", "d_phi", "r", "z", "d_r", "eta_index"):
        expected = getattr(toy.cells, column)
        np.testing.assert_allclose(getattr(detector.cells, column), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"eta": None}, "expected the columns .* none called eta"),
        ({"layer": 5}, r"expected cells of the layers \[4, 7, 9\], got \[5\]"),
        ({"layer": 4.5}, "expected whole numbers in `layer`"),
        ({"phi": 11.0}, "expected numbers from -10 to 10 in `phi`"),
        ({"deta": "wide"}, "expected one column `deta` of numbers, got string"),
        ({"eta": 0.3}, "expected cells side by side in layer 4"),
    ],
)
def test_other_tables_are_refused(tmp_path, change, match):
    toy = three_layers()
    columns = columns_of(toy, whole=False)
    for name, value in change.items():
        columns[name] = np.full(len(toy.cells), value)
        if value is None:
            del columns[name]
    path = tmp_path / "cells.csv"
    pa.csv.write_csv(pa.table(columns), path)
    with pytest.raises(ValueError, match=match) as caught:
        read_cells(path, toy.layers, "toy")
    assert f"{caught.value}".startswith(f"{path}: ")


def test_cells_of_several_sizes_are_refused(tmp_path):
    toy = three_layers()
    columns = columns_of(toy, whole=False)
    columns["deta"][:5] *= 0.5
    pa.csv.write_csv(pa.table(columns), tmp_path / "cells.csv")
    with pytest.raises(ValueError, match="expected cells of one size in layer"):
        read_cells(tmp_path / "cells.csv", toy.layers, "toy")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_cells(tmp_path / "none.csv", toy.layers, "toy")
