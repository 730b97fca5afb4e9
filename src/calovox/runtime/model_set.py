"""Exported models that cover ranges of abs(eta) side by side, and parametrisations."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Bool, Float, Float32, Float64, Int64
from calovox.files.damage import one_line, reading
from calovox.files.whole import file_hash
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.models.base import Conditions
from calovox.models.parametric.file import is_parametric_file, read_parametric
from calovox.models.parametric.model import ParametricModel
from calovox.photons import Particle
from calovox.runtime.accelerators import Accelerator, AcceleratorError, not_for
from calovox.runtime.metadata import FORMAT, VERSION, ModelFileError
from calovox.runtime.onnx_model import OnnxModel
from calovox.voxelization import VoxelGrid

__all__ = [
    "MODEL_FILE",
    "PARAMETRIC_FILE",
    "ModelSet",
    "check_files",
    "find_model",
    "is_shipped",
    "load_models",
    "read_description",
]

MODEL_FILE: Final = "model.json"
"""Name of the file that says what else is in the folder of a model."""

PARAMETRIC_FILE: Final = "parametrisation.h5"
"""Name of the only file in the folder of a shipped parametrisation."""

_SHIPPED: Final = "shipped"
_SIDE_FILES: Final = ("boundaries", "sub_voxels", "phi_modulation", "centers")


@dataclass(frozen=True, eq=False)
class ModelSet:
    """Draws each photon's shower with the model of its abs(eta).

    Attributes:
        models: The models, by rising abs(eta); at a common border the upper one is taken.
        sub_voxels: ROOT file that says where hits lie in voxels; none if there is none.
        phi_modulation: HDF5 file of phi modulation curves; none if there is none.
        centers: JSON file of shower centres about photons; none if there is none.
    """

    models: tuple[OnnxModel, ...]
    sub_voxels: Path | None = None
    phi_modulation: Path | None = None
    centers: Path | None = None

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("ModelSet: expected at least one model, got none")
        for below, above in zip(self.models[:-1], self.models[1:], strict=True):
            if below.grid != above.grid:
                raise ValueError(
                    f"ModelSet: expected models on one grid, got {below.grid!r} and {above.grid!r}"
                )
            if below.noise_shape != above.noise_shape:
                raise ValueError(
                    f"ModelSet: expected models of as much noise, got {below.noise_shape} and "
                    f"{above.noise_shape}"
                )
            if below.particle != above.particle:
                raise ValueError(
                    f"ModelSet: expected models of one particle, got {below.particle} and "
                    f"{above.particle}"
                )
            if above.eta_range[0] < below.eta_range[1]:
                raise ValueError(
                    f"ModelSet: expected ranges of abs(eta) that rise and do not overlap, got "
                    f"{below.eta_range} before {above.eta_range}"
                )

    @property
    def grid(self) -> VoxelGrid:
        """The voxels."""
        return self.models[0].grid

    @property
    def detector(self) -> DetectorMark | None:
        """What the models say of their detector; None for the layers of the built-in barrel."""
        return self.models[0].detector

    @property
    def particle(self) -> Particle:
        """What made the showers that they were trained with."""
        return self.models[0].particle

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event."""
        return self.models[0].noise_shape

    def in_range(
        self, energy: Float[Array, " event"], eta: Float[Array, " event"]
    ) -> Bool[Array, " event"]:
        """Tell which photons a model was trained for.

        Args:
            energy: Kinetic energies in MeV.
            eta: Pseudorapidities of the shower centres.

        Returns:
            Whether energy and abs(eta) are within the ranges of the photon's model.
        """
        size = np.abs(eta)
        low, high, low_eta, high_eta = self._ranges[:, self._index(eta)]
        inside = (low <= energy) & (energy <= high) & (low_eta <= size) & (size <= high_eta)
        return np.asarray(inside)

    def sample(
        self,
        energy: Float[Array, " event"],
        eta: Float[Array, " event"],
        noise: Float[Array, "event noise"],
    ) -> Float32[Array, "event voxel"]:
        """Draw showers; outside all ranges of abs(eta), by the nearest model.

        Args:
            energy: Kinetic energies in MeV.
            eta: Pseudorapidities of the shower centres.
            noise: Standard normal numbers.

        Returns:
            Voxels as fractions of the kinetic energy, not negative.
        """
        index = self._index(eta)
        if len(positions := set(index.tolist())) == 1:
            model = self.models[positions.pop()]
            return np.asarray(model.sample(Conditions(energy, eta), noise))
        voxels = np.empty((len(energy), self.grid.n_voxels), dtype=np.float32)
        for position, model in enumerate(self.models):
            chosen = np.flatnonzero(index == position)
            if len(chosen):
                conditions = Conditions(energy[chosen], eta[chosen])
                voxels[chosen] = model.sample(conditions, noise[chosen])
        return voxels

    def _index(self, eta: Float[Array, " event"]) -> Int64[Array, " event"]:
        return np.asarray(self._borders.searchsorted(np.abs(eta), side="right"))

    @cached_property
    def _ranges(self) -> Float64[Array, "4 model"]:
        return np.array([(*model.energy_range, *model.eta_range) for model in self.models]).T

    @cached_property
    def _borders(self) -> Float64[Array, " border"]:
        """Where the next model is as near as the one before: in the middle of a gap."""
        low, high = self._ranges[2:]
        return np.asarray(0.5 * (high[:-1] + low[1:]))


