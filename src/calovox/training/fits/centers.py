"""Centres of the showers of datasets, about the impacts of their photons."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from calovox.arrays import Array, Float64
from calovox.dataset import DatasetReader
from calovox.files.whole import file_hash
from calovox.geometry.coordinates import wrap_phi
from calovox.models.centers import CenterModel, CenterShowers, fit_centers
from calovox.models.centers.model import RADIUS
from calovox.voxelization import Voxels

__all__ = ["center_offsets", "fit_centers_of"]

_BATCH = 5000


def center_offsets(voxels: Voxels) -> Float64[Array, "event axis"]:
    """Measure how far shower centres lie from the impacts of their photons.

    Args:
        voxels: Showers with centres and photons.

    Returns:
        Lengths along eta, away from eta = 0 is positive, and along phi, in mm.

    Raises:
        ValueError: If photons or azimuths are not known.
    """
    eta, phi, center = voxels.photon_eta, voxels.photon_phi, voxels.phi_center
    if eta is None or phi is None or center is None:
        raise ValueError("expected `photon_eta`, `photon_phi` and `phi_center`, not all are there")
    away = np.where(eta < 0, -1.0, 1.0)
    return RADIUS * np.stack([away * (voxels.eta_center - eta), wrap_phi(center - phi)], axis=1)


def fit_centers_of(
    datasets: Sequence[Path], *, provenance: Mapping[str, Any]
) -> tuple[CenterModel, int]:
    """Fit the centres of the showers of datasets.

    Args:
        datasets: Files of `calovox voxelize`.
        provenance: How the model is made, but for the showers.

    Returns:
        The model, and the number of showers.

    Raises:
        ValueError: If a dataset does not know photons and centres, or there are too few showers.
    """
    showers, offsets = [], []
    for path in datasets:
        reader = DatasetReader(path)
        for start in range(0, len(reader), _BATCH):
            voxels = reader.read(slice(start, min(start + _BATCH, len(reader))))
            try:
                offsets.append(center_offsets(voxels))
                showers.append(CenterShowers.from_voxels(voxels))
            except ValueError as problem:
                raise ValueError(f"{path}: {problem}") from None
    made = {**provenance, "datasets": {path.name: file_hash(path) for path in datasets}}
    everything = CenterShowers.concatenate(showers)
    model = fit_centers(everything, np.concatenate(offsets), provenance=made)
    return model, len(everything)
