"""A dataset becomes showers in the layout of another program."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np

from calovox.arrays import Array
from calovox.dataset import DatasetReader
from calovox.dataset.bare import complete_voxels, say_what_is_drawn
from calovox.files.whole import check_writable, whole_file
from calovox.foreign.showers.calochallenge import binning_text
from calovox.foreign.showers.polar import PolarLayer, polar_layers
from calovox.foreign.showers.writing import Column, ShowersWriter
from calovox.tracking import Track, silently
from calovox.voxelization import Voxels

__all__ = ["EXPORTED", "ExportLayout", "export_showers"]

ExportLayout = Literal["calochallenge", "lemurs"]
"""Layouts that are written."""

EXPORTED: Final = get_args(ExportLayout)

_BATCH_NUMBERS: Final = 8_000_000


def export_showers(
    dataset: Path,
    output: Path,
    layout: ExportLayout,
    *,
    binning: Path | None = None,
    seed: int = 1,
    scale: float = 1.0,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    track: Track = silently,
) -> int:
    """Write the showers of a dataset in the layout of another program, in MeV.

    Args:
        dataset: The dataset.
        output: The HDF5 file.
        layout: Its layout.
        binning: XML file to be written for "calochallenge"; None for none.
        seed: Seed of azimuths that the dataset does not say, for "lemurs".
        scale: Every energy is multiplied by it.
        provenance: How the file is made.
        overwrite: Whether existing files may be replaced.
        track: Shows the progress.

    Returns:
        The number of showers.

    Raises:
        FileExistsError: If a file exists and may not be replaced.
        DatasetError: If it is no usable dataset.
        ValueError: If the layout cannot have the voxels of the dataset.
    """
    reader = DatasetReader(dataset)
    layers, order = polar_layers(reader.grid)
    if layout == "lemurs":
        if binning is not None:
            raise ValueError("--binning is for --layout calochallenge: leave it out")
        say_what_is_drawn(reader)
    if binning is not None:
        check_writable(binning, overwrite=overwrite)
    tails = _tails(layout, layers, reader)
    columns = {k: Column(tail, "f4" if k == "showers" else "f8") for k, tail in tails.items()}
    with ShowersWriter(output, columns, provenance or {}, overwrite=overwrite) as writer:
        size = max(1, min(2000, _BATCH_NUMBERS // reader.grid.n_voxels))
        start = 0
        for voxels in track(reader.batches(size), "showers", len(reader)):
            voxels = complete_voxels(voxels, start, seed=seed)
            start += len(voxels)
            writer.append(_columns(layout, voxels, order, tails["showers"], scale))
        if binning is not None:
            with whole_file(binning, overwrite=overwrite) as partial:
                partial.write_text(binning_text(layers, "photon"), encoding="utf-8")
        writer.finish()
    return len(reader)


def _tails(
    layout: ExportLayout, layers: list[PolarLayer], reader: DatasetReader
) -> dict[str, tuple[int, ...]]:
    """Give the shapes of the columns, but for the events."""
    if layout == "calochallenge":
        return {"showers": (reader.grid.n_voxels,), "incident_energies": (1,)}
    first = layers[0]
    for layer in layers[1:]:
        same = len(layer.r_edges) == len(first.r_edges) and layer.n_alpha == first.n_alpha
        if not (same and np.array_equal(layer.r_edges, first.r_edges)):
            raise ValueError(
                f"{reader.path}: --layout lemurs needs the same rings in all layers, got others "
                f"in layers {first.number} and {layer.number}: voxelize on such a grid"
            )
    widths = np.diff(first.r_edges)
    if not np.allclose(widths, widths[0], rtol=1e-5):
        raise ValueError(
            f"{reader.path}: --layout lemurs needs rings of one width, got {widths.min():g} to "
            f"{widths.max():g} mm: voxelize on such a grid"
        )
    shape = (len(first.r_edges) - 1, first.n_alpha, len(layers))
    scalars = ("incident_energy", "incident_theta", "incident_phi")
    return {"showers": shape, **dict.fromkeys(scalars, ())}


def _columns(
    layout: ExportLayout, voxels: Voxels, order: Array, shape: tuple[int, ...], scale: float
) -> dict[str, Array]:
    energy = voxels.energy[:, order] * (scale * voxels.incident_energy[:, None])
    if energy.max(initial=0.0) > np.finfo(np.float32).max:
        raise ValueError(
            f"DATASET: expected voxel energies below 3.4e38 MeV, got {energy.max():.3g} MeV: "
            "the layouts store them in single precision"
        )
    energy = energy.astype(np.float32)
    if layout == "calochallenge":
        return {"showers": energy, "incident_energies": voxels.incident_energy[:, None]}
    n_r, n_alpha, n_layers = shape
    assert voxels.phi_center is not None  # completed
    return {
        "showers": energy.reshape(-1, n_layers, n_alpha, n_r).transpose(0, 3, 2, 1),
        "incident_energy": voxels.incident_energy,
        "incident_theta": 2.0 * np.arctan(np.exp(-voxels.eta_center)),
        "incident_phi": voxels.phi_center,
    }
