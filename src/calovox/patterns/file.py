r"""The file of a library of patterns: HDF5.

| dataset | type | shape | meaning |
| --- | --- | --- | --- |
| `energies` | float64 | slice | stored energies of showers in MeV |
| `eta_borders` | float64 | border | borders between ranges of abs(eta), one less than there are |
| `n_showers` | int64 | range, slice | showers in the range whose energy is nearest to it |
| `layer` | uint8 | bin | layer number of each radial bin |
| `r_edges` | float64 | bin, 2 | its inner and outer radius in mm |
| `n_alpha` | int64 | bin | its number of voxels, the first of which begins at alpha = 0 |
| `counts` | uint32 | range, slice, bin | patterns of its voxels |
| `energy` | float32 | pattern | energy of the voxel in MeV, rising among those of a bin |
| `sides` | uint8 | pattern, 6 | levels of the sides of its voxel, 0 to 15 |
| `n_deposits` | uint16 | pattern | deposits of each pattern |
| `r`, `alpha`, `share` | uint8 | deposit | place in the voxel, and share of its energy |
| `step_layer` | uint8 | step | layer number of each step of the density |
| `step_eta` | float64 | step | abs(eta) of the step |
| `step_ratio` | float64 | step | density beyond it over the density before it |

Patterns stand range by range, slice by slice and bin by bin, deposits pattern by pattern
(`calovox.patterns.library` says what the bytes mean). Before version 5, sides are not known, and
count as 0. The ratios of version 3 were fitted for
voxels that take patterns whatever steps leave of them: with ours, less energy lies beyond. Version
2 has no steps; version 1 has one range of abs(eta) besides: no `eta_borders`, and neither
`n_showers` nor `counts` has its axis. The root has the attributes `format` ("calovox patterns")
and `version`; the group `meta` has `grid` (TOML), `merging`, `most`, `step_showers`,
`phi_modulation` and `provenance` as JSON. Columns are compressed with gzip, which every HDF5
library reads.
"""

from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from calovox.arrays import Array
from calovox.files.hdf5 import (
    check_version,
    has_format,
    open_for_reading,
    read_json,
    read_numbers_of_type,
    read_table,
    round_mantissa,
    write_json,
)
from calovox.files.whole import whole_file
from calovox.files.writer import create_hdf5
from calovox.patterns.library import N_SIDES, DensityStep, PatternLibrary, RadialBins
from calovox.voxelization import VoxelGrid
from calovox.voxelization.grid_toml import parse_rings

__all__ = ["FORMAT", "PatternFileError", "is_pattern_file", "read_patterns", "write_patterns"]

FORMAT: Final = "calovox patterns"
VERSION: Final = 5

_TYPES: Final = {
    "energies": "f8",
    "eta_borders": "f8",
    "n_showers": "i8",
    "layer": "u1",
    "r_edges": "f8",
    "n_alpha": "i8",
    "counts": "u4",
    "energy": "f4",
    "sides": "u1",
    "n_deposits": "u2",
    "r": "u1",
    "alpha": "u1",
    "share": "u1",
    "step_layer": "u1",
    "step_eta": "f8",
    "step_ratio": "f8",
}
_SINCE: Final = {"eta_borders": 2, "step_layer": 3, "step_eta": 3, "step_ratio": 3, "sides": 5}
"""Version of the format that a dataset came with, 1 for all others."""

_AXES: Final = {"r_edges": 2, "n_showers": 2, "counts": 3, "sides": 2}
_BINS: Final = ("layer", "r_edges", "n_alpha")
_STEPS: Final = {"step_layer": "layer", "step_eta": "abs_eta", "step_ratio": "ratio"}
_STRONG: Final = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
_ENERGY_BITS: Final = 10
_VALUES: Final = ("merging", "most", "step_showers")
_TABLES: Final = ("phi_modulation", "provenance")


class PatternFileError(ValueError):
    """A library of patterns that cannot be used, and why."""


