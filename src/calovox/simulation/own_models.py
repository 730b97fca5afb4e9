"""Models of other packages, which are found by name.

A package names its model as an entry point of the group ``calovox.samplers``::

    [project.entry-points."calovox.samplers"]
    my_model = "my_package.calovox:make_sampler"

``make_sampler()`` gives an `OwnSampler`, or an `OwnModel` if files go with it. It is called when
``--model my_model`` asks for it, and no package is imported before. Files, folders and the models
of calovox come first.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import numpy as np

from calovox.arrays import Array, Bool, Float, Float32, Float64
from calovox.geometry.detector_files import DetectorMark
from calovox.models.base import Conditions
from calovox.photons import Particle
from calovox.text import printable
from calovox.voxelization import VoxelGrid

if TYPE_CHECKING:
    from calovox.models.parametric.model import ParametricModel
    from calovox.runtime import ModelSet
    from calovox.runtime.accelerators import Accelerator

__all__ = ["GROUP", "OwnModel", "OwnModelError", "OwnSampler", "find_own_model", "load_model"]

GROUP: Final = "calovox.samplers"
"""The group of entry points."""


class OwnModelError(ValueError):
    """A model of another package that cannot be used, and why."""


@runtime_checkable
class OwnSampler(Protocol):
    """Anything that draws showers of photons on a grid of voxels."""

    @property
    def grid(self) -> VoxelGrid:
        """Its voxels."""
        ...

    @property
    def energy_range(self) -> tuple[float, float]:
        """Lowest and highest kinetic energy that it is for, in MeV."""
        ...

    @property
    def eta_range(self) -> tuple[float, float]:
        """Lowest and highest |eta| that it is for."""
        ...

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event: one number, how much it needs."""
        ...

    def sample(
        self,
        conditions: Conditions[Float64[Array, " event"]],
        noise: Float32[Array, "event noise"],
    ) -> Float[Array, "event voxel"]:
        """Draw showers.

        Args:
            conditions: Kinetic energies in MeV, and pseudorapidities of the shower centres.
            noise: Standard normal numbers, which depend on seed and event alone. A sampler that
                takes all its randomness from them gives the same shower in any batch.

        Returns:
            Voxels in the order of the grid, as fractions of the kinetic energy, not negative.
        """
        ...


