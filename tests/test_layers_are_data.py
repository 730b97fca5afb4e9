"""The layers of one detector are named in the room that describes it, and nowhere else."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "calovox"
MAY_NAME_LAYERS = {"geometry/barrel.py", "export/fastcalosim.py"}
NUMBERS = ((0, 1, 2, 3, 12), (0, 1, 2, 3), (1, 2, 3))
NAMES = re.compile("EMB[123]|PreSamplerB|TileBar0")
TAKE_A_NUMBER = {"layer_slice", "index_grid", "grid_shape", "layer_radius", "layer_thickness"}


def is_number(node):
    return isinstance(node, ast.Constant) and type(node.value) is int


def literal_numbers(node):
    members = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
    return tuple(member.value for member in members if member is not None and is_number(member))


def mentions_layer(node):
    if isinstance(node, ast.Subscript):
        return mentions_layer(node.value)
    name = getattr(node, "id", getattr(node, "attr", ""))
    return re.fullmatch(r"_?layers?", name) is not None


def names_layers(node):
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        same = all(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
        return same and any(map(is_number, sides)) and any(map(mentions_layer, sides))
    if isinstance(node, ast.Call):
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return called in TAKE_A_NUMBER and any(map(is_number, node.args))
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and NAMES.fullmatch(node.value) is not None
    return literal_numbers(node) in NUMBERS


def places_of(text):
    return [node.lineno for node in ast.walk(ast.parse(text)) if names_layers(node)]


def test_only_the_barrel_and_fastcalosim_name_layers():
    modules = {str(path.relative_to(SOURCE)): path for path in SOURCE.rglob("*.py")}
    found = {name: places_of(path.read_text("utf-8")) for name, path in modules.items()}
    assert {name: lines for name, lines in found.items() if lines}.keys() == MAY_NAME_LAYERS


@pytest.mark.parametrize(
    "text",
    [
        "LAYERS = (0, 1, 2, 3, 12)",
        "rings = {1: 2, 2: 3, 3: 4}",
        "chosen = hits.layer == 2",
        "if layer[row] != 12: pass",
        "grid.layer_slice(3)",
        "title = 'EMB1'",
    ],
)
def test_names_of_layers_are_found(text):
    assert places_of(text) == [1]


@pytest.mark.parametrize("text", ["n_layers == 2", "layer >= 0", "(3, 1, 2)", "'of EMB1'"])
def test_other_numbers_are_not_names_of_layers(text):
    assert places_of(text) == []
