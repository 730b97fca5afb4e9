"""Photons become voxels, or hits, drawn by generative models.

A model gives showers for the photons it was trained for, a range of energies and of |eta|. Others
are refused, or flagged in `Voxels.extrapolated` where extrapolation is allowed. The photon is
taken to point at the shower centre; the sign of eta mirrors the shower.

Most models draw voxels; `calovox.models.parametric.model` draws hits, whose voxels are those of
`hits_to_voxels`, round the centre of the hits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import numpy as np

from calovox.arrays import Array, Bool, Float, Float32, Float64
from calovox.hits import Hits
from calovox.photons import Photons
from calovox.random_streams import Stream, event_keys, event_normals
from calovox.voxelization import VoxelGrid, Voxels, hits_to_voxels

__all__ = [
    "BATCH",
    "HitModel",
    "HitShowers",
    "PhotonModel",
    "PhotonModels",
    "photons_to_hits",
    "photons_to_voxels",
]

BATCH: Final = 500
"""Photons per batch: hits of a batch stay below some 100 MB at the highest energies."""


@runtime_checkable
class PhotonModel(Protocol):
    """A model of the showers of some photons, such as `calovox.runtime.OnnxModel`."""

    @property
    def path(self) -> Path | None:
        """Its file; None if it was not read from one."""
        ...

    @property
    def energy_range(self) -> tuple[float, float]:
        """Lowest and highest kinetic energy it was trained for, in MeV."""
        ...

    @property
    def eta_range(self) -> tuple[float, float]:
        """Lowest and highest |eta| it was trained for."""
        ...


@runtime_checkable
class HitModel(PhotonModel, Protocol):
    """A model that draws hits, such as `calovox.models.parametric.model.ParametricModel`."""

    def in_range(
        self, energy: Float64[Array, " event"], eta: Float64[Array, " event"]
    ) -> Bool[Array, " event"]:
        """Tell which photons it was trained for."""
        ...

    def sample(self, photons: Photons, *, seed: int) -> Hits:
        """Draw the hits of each photon; they depend on the seed and on the event's index."""
        ...


@dataclass(frozen=True)
class HitShowers:
    """A batch of showers drawn as hits.

    Attributes:
        hits: What the model gave.
        voxels: The voxels of these hits, and which photons are extrapolated.
    """

    hits: Hits
    voxels: Voxels

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.hits)