@dataclass(frozen=True, eq=False)
class OwnModel:
    """A sampler, with the files that go with it.

    Attributes:
        sampler: Draws the showers.
        phi_modulation: Curves to be put into the hits, if the sampler was trained on showers
            without the phi modulation; None for none.
        sub_voxels: ROOT file that says where hits lie in voxels; None for anywhere.
        centers: File of `calovox train centers`; None for showers round their photons.
        name: How to call it in messages.
        provenance: Where it comes from, for the result.
        detector: What it says of its detector; None for the layers of the built-in barrel.
        particle: What makes the showers.
    """

    sampler: OwnSampler
    phi_modulation: Path | None = None
    sub_voxels: Path | None = None
    centers: Path | None = None
    name: str = "own model"
    provenance: tuple[tuple[str, str], ...] = ()
    detector: DetectorMark | None = None
    particle: Particle = "photon"

    @property
    def path(self) -> Path:
        """Its name, in place of a file."""
        return Path(self.name)

    @property
    def models(self) -> Sequence["OwnModel"]:
        """The model itself: it covers one range."""
        return (self,)

    @property
    def grid(self) -> VoxelGrid:
        """Its voxels."""
        return self.sampler.grid

    @property
    def energy_range(self) -> tuple[float, float]:
        """Lowest and highest kinetic energy that it is for, in MeV."""
        return self.sampler.energy_range

    @property
    def eta_range(self) -> tuple[float, float]:
        """Lowest and highest |eta| that it is for."""
        return self.sampler.eta_range

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event."""
        return self.sampler.noise_shape

    def in_range(
        self, energy: Float64[Array, " event"], eta: Float64[Array, " event"]
    ) -> Bool[Array, " event"]:
        """Tell which photons it is for."""
        (low, high), (low_eta, high_eta) = self.energy_range, self.eta_range
        size = np.abs(eta)
        inside = (low <= energy) & (energy <= high) & (low_eta <= size) & (size <= high_eta)
        return np.asarray(inside)

    def sample(
        self,
        energy: Float64[Array, " event"],
        eta: Float64[Array, " event"],
        noise: Float32[Array, "event draw"],
    ) -> Float32[Array, "event voxel"]:
        """Draw the voxels of each photon, as fractions of its kinetic energy.

        Raises:
            OwnModelError: If the sampler gives an array of another shape.
        """
        voxels = np.asarray(self.sampler.sample(Conditions(energy, eta), noise))
        expected = (len(energy), self.grid.n_voxels)
        if voxels.shape != expected:
            raise OwnModelError(
                f"{self.name}: expected voxels of shape {expected}, got {voxels.shape}"
            )
        return voxels.astype(np.float32, copy=False)


def load_model(
    name: str, accelerator: "Accelerator" = "cpu"
) -> "ModelSet | ParametricModel | OwnModel":
    """Load exported models, a parametrisation, or the model of another package.

    Args:
        name: A folder or a file, the name of a model of calovox, or that of another package.
        accelerator: Where ONNX files are computed; models of other packages decide for themselves.

    Returns:
        The model.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ModelFileError: If it is a damaged model.
        AcceleratorError: If the accelerator cannot be used.
        OwnModelError: If the model of another package cannot be used, or not there.
    """
    # onnxruntime is slow to import, and a library of showers does not need it
    from calovox.runtime import load_models
    from calovox.runtime.accelerators import not_for

    try:
        return load_models(name, accelerator=accelerator)
    except FileNotFoundError as problem:
        if (own := find_own_model(name)) is not None:
            if accelerator != "cpu":
                raise OwnModelError(not_for(name, "a model of another package")) from None
            return own
        names = ", ".join(sorted({entry.name for entry in entry_points(group=GROUP)})) or "none"
        raise FileNotFoundError(f"{problem}, nor one of another package ({names})") from problem


def find_own_model(name: str) -> OwnModel | None:
    """Load the model of another package.

    Args:
        name: Name of its entry point.

    Returns:
        The model; None if there is none of this name.

    Raises:
        OwnModelError: If two packages have one of this name, or it is no usable sampler.
    """
    found = entry_points(group=GROUP, name=name)
    if not found:
        return None
    if len({entry.value for entry in found}) > 1:
        raise OwnModelError(
            f"--model {name}: two packages have a model of this name: "
            f"{', '.join(sorted(entry.value for entry in found))}"
        )
    (entry,) = set(found)
    made = _make(entry)
    _check(name, made.sampler if isinstance(made, OwnModel) else made)
    model = made if isinstance(made, OwnModel) else OwnModel(made)
    return replace(model, name=name, provenance=_provenance(entry))


def _make(entry: Any) -> Any:
    """Import what an entry point names, and call it."""
    try:
        return entry.load()()
    except (ImportError, AttributeError) as problem:
        raise OwnModelError(
            f"--model {entry.name}: {entry.value} cannot be imported: {printable(str(problem))}"
        ) from problem


def _check(name: str, sampler: Any) -> None:
    """Refuse what is no sampler, before it is asked for showers."""
    if not isinstance(sampler, OwnSampler):
        raise OwnModelError(
            f"{name}: expected a sampler with `grid`, `energy_range`, `eta_range`, `noise_shape` "
            f"and `sample`, got {type(sampler).__name__}"
        )
    if not isinstance(sampler.grid, VoxelGrid):
        raise OwnModelError(
            f"{name}: expected a VoxelGrid as `grid`, got {type(sampler.grid).__name__}"
        )
    for what in ("energy_range", "eta_range"):
        limits = getattr(sampler, what)
        if not _is_range(limits):
            raise OwnModelError(
                f"{name}: expected two finite numbers that rise from 0 or more as `{what}`, got "
                f"{limits!r}"
            )
    if len(sampler.noise_shape) != 1:
        raise OwnModelError(
            f"{name}: expected one number in `noise_shape`, got {sampler.noise_shape!r}"
        )


def _provenance(entry: Any) -> tuple[tuple[str, str], ...]:
    package = () if entry.dist is None else ("package", f"{entry.dist.name} {entry.dist.version}")
    return (("model", entry.name), ("entry_point", entry.value), *((package,) if package else ()))


def _is_range(limits: Any) -> bool:
    try:
        low, high = map(float, limits)
    except (TypeError, ValueError):
        return False
    return 0.0 <= low <= high < math.inf