def write_patterns(path: Path, library: PatternLibrary, *, overwrite: bool = False) -> None:
    """Write a library; the file appears whole or not at all.

    Args:
        path: The file.
        library: The patterns; their energies are rounded by up to 0.05 %.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: If the path exists and may not be replaced.
        ValueError: If a pattern has more deposits than the file can count.
    """
    if int(library.n_deposits.max(initial=0)) > np.iinfo(_TYPES["n_deposits"]).max:
        raise ValueError(
            f"patterns: expected up to {np.iinfo(_TYPES['n_deposits']).max} deposits in a voxel, "
            f"got {library.n_deposits.max()}: merge more of them"
        )
    columns = _bin_columns(library.bins) | {"energy": round_mantissa(library.energy, _ENERGY_BITS)}
    for name, field in _STEPS.items():
        columns[name] = np.array([getattr(step, field) for step in library.steps])
    columns |= {name: getattr(library, name) for name in _TYPES if name not in columns}
    with whole_file(path, overwrite=overwrite) as partial, create_hdf5(partial) as file:
        file.attrs["format"] = FORMAT
        file.attrs["version"] = VERSION
        for name, dtype in _TYPES.items():
            file.create_dataset(name, data=columns[name].astype(dtype), **_STRONG)
        meta = file.create_group("meta")
        write_json(meta, "grid", library.grid.to_toml())
        for name in (*_VALUES, *_TABLES):
            write_json(meta, name, library.meta.get(name))


def read_patterns(path: Path) -> PatternLibrary:
    """Read a library.

    Args:
        path: The file.

    Returns:
        The patterns.

    Raises:
        FileNotFoundError: If there is no such file.
        PatternFileError: If it is no usable library of patterns.
    """
    with open_for_reading(path, PatternFileError) as file:
        if file.attrs.get("format") != FORMAT:
            raise PatternFileError(f"{path} is no library of patterns: make one with voxelize")
        columns = _read_columns(file, path)
        bins = {name: columns.pop(name) for name in _BINS}
        of_steps = [columns.pop(name).tolist() for name in _STEPS]
        try:
            steps = tuple(DensityStep(*step) for step in zip(*of_steps, strict=True))
            grid = _read_grid(file.get("meta"))
            for name, expected in _bin_columns(RadialBins.from_grid(grid)).items():
                if not np.array_equal(bins[name], expected):
                    raise ValueError(f"`{name}` is not that of the radial bins of `meta/grid`")
            if not len(columns["sides"]):  # those of older versions
                columns["sides"] = np.zeros((len(columns["energy"]), N_SIDES), dtype=np.uint8)
            for name in ("counts", "n_deposits"):
                columns[name] = columns[name].astype(np.int64)
            meta = {name: read_json(file["meta"], name) for name in _VALUES}
            meta |= {name: read_table(file["meta"], name) for name in _TABLES}
            return PatternLibrary(grid=grid, **columns, steps=steps, meta=meta)
        except (ValueError, TypeError) as problem:
            raise PatternFileError(f"{path}: {problem}") from problem


def is_pattern_file(path: Path) -> bool:
    """Tell whether a file says that it is a library of patterns.

    Args:
        path: Any path.

    Returns:
        Whether it does.
    """
    return has_format(path, FORMAT, PatternFileError)


def _bin_columns(bins: RadialBins) -> dict[str, Array]:
    r_edges = np.stack([bins.r_min, bins.r_max], axis=1)
    return {"layer": bins.layer, "r_edges": r_edges, "n_alpha": bins.n_alpha}


def _read_grid(meta: h5py.Group | None) -> VoxelGrid:
    text = read_json(meta, "grid")
    if not isinstance(text, str):
        raise ValueError("expected the grid as TOML in `meta/grid`")
    rings = parse_rings(text)
    return VoxelGrid(rings.rings, rings.name or "", names=rings.names)


def _read_columns(file: h5py.File, path: Path) -> dict[str, Any]:
    """Read all columns; those that older versions lack are empty, and one range is an axis."""
    version = file.attrs.get("version")
    if version not in range(1, VERSION):
        check_version(file, path, VERSION, PatternFileError)
    columns = {}
    for name, dtype in _TYPES.items():
        if version < _SINCE.get(name, 1):
            columns[name] = np.empty(0)
            continue
        column = read_numbers_of_type(file, path, name, dtype, PatternFileError)
        lacks_range = version == 1 and name in ("n_showers", "counts")
        if np.ndim(column) != _AXES.get(name, 1) - lacks_range:
            raise PatternFileError(
                f"{path}: expected another shape of `{name}`, got {np.shape(column)}"
            )
        columns[name] = column[None] if lacks_range else column
    return columns
