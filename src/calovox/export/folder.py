"""The folder of an exported model: ONNX files, side files, and the model card.

Everything that FastCaloSim needs beside the model is in it: the boundaries of the voxels (HDF5),
sub-voxel probabilities (ROOT) and phi modulation curves (ROOT). `model.json` describes the rest
and holds the hash of each file.
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from calovox import __version__
from calovox.binned_shower import read_sub_voxels
from calovox.dataset.keys import LayerKeys
from calovox.export.onnx_file import export_fused, export_plain
from calovox.export.output_folder import copy_centers, describe_folder, new_folder
from calovox.export.pairs import RangeModel
from calovox.export.parity import measure_parity
from calovox.export.passes.rounding import round_weights
from calovox.export.renewal import add_fixed_shapes
from calovox.files.writer import create_hdf5
from calovox.phi_modulation.curve_file import read_curve, write_curve_root
from calovox.runtime import OnnxModel
from calovox.runtime.metadata import FORMAT, LOWEST_RUNTIME, VERSION
from calovox.voxelization import VoxelGrid

__all__ = ["export_models", "write_boundaries"]

BOUNDARIES = "voxels.h5"
SUB_VOXELS = "sub_voxels.root"
PHI_MODULATION = "phi_modulation.h5"

_PARITY_SHOWERS = 10_000
_PARITY_VOXELS = 17_000_000
"""Showers that are compared, of which fewer are enough on a grid of many voxels."""

_PARITY_SEED = 1


def export_models(
    models: Sequence[RangeModel],
    folder: Path,
    *,
    sub_voxels: Path | None = None,
    phi_modulation: Path | None = None,
    centers: Path | None = None,
    fastcalosim: bool = True,
    plain: bool = False,
    half_weights: bool = False,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write a folder that `calovox.runtime.load_models` and FastCaloSim read.

    Args:
        models: What gives showers in each range of abs(eta), as `pair_runs` finds it.
        folder: The folder; it appears when all of it is written.
        sub_voxels: ROOT file of sub-voxel probabilities of the same grid.
        phi_modulation: HDF5 file of phi modulation curves, removed from the training showers.
        centers: JSON file of shower centres about photons.
        fastcalosim: Whether each model is also written with fixed shapes, for FastCaloSim.
        plain: Whether graphs are written operation by operation, as a reference.
        half_weights: Whether weights of the shape models are rounded to half precision.
        overwrite: Whether an existing exported model may be replaced.

    Returns:
        The content of `model.json`.

    Raises:
        FileExistsError: If the folder exists and may not be replaced, or is something else.
        ValueError: If a side file does not fit.
    """
    grid = models[0].grid
    with new_folder(folder, overwrite=overwrite) as partial:
        content = {
            "format": FORMAT,
            "version": VERSION,
            "program": f"calovox {__version__}",
            "onnxruntime": f">={LOWEST_RUNTIME}",
            "grid": {"name": grid.name, "voxels": grid.n_voxels, "rings": grid.to_toml()},
            "models": [
                _write_model(model, partial, plain=plain, half_weights=half_weights)
                for model in models
            ],
            "boundaries": BOUNDARIES,
        }
        write_boundaries(partial / BOUNDARIES, grid)
        add_fixed_shapes(partial, content, wanted=fastcalosim)
        if sub_voxels is not None:
            read_sub_voxels(sub_voxels, grid)
            shutil.copyfile(sub_voxels, partial / SUB_VOXELS)
            content["sub_voxels"] = SUB_VOXELS
        if phi_modulation is not None:
            write_curve_root(partial, read_curve(phi_modulation))
            shutil.copyfile(phi_modulation, partial / PHI_MODULATION)
            content["phi_modulation"] = PHI_MODULATION
        if centers is not None:
            content["centers"] = copy_centers(centers, partial)
        describe_folder(partial, content)
    return content


def write_boundaries(path: Path, grid: VoxelGrid) -> None:
    """Write the boundaries of the voxels as FastCaloSim reads them.

    Args:
        path: The HDF5 file.
        grid: The voxels.
    """
    with create_hdf5(path) as file:
        for layer in grid.numbers:
            voxels = grid.layer_slice(layer)
            named = LayerKeys.of(layer)
            columns = {
                named.r_start: grid.r_min,
                named.r_size: grid.r_max - grid.r_min,
                named.alpha_start: grid.alpha_min,
                named.alpha_size: grid.alpha_max - grid.alpha_min,
            }
            for name, values in columns.items():
                file.create_dataset(name, data=values[voxels].astype(np.float32))


def _write_model(
    model: RangeModel, folder: Path, *, plain: bool, half_weights: bool
) -> dict[str, Any]:
    metadata = model.metadata()
    low, high = (round(100 * limit) for limit in metadata.eta_range)
    name = f"photon_eta_{low:03d}_{high:03d}"
    path = folder / f"{name}.onnx"
    sampler = round_weights(model.sampler()) if half_weights else model.sampler()
    write = export_plain if plain else export_fused
    write(sampler, path, metadata.to_texts())
    n_showers = min(_PARITY_SHOWERS, _PARITY_VOXELS // metadata.grid.n_voxels)
    parity = measure_parity(OnnxModel(path), sampler, n_showers, seed=_PARITY_SEED)
    return {
        "file": path.name,
        "energy_range": metadata.energy_range,
        "eta_range": metadata.eta_range,
        "half_weights": half_weights,
        "parity": asdict(parity),
        **metadata.card,
    }
