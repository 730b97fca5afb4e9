"""Centres of simulated showers, which scatter about the impacts of their photons.

A model draws the voxels round the centre of a shower. Where this centre lies is drawn afterwards,
from the voxels and from random numbers that depend on the seed and the event's index.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from calovox.geometry.coordinates import wrap_phi
from calovox.models.centers import CenterModel, CenterShowers
from calovox.models.centers.model import RADIUS
from calovox.random_streams import Stream, event_keys, event_normals
from calovox.voxelization import Voxels

__all__ = ["draw_centers"]

_FURTHEST: Final = 1.0


def draw_centers(showers: Iterable[Voxels], model: CenterModel, *, seed: int) -> Iterator[Voxels]:
    """Give showers their centres.

    Args:
        showers: Batches of showers whose photons are known.
        model: What is known of centres.
        seed: Seed of the run.

    Yields:
        The same showers about their new centres.

    Raises:
        ValueError: If photons are not known, the grid is none of the barrel, or a centre is
            far from its photon.
    """
    for voxels in showers:
        eta, phi, index = voxels.photon_eta, voxels.photon_phi, voxels.index
        if eta is None or phi is None or index is None:
            raise ValueError("centres of showers: expected the photons' directions, got none")
        noise = event_normals(event_keys(seed, Stream.CENTERS, index), 2).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # judged below
            offsets = model.sample(CenterShowers.from_voxels(voxels), noise) / RADIUS
        wrong = ~(np.abs(offsets) < _FURTHEST).all(axis=1)
        if np.any(wrong):
            event = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"centres of showers: expected them within {_FURTHEST} of the photon in eta and "
                f"phi, got {offsets[event].tolist()} in event {index[event]}: fit them to other "
                f"showers"
            )
        away = np.where(eta < 0, -1.0, 1.0)
        yield replace(
            voxels,
            eta_center=eta + away * offsets[:, 0],
            phi_center=wrap_phi(phi + offsets[:, 1]),
        )
