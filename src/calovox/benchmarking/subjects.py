"""What is measured: trained models, parametrisations, and libraries of showers.

Each draws showers for photons, and simulates them up to cells as `calovox simulate` does.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float32
from calovox.binned_shower import ShowerLibrary, SubVoxelProbabilities, read_sub_voxels
from calovox.dataset import DatasetReader
from calovox.geometry import barrel_cells
from calovox.geometry.detector_files import choose_detector
from calovox.models.parametric.file import is_parametric_file
from calovox.models.parametric.model import ParametricModel
from calovox.patterns.shipped import shipped_patterns
from calovox.phi_modulation.curve_file import read_curve
from calovox.photons import Photons
from calovox.random_streams import Stream, event_keys, event_normals
from calovox.runtime import ModelSet, load_models
from calovox.runtime.accelerators import Accelerator, AcceleratorError, not_for
from calovox.runtime.model_set import is_shipped
from calovox.simulation.sampling import photons_to_hits
from calovox.simulation.simulate import (
    SimulatedShowers,
    match_photons,
    simulate_hits,
    simulate_photons,
    simulate_voxels,
)
from calovox.voxelization import VoxelGrid

__all__ = ["Subject", "open_subject"]

_SEED: Final = 1


class Subject(ABC):
    """Draws showers, and simulates them up to cells."""

    @abstractmethod
    def is_trained_for(self, energy: float, eta: float) -> bool:
        """Tell whether it was trained for photons of an energy in MeV and a pseudorapidity."""

    @abstractmethod
    def path(self, eta: float) -> Path:
        """Give the file for a pseudorapidity."""

    @abstractmethod
    def paths(self) -> list[Path]:
        """Give the files of all ranges of abs(eta)."""

    @abstractmethod
    def n_parameters(self, eta: float) -> int | None:
        """Count trained parameters; None if nobody knows."""

    @abstractmethod
    def draw(self, photons: Photons, noise: Float32[Array, "event noise"]) -> None:
        """Draw the showers of photons, without cells."""

    @abstractmethod
    def simulate(self, photons: Photons, *, with_hits: bool) -> Iterator[SimulatedShowers]:
        """Simulate photons up to cells; with hits on the way if they are wanted."""

    def noise(self, photons: Photons) -> Float32[Array, "event noise"]:
        """Draw the noise that `draw` takes; by default none."""
        return np.empty((len(photons), 0), dtype=np.float32)


def open_subject(name: str, accelerator: Accelerator = "cpu") -> Subject:
    """Open what a name stands for.

    Args:
        name: A shipped model, a folder, an ONNX file, a parametrisation, or a dataset.
        accelerator: Where voxels are drawn; all else runs on the CPU.

    Returns:
        What is measured.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it is nothing that draws showers, or damaged, or the accelerator cannot be
            used for it.
    """
    path = Path(name)
    if path.is_file() and path.suffix in (".h5", ".hdf5") and not is_parametric_file(path):
        if accelerator != "cpu":
            raise AcceleratorError(not_for(name, "a library of showers"))
        return _Library(DatasetReader(path))
    models = load_models(name, accelerator=accelerator)
    return _Parametric(models) if isinstance(models, ParametricModel) else _Models(models)


class _Models(Subject):
    """Exported models, which are placed by patterns if they come with the package."""

    def __init__(self, models: ModelSet) -> None:
        self.models = models
        self.patterns = (
            shipped_patterns(models.grid) if is_shipped(models.models[0].path) else None
        )
        curve, sub_voxels = models.phi_modulation, models.sub_voxels
        self.curve = None if curve is None else read_curve(curve)
        self.probabilities: SubVoxelProbabilities | None = None
        if self.patterns is None and sub_voxels is not None:
            self.probabilities = read_sub_voxels(sub_voxels, models.grid)

    def is_trained_for(self, energy: float, eta: float) -> bool:
        return bool(self.models.in_range(np.array([energy]), np.array([eta]))[0])

    def path(self, eta: float) -> Path:
        return Path(self._model(eta).path)

    def paths(self) -> list[Path]:
        return [model.path for model in self.models.models]

    def n_parameters(self, eta: float) -> int | None:
        card: Mapping[str, Any] = self._model(eta).card
        parts = [part for part in card.values() if isinstance(part, Mapping)]
        counts = [int(part["parameters"]) for part in parts if "parameters" in part]
        return sum(counts) if counts else None

    def noise(self, photons: Photons) -> Float32[Array, "event noise"]:
        keys = event_keys(_SEED, Stream.MODEL, photons.index)
        return event_normals(keys, *self.models.noise_shape)

    def draw(self, photons: Photons, noise: Float32[Array, "event noise"]) -> None:
        self.models.sample(photons.energy, photons.eta, noise)

    def simulate(self, photons: Photons, *, with_hits: bool) -> Iterator[SimulatedShowers]:
        marks = {self.models.models[0].path: self.models.detector}
        detector = choose_detector(None, marks)
        return simulate_photons(
            self.models,
            photons,
            self.probabilities,
            seed=_SEED,
            table=detector.cells,
            detector=detector,
            phi_modulation=self.curve,
            patterns=self.patterns,
            with_hits=with_hits,
        )

    def _model(self, eta: float) -> Any:
        """Find the model of a pseudorapidity: the upper one at a common border."""
        models = self.models.models
        return next(m for m in reversed(models) if m.eta_range[0] <= abs(eta))


class _Parametric(Subject):
    """A parametrisation, which draws hits."""

    def __init__(self, model: ParametricModel) -> None:
        self.model = model

    def is_trained_for(self, energy: float, eta: float) -> bool:
        return bool(self.model.in_range(np.array([energy]), np.array([eta]))[0])

    def path(self, eta: float) -> Path:
        assert self.model.path is not None  # loaded from there
        return self.model.path

    def paths(self) -> list[Path]:
        return [self.path(0.0)]

    def n_parameters(self, eta: float) -> int | None:
        return self.model.n_parameters

    def draw(self, photons: Photons, noise: Float32[Array, "event noise"]) -> None:
        self.model.sample(photons, seed=_SEED)

    def simulate(self, photons: Photons, *, with_hits: bool) -> Iterator[SimulatedShowers]:
        hits = photons_to_hits(self.model, photons, VoxelGrid.optimal(), seed=_SEED)
        return simulate_hits(hits, table=barrel_cells())


class _Library(Subject):
    """BinnedShower: the nearest shower of a dataset, placed by patterns if there are some."""

    def __init__(self, reader: DatasetReader) -> None:
        self.reader = reader
        self.showers = ShowerLibrary(reader.read(), reader.phi_mod())
        self.patterns = shipped_patterns(reader.grid)

    def is_trained_for(self, energy: float, eta: float) -> bool:
        return True

    def path(self, eta: float) -> Path:
        return self.reader.path

    def paths(self) -> list[Path]:
        return [self.reader.path]

    def n_parameters(self, eta: float) -> int | None:
        return None

    def draw(self, photons: Photons, noise: Float32[Array, "event noise"]) -> None:
        for _ in match_photons(self.showers, photons, matching="nearest", seed=_SEED):
            pass

    def simulate(self, photons: Photons, *, with_hits: bool) -> Iterator[SimulatedShowers]:
        showers = match_photons(self.showers, photons, matching="nearest", seed=_SEED)
        return simulate_voxels(
            showers,
            None,
            seed=_SEED,
            table=barrel_cells(),
            patterns=self.patterns,
            with_hits=with_hits,
        )
