"""Showers to train with: several datasets as one, restricted to a range of abs(eta) and energy."""

import math
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from calovox.arrays import Array, Float64
from calovox.dataset import DatasetReader
from calovox.dataset.detectors import detector_of_datasets, particle_of_datasets
from calovox.models.base import Conditions, Showers
from calovox.photons.weights import draw_by_weight
from calovox.voxelization import Voxels, concatenate_voxels

__all__ = [
    "MOST_FITTED",
    "ShowerFiles",
    "choose_showers",
    "move_showers",
    "voxels_to_showers",
]

MOST_FITTED: Final = 200_000
"""Showers to which standardisations, tables and bounds are fitted, of files with more."""

_FITTED_BLOCK: Final = 1000
_FITS: Final = 1  # beside the seed of a training, the key of the choice

_GAP: Final = 256
"""Rows that are read and thrown away rather than skipped: one long read costs less than two."""


class ShowerFiles:
    """Showers of one or several datasets, numbered from 0 in the order of the files.

    Args:
        readers: Datasets on one grid.
        eta_range: Lowest abs(eta) of the shower centre, and the first that is too high.
        energy_range: Lowest kinetic energy in MeV, and the highest.

    Attributes:
        detector: What the datasets say of their detector; None for the layers of the barrel.
        particle: What made the showers.
        rows: Where the showers in both ranges stand among all of the files.
        energy_range: Lowest and highest kinetic energy of the showers in both ranges.
        covered_range: The same of the showers in `eta_range`, whatever their energies.
        weights: How many ordinary showers each one stands for; None if each is one.

    Raises:
        ValueError: If the grids differ, no shower is in the ranges, or a file holds late showers
            alone.
    """

    def __init__(
        self,
        readers: Sequence[DatasetReader],
        *,
        eta_range: tuple[float, float] = (0.0, math.inf),
        energy_range: tuple[float, float] = (0.0, math.inf),
    ) -> None:
        for reader in readers[1:]:
            if reader.grid != readers[0].grid:
                raise ValueError(
                    f"{reader.path}: expected the voxels of {readers[0].path}; "
                    "voxelize all files on one grid"
                )
        self.detector = detector_of_datasets(readers)
        self.particle = particle_of_datasets(readers)
        self.readers = tuple(readers)
        self.grid = readers[0].grid
        self._starts = np.cumsum([0, *(len(reader) for reader in readers)])
        energy = np.concatenate([reader.incident_energy() for reader in readers])
        eta = np.abs(np.concatenate([reader.eta_center() for reader in readers]))
        in_eta = (eta >= eta_range[0]) & (eta < eta_range[1])
        chosen = in_eta & (energy >= energy_range[0]) & (energy <= energy_range[1])
        if not np.any(chosen):
            raise ValueError(
                f"{', '.join(str(reader.path) for reader in readers)}: expected showers with "
                f"abs(eta) in {list(eta_range)} and energies in {list(energy_range)} MeV, got "
                f"none of {len(energy)}"
            )
        self.rows: Int64[Array, " event"] = np.flatnonzero(chosen)
        self._energies: Float64[Array, " event"] = energy[chosen]
        self.weights: Float64[Array, " event"] | None = None
        if any(reader.weighted for reader in readers):
            weights = np.concatenate([_sample_weights(reader) for reader in readers])
            self.weights = weights[chosen]
        self.energy_range = (float(self._energies.min()), float(self._energies.max()))
        self.covered_range = (float(energy[in_eta].min()), float(energy[in_eta].max()))

    def __len__(self) -> int:
        """Return the number of showers in the ranges."""
        return len(self.rows)

    def __repr__(self) -> str:
        return f"ShowerFiles({len(self)} showers of {len(self.readers)} files on {self.grid!r})"

    def energies(self) -> Float64[Array, " event"]:
        """Return the kinetic energies of all showers in MeV."""
        return self._energies

    def draw(self, rng: np.random.Generator) -> Int64[Array, " drawn"]:
        """Draw showers as often as their weights say.

        Args:
            rng: Where random numbers come from.

        Returns:
            Their numbers, rising; each shower once if there are no weights.
        """
        if self.weights is None:
            return np.arange(len(self))
        return draw_by_weight(self.weights, rng)

    def drawn(self, seed: int) -> "ShowerFiles":
        """Give showers that count alike, drawn as often as their weights say.

        Args:
            seed: Seed of the choice.

        Returns:
            The showers themselves if there are no weights.
        """
        if self.weights is None:
            return self
        return self._some(self.draw(np.random.default_rng(seed)))

    def for_fits(self, seed: int) -> "ShowerFiles":
        """Give as many showers as fits need: blocks of consecutive ones from all over the files.

        The files are cut into as many pieces as there are blocks, and each block lies anywhere in
        its piece: the choice is as good where files are sorted. The showers of the lowest and of
        the highest energy and abs(eta) are among them.

        Args:
            seed: Seed of the choice.

        Returns:
            200 000 showers, or up to four more; these showers themselves if there are no more.

        Raises:
            ValueError: If showers have weights: they are drawn first.
        """
        if self.weights is not None:
            raise ValueError("ShowerFiles: expected showers that count alike, got weights")
        if len(self) <= MOST_FITTED:
            return self
        n_blocks = max(1, MOST_FITTED // _FITTED_BLOCK)
        edges = np.linspace(0, len(self), n_blocks + 1).astype(np.int64)
        room = np.diff(edges) - _FITTED_BLOCK
        random = np.random.default_rng([seed, _FITS]).random(n_blocks)
        starts = edges[:-1] + (random * (room + 1)).astype(np.int64)
        blocks = (starts[:, None] + np.arange(_FITTED_BLOCK)).ravel()
        eta = np.concatenate([reader.eta_center() for reader in self.readers])[self.rows]
        columns = (self._energies, np.abs(eta))
        ends = [int(end) for column in columns for end in (column.argmin(), column.argmax())]
        return self._some(np.union1d(blocks, ends))

    def _some(self, numbers: Int64[Array, " event"]) -> "ShowerFiles":
        """Give some of the showers, which count alike; ranges stay those of all."""
        files = copy(self)
        files.rows, files._energies = self.rows[numbers], self._energies[numbers]
        files.weights = None
        return files

    def locate(self, number: int) -> tuple[Path, int]:
        """Say where a shower is stored.

        Args:
            number: Its number.

        Returns:
            Its file, and its row there.
        """
        row = int(self.rows[number])
        file = int(np.searchsorted(self._starts, row, side="right")) - 1
        return self.readers[file].path, row - int(self._starts[file])

    def read(self, numbers: Int64[Array, " event"]) -> Showers[Tensor]:
        """Read showers in any order.

        Args:
            numbers: Which ones.

        Returns:
            The showers in that order, in single precision.
        """
        order = np.argsort(numbers, kind="stable")
        rows = self.rows[numbers[order]]
        file = np.searchsorted(self._starts, rows, side="right") - 1
        breaks = np.flatnonzero((np.diff(rows) > _GAP) | (np.diff(file) != 0)) + 1
        parts = [self._read_near(run) for run in np.split(rows, breaks)]
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        return choose_showers(
            voxels_to_showers(concatenate_voxels(parts)), torch.from_numpy(place)
        )

    def batches(self, size: int = 4096) -> Iterator[Showers[Tensor]]:
        """Read all showers in their order.

        Args:
            size: Showers at a time; the last batch may have fewer.

        Yields:
            Showers in single precision.
        """
        for start in range(0, len(self), size):
            yield self.read(np.arange(start, min(start + size, len(self))))

    def _read_near(self, rows: Int64[Array, " event"]) -> Voxels:
        """Read rising rows of one file that lie close to each other."""
        file = int(np.searchsorted(self._starts, rows[0], side="right")) - 1
        within = rows - self._starts[file]
        first = int(within[0])
        voxels = self.readers[file].read(slice(first, int(within[-1]) + 1))[within - first]
        return voxels if voxels.index is not None else replace(voxels, index=within)


def _sample_weights(reader: DatasetReader) -> Float64[Array, " event"]:
    """Read the weights of a file that must hold showers of all kinds."""
    weights = reader.weights()
    if reader.weighted and weights.max(initial=0.0) < 1.0:
        raise ValueError(
            f"{reader.path}: expected a sample of all showers, got late ones alone (no weight "
            "reaches 1): generate them with --start-share below 1"
        )
    return weights


def voxels_to_showers(voxels: Voxels) -> Showers[Tensor]:
    """Convert showers of a dataset for training.

    Args:
        voxels: Events of a dataset, with their indices.

    Returns:
        The same events as tensors, in single precision.
    """
    assert voxels.index is not None  # a row at least
    return Showers(
        conditions=Conditions(
            energy=torch.from_numpy(voxels.incident_energy).float(),
            eta=torch.from_numpy(voxels.eta_center).float(),
        ),
        layer_energy=torch.from_numpy(voxels.layer_energy).float(),
        voxels=torch.from_numpy(voxels.energy),
        index=torch.from_numpy(voxels.index),
    )


def choose_showers(showers: Showers[Tensor], events: Tensor) -> Showers[Tensor]:
    """Take some of the showers.

    Args:
        showers: Showers.
        events: Which ones, in which order.

    Returns:
        Copies of them.
    """
    conditions = Conditions(
        showers.conditions.energy.index_select(0, events),
        showers.conditions.eta.index_select(0, events),
    )
    return Showers(
        conditions,
        showers.layer_energy.index_select(0, events),
        showers.voxels.index_select(0, events),
        showers.index.index_select(0, events),
    )


def move_showers(showers: Showers[Tensor], device: torch.device) -> Showers[Tensor]:
    """Copy showers to where a model is.

    Args:
        showers: Showers anywhere.
        device: Where they are wanted.

    Returns:
        The same showers there.
    """
    conditions = Conditions(
        showers.conditions.energy.to(device), showers.conditions.eta.to(device)
    )
    return Showers(
        conditions,
        showers.layer_energy.to(device),
        showers.voxels.to(device),
        showers.index.to(device),
    )
