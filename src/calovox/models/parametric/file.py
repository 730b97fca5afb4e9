"""The file of a parametrisation: HDF5.

| dataset | shape | meaning |
| --- | --- | --- |
| `energies` | energy | stored kinetic energies in MeV |
| `eta_edges` | slice + 1 | borders of the slices in abs(eta) |
| `n_showers`, `n_bins` | energy, slice | showers of each sample, and bins of its first PCA |
| `response` | energy, slice | mean of E_tot / E_kin |
| `quantiles` | bin, 6, knot | inverse cumulatives of E_tot / E_kin and the layers' fractions |
| `empty` | bin, 6 | shares of the showers in which each of the six is 0 |
| `axes` | bin, 6, 6 | principal axes times their standard deviations |
| `shapes` | bin, voxel | average showers, shares of the layer's energy, half precision |

Bins stand one after the other, sample by sample. The root has the attributes `format` ("calovox
parametrisation") and `version`; the group `meta` has `grid` (TOML, the voxels of the shapes, of
which those with alpha below pi are stored), `knots` (normal scores of the quantiles),
`phi_modulation` and `provenance` as JSON, and `particle`, if it is no photon.
"""

from pathlib import Path
from typing import Any, Final

import hdf5plugin

from calovox.files.hdf5 import (
    check_version,
    has_format,
    open_for_reading,
    read_json,
    read_numbers_of_type,
    read_table,
    write_json,
)
from calovox.files.whole import whole_file
from calovox.files.writer import create_hdf5
from calovox.models.parametric.energies import KNOTS
from calovox.models.parametric.model import ParametricModel
from calovox.models.parametric.shapes import fine_grid
from calovox.photons import parse_particle

__all__ = [
    "FORMAT",
    "ParametricFileError",
    "is_parametric_file",
    "read_parametric",
    "write_parametric",
]

FORMAT: Final = "calovox parametrisation"
VERSION: Final = 1

_TYPES: Final = {
    "energies": "f8",
    "eta_edges": "f8",
    "n_showers": "i8",
    "n_bins": "i8",
    "response": "f8",
    "quantiles": "f4",
    "empty": "f4",
    "axes": "f4",
    "shapes": "f2",
}
_STRONG: Final = hdf5plugin.Blosc2(cname="zstd", clevel=9, filters=hdf5plugin.Blosc2.SHUFFLE)


class ParametricFileError(ValueError):
    """A file of a parametrisation that cannot be used, and why."""


def write_parametric(path: Path, model: ParametricModel, *, overwrite: bool = False) -> None:
    """Write a parametrisation; the file appears whole or not at all.

    Args:
        path: The file.
        model: The parametrisation.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: If the path exists and may not be replaced.
    """
    with whole_file(path, overwrite=overwrite) as partial, create_hdf5(partial) as file:
        file.attrs["format"] = FORMAT
        file.attrs["version"] = VERSION
        for name, dtype in _TYPES.items():
            file.create_dataset(name, data=getattr(model, name).astype(dtype), **_STRONG)
        meta = file.create_group("meta")
        for name in ("phi_modulation", "provenance"):
            write_json(meta, name, getattr(model, name))
        write_json(meta, "grid", fine_grid().to_toml())
        write_json(meta, "knots", KNOTS.tolist())
        if model.particle != "photon":
            write_json(meta, "particle", model.particle)


def read_parametric(path: Path) -> ParametricModel:
    """Read a parametrisation.

    Args:
        path: The file.

    Returns:
        The parametrisation.

    Raises:
        FileNotFoundError: If there is no such file.
        ParametricFileError: If it is no usable file of a parametrisation.
    """
    with open_for_reading(path, ParametricFileError) as file:
        if file.attrs.get("format") != FORMAT:
            raise ParametricFileError(f"{path} is no parametrisation of calovox")
        check_version(file, path, VERSION, ParametricFileError)
        meta = file.get("meta")
        stored = read_json(meta, "grid"), read_json(meta, "knots")
        if stored != (fine_grid().to_toml(), KNOTS.tolist()):
            raise ParametricFileError(
                f"{path}: expected the voxels and knots of this version of calovox, got others: "
                f"fit the parametrisation again"
            )
        columns: dict[str, Any] = {
            name: read_numbers_of_type(file, path, name, dtype, ParametricFileError)
            for name, dtype in _TYPES.items()
        }
        try:
            return ParametricModel(
                **columns,
                phi_modulation=read_table(meta, "phi_modulation"),
                provenance=read_table(meta, "provenance") or {},
                particle=parse_particle(read_json(meta, "particle")),
                path=path,
            )
        except ValueError as problem:
            raise ParametricFileError(f"{path}: {problem}") from problem


def is_parametric_file(path: Path) -> bool:
    """Tell whether a file says that it is a parametrisation.

    Args:
        path: Any path.

    Returns:
        Whether it does.
    """
    return has_format(path, FORMAT, ParametricFileError)
