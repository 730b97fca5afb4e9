r"""A detector as TOML: layers, one behind the other, and their cells.

::

    name = "silicon and tungsten"  # without: the name of the file
    eta_range = [0.0, 0.5]         # abs(eta) of particles whose showers it covers

    [[layers]]
    number = 0                     # in files of hits and voxels, 0 to 254
    name = "Si{number}"            # without: L{number}
    role = "other"                 # presampler, strips, middle, back, tile or other
    surface = "cylinder"           # or "plane": across the beam, on both sides
    inner = 800.0                  # mm: nearer radius of a cylinder, nearer abs(z) of a plane
    thickness = 3.4                # mm; or `outer`
    count = 45                     # so many such layers, each where the one before it ends

    [[layers]]
    number = 50
    role = "back"
    surface = "cylinder"
    inner = [960.0, 970.0]         # in bins of abs(eta); beyond the last one, its values hold
    outer = [990.0, 1000.0]
    bins_per_eta = 2.0
    cells = { per_eta = 20, n_phi = 128, eta = [0.0, 0.5] }  # other cells than those below

    [cells]                        # of all layers without their own
    per_eta = 80                   # cells per unit of eta
    n_phi = 512                    # cells around
    eta = [0.0, 0.5]               # abs(eta) that they cover, in whole cells

Instead of a regular grid, ``[cells]`` may have ``file = "cells.csv"``, a table of all cells
(`calovox.geometry.detector_files.cells`).
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from calovox.arrays import Array
from calovox.files.damage import one_line
from calovox.files.toml import parse_toml, unknown_key
from calovox.geometry.cells import CellTable
from calovox.geometry.detector import Detector
from calovox.geometry.detector_files.cells import read_cells
from calovox.geometry.layers import Layer, Position, Role
from calovox.geometry.regular import LayerGrid, regular_cells

__all__ = ["DetectorFileError", "parse_detector"]

_KEYS: Final = ("name", "eta_range", "layers", "cells")
_LAYER_KEYS: Final = (
    *("number", "name", "role", "surface", "inner", "outer", "thickness", "bins_per_eta"),
    *("count", "cells"),
)
_GRID_KEYS: Final = ("per_eta", "n_phi", "eta")
_ROUNDING: Final = 1e-6
_MOST_CELLS: Final = 20_000_000
_LARGEST_ETA: Final = 10.0
_LONGEST: Final = 1e6
_FEWEST_BINS: Final = 0.01
_MOST_BINS: Final = 10_000.0


class DetectorFileError(ValueError):
    """A file of a detector that cannot be used, and why."""


def parse_detector(text: str, name: str, *, folder: Path | None = None) -> Detector:
    """Make a detector of its TOML.

    Args:
        text: The TOML.
        name: What to call the detector, if the text does not say.
        folder: Where a table of cells is looked for; None to allow none.

    Returns:
        The detector; with its text, unless the cells are in a table.

    Raises:
        DetectorFileError: If the text is no such TOML.
        FileNotFoundError: If there is no table of the cells.
    """
    try:
        content = parse_toml(text)
        _check_keys("the top level", content, _KEYS)
        title = _typed("", content, "name", str, name)
        layers, grids = _layers(content)
        low, high = _pair("eta_range", content.get("eta_range"))
        if high > _LARGEST_ETA:
            raise ValueError(f"`eta_range`: expected at most {_LARGEST_ETA:g}, got {high:g}")
        cells, is_whole = _cells(content, title, layers, grids, folder)
        return Detector(cells, (low, high), text if is_whole else "")
    except FileNotFoundError:
        raise
    except (ValueError, TypeError, OverflowError) as problem:
        raise DetectorFileError(one_line(problem)) from problem


def _layers(content: Mapping[str, Any]) -> tuple[tuple[Layer, ...], list[Any]]:
    """Read all layers, and what each says of its cells."""
    sections = content.get("layers")
    if not isinstance(sections, list) or not sections:
        raise ValueError("expected sections [[layers]], got none")
    layers: list[Layer] = []
    grids: list[Any] = []
    for place, section in enumerate(sections):
        where = f"[[layers]] {place + 1}"
        if not isinstance(section, dict):
            raise ValueError(f"{where}: expected a section, got {section!r}")
        _check_keys(where, section, _LAYER_KEYS)
        stack = _stack(where, section)
        layers += stack
        grids += [section.get("cells")] * len(stack)
    surfaces = {layer.position.surface for layer in layers}
    if len(surfaces) > 1:
        raise ValueError(
            "[[layers]]: cylinders and planes in one detector are not supported: describe barrel "
            "and endcap as two detectors"
        )
    order = sorted(range(len(layers)), key=lambda place: layers[place].number)
    _check_apart(layers)
    return tuple(layers[place] for place in order), [grids[place] for place in order]


def _stack(where: str, section: Mapping[str, Any]) -> list[Layer]:
    """Read one layer, or several equal ones behind each other."""
    number = _typed(where, section, "number", int, None)
    count = _typed(where, section, "count", int, 1)
    if not 1 <= count <= 255:
        raise ValueError(f"{where} `count`: expected 1 to 255, got {count}")
    name = _typed(where, section, "name", str, "L{number}")
    if count > 1 and "{number}" not in name:
        raise ValueError(f"{where} `name`: expected {{number}} in it, as there are {count} layers")
    inner = _lengths(where, section, "inner")
    outer = _outer(where, section, inner)
    bins_per_eta = _typed(where, section, "bins_per_eta", float, 1.0)
    if not _FEWEST_BINS <= bins_per_eta <= _MOST_BINS:
        raise ValueError(
            f"{where} `bins_per_eta`: expected {_FEWEST_BINS:g} to {_MOST_BINS:g}, got "
            f"{bins_per_eta:g}"
        )
    layers = []
    for step in range(count):
        away = step * (outer - inner)
        position = Position(
            _one_of(where, section, "surface", ("cylinder", "plane"), None),
            inner + away,
            outer + away,
            bins_per_eta,
        )
        title = name.replace("{number}", f"{number + step}")
        if title == f"layer_{number + step}":
            raise ValueError(
                f"{where} `name`: '{title}' is for layers of an unknown detector: choose another"
            )
        role = _one_of(where, section, "role", get_args(Role), "other")
        layers.append(Layer(number + step, title, role, position))
    return layers


def _outer(where: str, section: Mapping[str, Any], inner: Array) -> Array:
    if ("outer" in section) == ("thickness" in section):
        raise ValueError(f"{where}: expected `outer` or `thickness`, got both or neither")
    if "outer" in section:
        outer = _lengths(where, section, "outer")
    else:
        outer = inner + _lengths(where, section, "thickness")
    if len(outer) != len(inner):
        raise ValueError(f"{where}: expected as many values of `outer` as of `inner`")
    if len(inner) > 1 and "bins_per_eta" not in section:
        raise ValueError(f"{where}: `inner` has {len(inner)} bins of |eta|: give `bins_per_eta`")
    return outer


def _check_apart(layers: list[Layer]) -> None:
    """Refuse layers that overlap: a hit would be in two of them."""
    for bins_per_eta in {layer.position.bins_per_eta for layer in layers}:
        n_bins = max(len(layer.position.inner) for layer in layers)
        eta = (np.arange(n_bins) + 0.5) / bins_per_eta
        for place in range(n_bins):
            sides = sorted((*_surfaces(layer, float(eta[place])), layer.name) for layer in layers)
            for (_, outer, first), (inner, _, second) in pairwise(sides):
                if inner < outer - _ROUNDING:
                    raise ValueError(
                        f"[[layers]]: `{first}` and `{second}` overlap at |eta| {eta[place]:.4g}: "
                        f"expected `inner` of at least {outer:.6g} mm, got {inner:.6g}"
                    )


def _surfaces(layer: Layer, eta: float) -> tuple[float, float]:
    place = layer.position
    row = min(int(eta * place.bins_per_eta), len(place.inner) - 1)
    return float(place.inner[row]), float(place.outer[row])


def _cells(
    content: Mapping[str, Any],
    name: str,
    layers: tuple[Layer, ...],
    grids: list[Any],
    folder: Path | None,
) -> tuple[CellTable, bool]:
    """Read the cells, and say whether the text has all of them."""
    common = content.get("cells")
    if isinstance(common, dict) and "file" in common:
        _check_keys("[cells]", common, ("file",))
        if any(grid is not None for grid in grids):
            raise ValueError("[[layers]] `cells`: [cells] `file` has the cells of all layers")
        if folder is None:
            raise ValueError("[cells] `file`: the table of the cells is not here")
        path = folder / _typed("[cells]", common, "file", str, None)
        return read_cells(path, layers, name), False
    if common is not None:
        grids = [common if grid is None else grid for grid in grids]
    made = [_grid(layer, grid) for layer, grid in zip(layers, grids, strict=True)]
    n_cells = sum(2 * (grid.last - grid.first) * grid.n_phi for grid in made)
    if n_cells > _MOST_CELLS:
        raise ValueError(f"[cells]: expected at most {_MOST_CELLS} cells, got {n_cells}")
    return regular_cells(layers, made, name), True


def _grid(layer: Layer, grid: Any) -> LayerGrid:
    where = f"`cells` of {layer.name}"
    if not isinstance(grid, dict):
        raise ValueError(f"{where}: expected {', '.join(_GRID_KEYS)}, or a section [cells]")
    _check_keys(where, grid, _GRID_KEYS)
    per_eta = _typed(where, grid, "per_eta", int, None)
    ends = [edge * per_eta for edge in _pair(f"{where} `eta`", grid.get("eta"))]
    if any(abs(end - round(end)) > _ROUNDING * max(1.0, end) for end in ends):
        raise ValueError(
            f"{where}: expected `eta` in whole cells of 1/{per_eta}, got {grid['eta']}"
        )
    n_phi = _typed(where, grid, "n_phi", int, None)
    return LayerGrid(per_eta, n_phi, round(ends[0]), round(ends[1]))


def _lengths(where: str, section: Mapping[str, Any], key: str) -> Array:
    value = section.get(key)
    values: list[Any] = value if isinstance(value, list) and value else [value]
    if not all(_is_number(entry) and 0.0 < entry <= _LONGEST for entry in values):
        raise ValueError(
            f"{where} `{key}`: expected a length above 0 in mm, at most {_LONGEST:g}, or several "
            f"by |eta|, got {value!r}"
        )
    return np.array(values, dtype=np.float64)


def _pair(where: str, value: Any) -> tuple[float, float]:
    if not (isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))):
        raise ValueError(f"{where}: expected [LOW, HIGH] of |eta|, got {value!r}")
    low, high = float(value[0]), float(value[1])
    if not 0.0 <= low < high < math.inf:
        raise ValueError(f"{where}: expected 0 <= LOW < HIGH, got {value!r}")
    return low, high


def _typed(where: str, section: Mapping[str, Any], key: str, kind: type, default: Any) -> Any:
    value = section.get(key, default)
    fits = isinstance(value, kind) and not isinstance(value, bool)
    if kind is float and _is_number(value):
        value, fits = float(value), True
    if not fits or value == "":
        wanted = {int: "a whole number", str: "text", float: "a number"}[kind]
        got = "nothing" if value is None else repr(value)
        raise ValueError(f"{where} `{key}`: expected {wanted}, got {got}".strip())
    return value


def _one_of(
    where: str, section: Mapping[str, Any], key: str, known: tuple[str, ...], default: str | None
) -> Any:
    value = section.get(key, default)
    if value not in known:
        got = "nothing" if value is None else repr(value)
        raise ValueError(f"{where} `{key}`: expected {', '.join(known)}, got {got}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_keys(where: str, section: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in section:
        if key not in known:
            raise ValueError(f"{where}: {unknown_key(key, known)}")