@runtime_checkable
class PhotonModels(Protocol):
    """Models on one grid, side by side in |eta|, such as `calovox.runtime.ModelSet`."""

    @property
    def models(self) -> Sequence[PhotonModel]:
        """The models."""
        ...

    @property
    def grid(self) -> VoxelGrid:
        """Their voxels."""
        ...

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event."""
        ...

    def in_range(
        self, energy: Float64[Array, " event"], eta: Float64[Array, " event"]
    ) -> Bool[Array, " event"]:
        """Tell which photons one of the models was trained for."""
        ...

    def sample(
        self,
        energy: Float64[Array, " event"],
        eta: Float64[Array, " event"],
        noise: Float32[Array, "event draw"],
    ) -> Float32[Array, "event voxel"]:
        """Draw the voxels of each photon, as fractions of its kinetic energy."""
        ...


def photons_to_voxels(
    models: PhotonModels,
    photons: Photons,
    *,
    seed: int,
    allow_extrapolation: bool = False,
    batch_size: int = BATCH,
) -> Iterator[Voxels]:
    """Draw a shower for each photon.

    Args:
        models: What draws the voxels.
        photons: What to simulate.
        seed: Seed of the run; the noise of an event depends on it and on the event's index.
        allow_extrapolation: Whether photons that the models were not trained for are simulated.
        batch_size: Photons per batch.

    Returns:
        Batches in the order of the photons.

    Raises:
        ValueError: If photons lie outside the trained range and may not, before any is simulated;
            or, with the batch, if a model gives an energy that is negative or not finite.
    """
    extrapolated = ~models.in_range(photons.energy, photons.eta)
    if not allow_extrapolation and extrapolated.any():
        raise ValueError(_describe_extrapolation(models.models, photons, extrapolated))
    return _sample(models, photons, extrapolated, seed, batch_size)


def photons_to_hits(
    model: HitModel,
    photons: Photons,
    grid: VoxelGrid,
    *,
    seed: int,
    allow_extrapolation: bool = False,
    batch_size: int = BATCH,
) -> Iterator[HitShowers]:
    """Draw the hits of a shower for each photon, and sum them in voxels.

    Args:
        model: What draws the hits.
        photons: What to simulate.
        grid: The voxels.
        seed: Seed of the run.
        allow_extrapolation: Whether photons that the model was not trained for are simulated.
        batch_size: Photons per batch.

    Returns:
        Batches in the order of the photons.

    Raises:
        ValueError: If photons lie outside the trained range and may not, before any is simulated.
    """
    extrapolated = ~model.in_range(photons.energy, photons.eta)
    if not allow_extrapolation and extrapolated.any():
        raise ValueError(_describe_extrapolation([model], photons, extrapolated))
    return _sample_hits(model, photons, grid, extrapolated, seed, batch_size)


def _sample_hits(
    model: HitModel,
    photons: Photons,
    grid: VoxelGrid,
    extrapolated: Bool[Array, " event"],
    seed: int,
    batch_size: int,
) -> Iterator[HitShowers]:
    for start in range(0, len(photons), batch_size):
        events = slice(start, start + batch_size)
        hits = model.sample(photons[events], seed=seed)
        voxels = hits_to_voxels(hits, grid)
        yield HitShowers(hits, replace(voxels, extrapolated=extrapolated[events]))


def _sample(
    models: PhotonModels,
    photons: Photons,
    extrapolated: Bool[Array, " event"],
    seed: int,
    batch_size: int,
) -> Iterator[Voxels]:
    (n_noise,) = models.noise_shape
    for start in range(0, len(photons), batch_size):
        events = slice(start, start + batch_size)
        batch = photons[events]
        noise = event_normals(event_keys(seed, Stream.MODEL, batch.index), n_noise)
        energy = models.sample(batch.energy, batch.eta, noise)
        _check_energy(models, batch, energy)
        yield Voxels(
            grid=models.grid,
            energy=energy,
            incident_energy=batch.energy,
            eta_center=batch.eta,
            phi_center=batch.phi,
            index=batch.index,
            photon_eta=batch.eta,
            photon_phi=batch.phi,
            extrapolated=extrapolated[events],
        )


def _check_energy(
    models: PhotonModels, photons: Photons, energy: Float[Array, "event voxel"]
) -> None:
    if energy.min(initial=0.0) >= 0.0 and energy.max(initial=0.0) < np.inf:  # False with NaN
        return
    row, voxel = np.argwhere(~((energy >= 0) & (energy < np.inf)))[0]
    size = abs(photons.eta[row])
    model = min(models.models, key=lambda m: max(m.eta_range[0] - size, size - m.eta_range[1]))
    raise ValueError(
        f"{model.path}: expected finite voxel energies, none negative, got {energy[row, voxel]} "
        f"in voxel {voxel} of event {photons.index[row]} ({photons.energy[row]:.7g} MeV at eta "
        f"{photons.eta[row]:.4g}): the model is not usable there"
    )


def _describe_extrapolation(
    models: Sequence[PhotonModel], photons: Photons, extrapolated: Bool[Array, " event"]
) -> str:
    first = int(np.flatnonzero(extrapolated)[0])
    ranges = ", ".join(
        f"{model.energy_range[0]:.7g} to {model.energy_range[1]:.7g} MeV at |eta| "
        f"{model.eta_range[0]:.4g} to {model.eta_range[1]:.4g}"
        for model in models
    )
    return (
        f"photons: expected {ranges}, the trained range, got {np.count_nonzero(extrapolated)} of "
        f"{len(photons)} outside, first event {photons.index[first]} with "
        f"{photons.energy[first]:.7g} MeV at eta {photons.eta[first]:.4g}: choose other photons, "
        f"or simulate and flag them with --allow-extrapolation"
    )
