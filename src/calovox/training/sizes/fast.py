"""Sizes of CaloFast, models of these sizes, and what they are fitted to."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from calovox.dataset import DatasetReader
from calovox.models.base import Showers
from calovox.models.comparing import (
    Critic,
    CriticNumbers,
    ObservableScales,
    ShowerObservables,
)
from calovox.models.fast import CaloFast, FastTraining
from calovox.models.fast.conditions import PhotonHinges
from calovox.models.fast.correction import FastCorrection
from calovox.models.fast.energies import FastEnergies
from calovox.models.fast.shapes import FastShapes
from calovox.models.fast.training import fit_mixing
from calovox.preprocessing import QuantileVoxelTransform
from calovox.training.data.showers import ShowerFiles
from calovox.training.fits.centroid import known_positions
from calovox.training.fits.quantiles import fit_quantiles, seeded
from calovox.training.sizes.options import FastCriticOptions, FastOptions
from calovox.training.sizes.shapes import ModelKind
from calovox.voxelization import VoxelGrid

__all__ = ["FastRules", "FastSizes", "SimulatedNoise", "simulated_noise"]


@dataclass(frozen=True)
class FastSizes(FastOptions):
    """Sizes of CaloFast, and models of these sizes."""

    kind: ClassVar[ModelKind] = "fast"

    def build(self, grid: VoxelGrid) -> CaloFast:
        """Build a model with random weights, for any photons.

        Args:
            grid: The voxels.

        Returns:
            The model.
        """
        return self.model(grid, PhotonHinges((1.0, 2.0), (0.0, 1.0)))

    def model(self, grid: VoxelGrid, photons: PhotonHinges) -> CaloFast:
        """Build a model with random weights for photons of a range.

        Args:
            grid: The voxels.
            photons: What it sees of photons.

        Returns:
            The model.
        """
        n_features, sizes = photons.n_features, grid.layer_sizes
        energies = FastEnergies(
            n_features, len(sizes), width=self.energy_width, depth=self.energy_depth
        )
        shapes = FastShapes(
            n_features,
            sizes,
            known_positions(grid),
            width=self.width,
            depth=self.depth,
            condition_width=self.condition_width,
        )
        return CaloFast(photons, energies, shapes)


@dataclass(frozen=True)
class SimulatedNoise:
    """What simulated showers were made of.

    Attributes:
        seed: Seed of the simulation.
        n_numbers: Random numbers that the voxels of a shower were made of, if these are the
            voxels of its hits; None if each voxel has its own.
    """

    seed: int
    n_numbers: int | None = None


@dataclass(frozen=True)
class FastRules:
    """How CaloFast of given sizes is trained.

    Attributes:
        sizes: Sizes of the model.
        noise: What the simulated showers were made of.
        further: Whether the model has been trained before.
        critic: How a critic corrects it.
        geant4: Datasets of Geant4 that the critic knows beside the simulated showers.
    """

    sizes: FastSizes
    noise: SimulatedNoise
    further: bool = False
    critic: FastCriticOptions = field(default_factory=FastCriticOptions)
    geant4: tuple[Path, ...] = ()

    def make(
        self, files: ShowerFiles, *, seed: int, reflect: bool
    ) -> FastTraining | FastCorrection:
        """Build a model with random weights for given showers.

        Args:
            files: Showers that `calovox simulate` made.
            seed: Seed of the weights.
            reflect: Whether showers are reflected, which must not be.

        Returns:
            What is to be trained.

        Raises:
            ValueError: If the showers are reflected: then they have no noise.
        """
        if reflect:
            raise ValueError("CaloFast: expected showers that are not reflected")
        grid, energies = files.grid, files.energy_range
        photons = PhotonHinges(energies, _eta_range(files))
        model = seeded(seed, lambda: self.sizes.model(grid, photons))
        observables = ShowerObservables(grid, known_positions(grid))
        scales = ObservableScales.fit(
            ((part.conditions.energy, _observe(part, observables)) for part in files.batches()),
            energies,
        )
        _fit_resolution(model.energies, scales)
        raw = QuantileVoxelTransform.unfitted(grid.layer_sizes)
        transform = fit_quantiles(raw, files, seed=seed, reflect=False)
        mixing, n_numbers = None, self.noise.n_numbers
        if n_numbers is not None:
            mixing = fit_mixing(files.batches(), transform, self.noise.seed, n_numbers)
        training = FastTraining(
            model, transform, observables, scales, seed=self.noise.seed, mixing=mixing
        )
        if self.further:
            training.skip_first_steps()
        if not self.critic.critic_steps:
            return training
        numbers = CriticNumbers(observables, grid).fit(files.batches(), energies)
        options = self.critic
        critic = seeded(
            seed,
            lambda: Critic(numbers, penalty=options.penalty, haste=1.0 / options.pace),
        )
        real = self._real(files) if self.geant4 else None
        return FastCorrection(training, critic, real, first_steps=options.critic_steps)

    def _real(self, files: ShowerFiles) -> Showers[torch.Tensor]:
        """Read the showers of Geant4 in the ranges of the simulated ones.

        Those with weights count as the others: each is compared with simulated ones of the same
        photon and layers.
        """
        low, high = _eta_range(files)
        real = ShowerFiles(
            [DatasetReader(path, takes_weights=True) for path in self.geant4],
            eta_range=(low, math.nextafter(high, math.inf)),
            energy_range=files.energy_range,
        )
        if real.grid != files.grid:
            raise ValueError(
                f"{self.geant4[0]}: expected the voxels of the simulated showers, {files.grid!r}, "
                f"got {real.grid!r}"
            )
        if real.particle != files.particle:
            raise ValueError(
                f"{self.geant4[0]}: expected showers of one particle, {files.particle}, got those "
                f"of {real.particle}"
            )
        return real.read(np.arange(len(real)))


def simulated_noise(paths: Sequence[Path]) -> SimulatedNoise:
    """Find what noise showers were made of.

    Args:
        paths: Their datasets, of `calovox simulate`, or of `calovox voxelize` from its hits.

    Returns:
        The noise, of one run.

    Raises:
        ValueError: If they were not made by a model, or of the noise of several runs.
    """
    found = {noise for path in paths for noise in _noise_of(path)}
    seeds = sorted({noise.seed for noise in found})
    if len(seeds) > 1:
        raise ValueError(
            f"--data, --validation: expected showers of one seed, got seeds {seeds}: jobs of one "
            "run share a seed and differ in --first-event"
        )
    if len(found) > 1:
        raise ValueError(
            "--data, --validation: expected all showers as they were simulated, or the hits of "
            "all of them voxelized, got both"
        )
    return found.pop()


def _noise_of(path: Path) -> Iterator[SimulatedNoise]:
    """Give the noise of each run that a dataset comes from."""
    provenance = DatasetReader(path).provenance
    again = provenance.get("command") == "voxelize"
    runs = provenance.get("hits", []) if again else [provenance]
    for run in runs or [{}]:
        settings = run.get("settings", {})
        simulated = run.get("command") == "simulate" and "seed" in settings
        if not simulated or "library" in run or (again and "n_shape_noise" not in run):
            raise ValueError(
                f"{path}: expected showers that `calovox simulate` made with a model, or voxels "
                "of their hits: CaloFast learns from showers and the noise that they were made of"
            )
        about_photons = settings.get("center") == "photon"
        if again:
            about_photons &= provenance["settings"].get("center") == "photon"
        if not about_photons:
            raise ValueError(
                f"{path}: expected showers centred on their photons: simulate them with "
                "--center photon, and voxelize their hits with it, too"
            )
        yield SimulatedNoise(int(settings["seed"]), int(run["n_shape_noise"]) if again else None)


def _eta_range(files: ShowerFiles) -> tuple[float, float]:
    """Find the lowest and the highest abs(eta)."""
    eta = np.abs(np.concatenate([reader.eta_center() for reader in files.readers]))[files.rows]
    return float(eta.min()), float(eta.max())


def _observe(
    part: Showers[torch.Tensor], observables: ShowerObservables
) -> dict[str, torch.Tensor]:
    voxels = part.voxels * part.conditions.energy[:, None]
    energy = voxels @ observables.layers
    total = energy.sum(dim=1, keepdim=True)
    return observables.of_voxels(voxels) | {"energies": observables.of_energies(total, energy)}


def _fit_resolution(energies: FastEnergies, scales: ObservableScales) -> None:
    """Let s(E) pass through the resolutions at the lowest and the highest energy."""
    energy = scales.nodes.exp()
    square = (scales.energies[:, 0] / energy) ** 2
    constant = square[-1].clamp(min=1e-8)
    stochastic = ((square[0] - constant) * energy[0]).clamp(min=1e-8)
    energies.resolution[1:] = torch.stack([stochastic, constant])
