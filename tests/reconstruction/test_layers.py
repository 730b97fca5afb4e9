"""Shapes of showers in the layers of any detector."""

import math

import numpy as np
import pytest

from calovox.geometry.cell_energies import CellEnergies
from calovox.reconstruction import cells_to_layer_shapes, hits_to_cells
from calovox.reconstruction.layers import LayerShapes, concatenate_layer_shapes
from tests.toy_detector import disks, many_layers, showers_in, three_layers


def slow_shapes(cells, table, event):
    """Compute the shapes of one event, cell by cell."""
    rows = range(cells.event_offsets[event], cells.event_offsets[event + 1])
    energy = {row: float(cells.energy[row]) for row in rows}
    total = sum(energy.values())
    found = {}
    for number in table.numbers:
        of_layer = [row for row in rows if table.layer[cells.cell[row]] == number]
        weight = {row: energy[row] for row in of_layer if energy[row] > 0}
        whole = sum(weight.values())
        eta = {row: table.eta[cells.cell[row]] for row in weight}
        start = table.phi[cells.cell[max(energy, key=energy.get)]] if energy else 0.0
        phi = {
            row: (table.phi[cells.cell[row]] - start + math.pi) % (2 * math.pi) - math.pi
            for row in weight
        }
        result = {"energy": sum(energy[row] for row in of_layer), "n_cells": len(weight)}
        result["fraction"] = result["energy"] / total if total > 0 else 0.0
        for name, along in (("eta", eta), ("phi", phi)):
            mean = sum(weight[row] * along[row] for row in weight) / whole if whole else 0.0
            square = sum(weight[row] * (along[row] - mean) ** 2 for row in weight)
            result[f"width_{name}"] = math.sqrt(square / whole) if whole else 0.0
            back = (mean + start + math.pi) % (2 * math.pi) - math.pi if whole else 0.0
            result[f"center_{name}"] = mean if name == "eta" else back
        found[number] = result
    return found


@pytest.mark.parametrize("detector", [three_layers(), many_layers(6), disks()], ids=repr)
def test_shapes_are_those_of_the_slow_twin(detector):
    cells = hits_to_cells(showers_in(detector, 6, n_hits=80), detector.cells)
    cells.energy[::7] *= -0.3
    shapes = cells_to_layer_shapes(cells, detector.cells)
    for event in range(len(shapes)):
        expected = slow_shapes(cells, detector.cells, event)
        for position, number in enumerate(detector.numbers):
            for name, value in expected[number].items():
                found = getattr(shapes, name)[event, position]
                assert found == pytest.approx(value, rel=1e-9, abs=1e-9), name


def test_showers_at_the_end_of_phi_are_narrow():
    detector = three_layers()
    hits = showers_in(detector, 2, n_hits=40)
    hits.phi[:] = np.where(np.arange(80) % 2, np.pi - 0.01, -np.pi + 0.01)
    shapes = cells_to_layer_shapes(hits_to_cells(hits, detector.cells), detector.cells)
    assert np.all(shapes.width_phi < 0.06)
    assert np.all(np.abs(shapes.center_phi) > 3.0)


def test_empty_layers_have_no_shapes():
    table = three_layers().cells
    nothing = CellEnergies(
        np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(3, np.int64), np.zeros(2)
    )
    shapes = concatenate_layer_shapes([cells_to_layer_shapes(nothing, table)] * 2)
    assert len(shapes) == 4
    for name in ("energy", "fraction", "center_eta", "center_phi", "width_eta", "n_cells"):
        assert not getattr(shapes, name).any()


def test_cells_of_another_table_are_refused():
    table = three_layers().cells
    one = CellEnergies(
        np.array([len(table)], np.int32), np.ones(1, np.float32), np.array([0, 1]), np.zeros(1)
    )
    with pytest.raises(ValueError, match="expected rows of the cell table"):
        cells_to_layer_shapes(one, table)
    with pytest.raises(ValueError, match=r"expected `energy` of shape \(1, 3\), got \(1, 2\)"):
        LayerShapes(*[np.ones((1, 2))] * 6, n_cells=np.ones((1, 2), int), numbers=(1, 2, 3))