def load_models(
    name_or_path: str | Path, *, n_threads: int = 1, accelerator: Accelerator = "cpu"
) -> ModelSet | ParametricModel:
    """Load exported models, or a parametrisation.

    Args:
        name_or_path: A folder of `calovox export`, one of its ONNX files, a file of `calovox train
            parametric`, or the name of a model that comes with the package.
        n_threads: Threads that compute.
        accelerator: Where ONNX files are computed.

    Returns:
        The models.

    Raises:
        AcceleratorError: If the accelerator cannot be used, or not for a parametrisation.
        FileNotFoundError: If there is nothing of that name.
        ModelFileError: If it is no model, or a damaged one.
        ParametricFileError: If it is a damaged parametrisation.
    """
    path = find_model(name_or_path)
    parametric = path / PARAMETRIC_FILE if path.is_dir() else path
    if parametric.is_file() and (path.is_dir() or is_parametric_file(path)):
        if accelerator != "cpu":
            raise AcceleratorError(not_for(name_or_path, "a parametrisation"))
        return read_parametric(parametric)
    load = partial(OnnxModel, n_threads=n_threads, accelerator=accelerator)
    return _load_folder(path, load) if path.is_dir() else ModelSet((load(path),))


def find_model(name_or_path: str | Path) -> Path:
    """Find a model, which may be one that comes with the package.

    Args:
        name_or_path: A folder, a file, or the name of a model of the package.

    Returns:
        The folder or file.

    Raises:
        FileNotFoundError: If there is nothing of that name.
    """
    path = Path(name_or_path)
    if path.exists():
        return path
    shipped = _shipped()
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    names = ", ".join(sorted(shipped)) or "none"
    raise FileNotFoundError(
        f"{name_or_path}: no such file or folder, nor a model of the package ({names})"
    )


def is_shipped(path: Path) -> bool:
    """Tell whether a file belongs to a model of the package.

    Args:
        path: A file of a model.

    Returns:
        Whether it lies in the folder of one.
    """
    return path.parent in _shipped().values()


def _shipped() -> dict[str, Path]:
    with resources.as_file(resources.files("calovox") / _SHIPPED) as folder:
        if not folder.is_dir():
            return {}
        files = (MODEL_FILE, PARAMETRIC_FILE)
        return {
            path.name: path
            for path in folder.iterdir()
            if any((path / name).is_file() for name in files)
        }


def _load_folder(folder: Path, load: Callable[[Path], OnnxModel]) -> ModelSet:
    content = read_description(folder)
    names = [model["file"] for model in content["models"]]
    side = {what: content.get(what) for what in _SIDE_FILES[1:]}
    check_files(folder, content, [*names, *filter(None, side.values())])
    models = (load(folder / name) for name in names)
    paths = {what: None if name is None else folder / name for what, name in side.items()}
    return ModelSet(tuple(sorted(models, key=lambda model: model.eta_range)), **paths)


def read_description(folder: Path) -> dict[str, Any]:
    """Read `model.json`.

    Args:
        folder: Folder of an exported model.

    Returns:
        Its content.

    Raises:
        ModelFileError: If there is none, or a damaged one.
    """
    path = folder / MODEL_FILE
    if not path.is_file():
        raise ModelFileError(f"{folder} is no folder of calovox export: it has no {MODEL_FILE}")
    with reading(path, ModelFileError, "is damaged"):
        content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ModelFileError(f"{path} does not describe a model of calovox")
    if content.get("version") != VERSION:
        raise ModelFileError(f"{path}: expected version {VERSION}, got {content.get('version')}")
    if not content.get("models") or not isinstance(content.get("files"), dict):
        raise ModelFileError(f"{path} is damaged: it lacks `models` or `files`")
    _check_names(path, content)
    return content


def check_files(folder: Path, content: dict[str, Any], names: Sequence[str]) -> None:
    """Refuse a folder whose files are not those that `model.json` describes.

    Args:
        folder: Folder of an exported model.
        content: What `read_description` gave.
        names: Which files.

    Raises:
        ModelFileError: Naming the first file that is missing or another one.
    """
    hashes = content["files"]
    for name in names:
        if not (folder / name).is_file():
            raise ModelFileError(f"{folder / name} is missing: export the model again")
        if file_hash(folder / name) != hashes.get(name):
            raise ModelFileError(f"{folder / name} is not the file that {MODEL_FILE} describes")


def _check_names(path: Path, content: dict[str, Any]) -> None:
    """Refuse names that lead out of the folder, or are none."""
    if not isinstance(content["models"], list):
        raise ModelFileError(f"{path} is damaged: expected a list as `models`")
    names: list[Any] = list(content["files"])
    names += [content[key] for key in _SIDE_FILES if content.get(key) is not None]
    for model in content["models"]:
        if not isinstance(model, dict) or "file" not in model:
            raise ModelFileError(f"{path} is damaged: expected a table with `file` per model")
        names += [model[key] for key in ("file", "fastcalosim_file") if key in model]
    for name in names:
        if not _is_plain(name):
            raise ModelFileError(
                f"{path}: expected names of files in its folder, got `{one_line(name)}`"
            )


def _is_plain(name: Any) -> bool:
    return (
        isinstance(name, str)
        and name.isprintable()
        and not name.startswith(".")
        and name not in ("", MODEL_FILE)
        and not set(name) & set("/\\:")
    )
