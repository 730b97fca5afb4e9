"""What simulating, exporting, evaluating and training need of a model; without torch.

Arrays may be of any library: torch tensors while training, numpy arrays from an exported graph.
Energies of layers and voxels are fractions of the photon's kinetic energy, as in the dataset.
Noise is always an argument, so that the same model gives the same shower wherever it runs.
"""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

__all__ = ["Conditions", "Sampler", "Showers", "Trainable"]

ArrayT = TypeVar("ArrayT")
RngT_contra = TypeVar("RngT_contra", contravariant=True)


@dataclass(frozen=True, eq=False)
class Conditions(Generic[ArrayT]):
    """Photons as models see them, one per event.

    Attributes:
        energy: Kinetic energy in MeV.
        eta: Pseudorapidity of the shower centre; its sign does not matter.
    """

    energy: ArrayT
    eta: ArrayT


@dataclass(frozen=True, eq=False)
class Showers(Generic[ArrayT]):
    """A batch of showers to train with.

    Attributes:
        conditions: Their photons.
        layer_energy: Event by layer, as fractions of the kinetic energy.
        voxels: Event by voxel, as fractions of the kinetic energy.
        index: Index of each event in its run.
    """

    conditions: Conditions[ArrayT]
    layer_energy: ArrayT
    voxels: ArrayT
    index: ArrayT


@runtime_checkable
class Sampler(Protocol[ArrayT]):
    """Anything that makes showers out of standard normal numbers."""

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event."""
        ...

    def sample(self, conditions: Conditions[ArrayT], noise: ArrayT) -> ArrayT:
        """Draw showers.

        Args:
            conditions: Their photons.
            noise: Standard normal numbers, event by `noise_shape`.

        Returns:
            Voxels, event by voxel, as fractions of the kinetic energy, not negative.
        """
        ...


@runtime_checkable
class Trainable(Protocol[ArrayT, RngT_contra]):
    """Anything that says how wrong it is."""

    def losses(self, batch: Showers[ArrayT], rng: RngT_contra) -> dict[str, ArrayT]:
        """Compute the terms of the loss.

        Args:
            batch: Showers.
            rng: Where random numbers come from.

        Returns:
            Scalars by name; training minimises their sum.
        """
        ...
