"""The kinds of models: their sizes, and models of these sizes.

A model is built with transforms that are not fitted yet; `fitted` gives it transforms fitted to
showers. Both have the same weights and buffers by name, so that what was saved from the second
can be loaded into the first.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

from torch import nn

from calovox.models.fast import CaloFast
from calovox.models.gan import CaloGAN
from calovox.models.inn import CaloINN, inn_network
from calovox.models.shapes.arc_model import ArcModel
from calovox.models.shapes.cfm import CaloCFM
from calovox.models.shapes.dit import CaloDiT
from calovox.models.shapes.students import ConsistencyModel
from calovox.preprocessing import ConditionTransform, EnergyBounds, LayerEnergyTransform
from calovox.training.data.showers import ShowerFiles
from calovox.training.fits.layers import read_layers
from calovox.training.fits.quantiles import seeded
from calovox.training.sizes.fast import FastSizes
from calovox.training.sizes.gan import GanSizes
from calovox.training.sizes.options import CorrectionOptions, InnOptions
from calovox.training.sizes.shapes import CfmSizes, DitSizes, ModelKind
from calovox.voxelization import VoxelGrid

__all__ = [
    "AnyModel",
    "CorrectionSizes",
    "InnSizes",
    "MakeModel",
    "Sizes",
    "StudentSizes",
    "read_sizes",
]

AnyModel = CaloINN | CaloCFM | CaloDiT | ConsistencyModel | CaloGAN | CaloFast
"""A model of any kind."""


@runtime_checkable
class MakeModel(Protocol):
    """Makes what is to be trained."""

    def __call__(self, files: ShowerFiles, *, seed: int, reflect: bool) -> nn.Module:
        """Build it.

        Args:
            files: Showers to which the standardisations are fitted.
            seed: Seed of the weights.
            reflect: Whether the showers are reflected in training.

        Returns:
            A `Trainable` model.
        """
        ...


@dataclass(frozen=True)
class InnSizes(InnOptions):
    """Sizes of CaloINN, and models of these sizes."""

    kind: ClassVar[ModelKind] = "inn"

    def build(self, grid: VoxelGrid) -> CaloINN:
        """Build a model with random weights.

        Args:
            grid: The voxels.

        Returns:
            The model.
        """
        n_layers = len(grid.layers)
        network = inn_network(
            n_layers, n_blocks=self.n_blocks, width=self.width, n_bins=self.n_bins
        )
        conditions = ConditionTransform(spread=self.spread_eta)
        return CaloINN(network, conditions, LayerEnergyTransform.unfitted(n_layers))

    def fitted(self, files: ShowerFiles, *, seed: int, reflect: bool) -> CaloINN:
        """Build a model with random weights for given showers.

        Args:
            files: Showers to which the standardisations are fitted.
            seed: Seed of the weights.
            reflect: Whether the showers are reflected in training; layers do not notice.

        Returns:
            The model.
        """
        raw, parts = seeded(seed, lambda: self.build(files.grid)), read_layers(files)
        return CaloINN(
            raw.network,
            ConditionTransform.fit((part.energy for part in parts), spread=self.spread_eta),
            raw.layer_energies.fit(part.layer_energy for part in parts),
            EnergyBounds.fit(
                ((part.energy, part.layer_energy) for part in parts), files.energy_range
            ),
        )


@dataclass(frozen=True)
class StudentSizes:
    """Sizes of a student, which are its teacher's.

    Attributes:
        teacher: Kind of the teacher.
        teacher_sizes: Its sizes, as plain values.
        evaluations: How often a shower evaluates the network.
    """

    kind: ClassVar[ModelKind] = "student"

    teacher: ModelKind = "dit"
    teacher_sizes: dict[str, Any] = field(default_factory=lambda: asdict(DitSizes()))
    evaluations: int = 1

    def build(self, grid: VoxelGrid) -> ConsistencyModel:
        """Build a student with random weights.

        Args:
            grid: The voxels.

        Returns:
            The student.
        """
        teacher = read_sizes(self.teacher, self.teacher_sizes).build(grid)
        assert isinstance(teacher, ArcModel)
        return ConsistencyModel(teacher, n_evaluations=self.evaluations)


@dataclass(frozen=True)
class CorrectionSizes(CorrectionOptions):
    """Which exported model is corrected, and how.

    Attributes:
        file: Name of its ONNX file.
        sha256: Its SHA-256.
        graph_sha256: SHA-256 of what it computes; empty in older runs.
    """

    kind: ClassVar[ModelKind] = "correction"

    file: str = ""
    sha256: str = ""
    graph_sha256: str = ""

    def build(self, grid: VoxelGrid) -> AnyModel:
        """Refuse: the model is in the exported file.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"expected a model, got a correction of {self.file}: give it to calovox export with "
            "the exported model, as --correction"
        )


Sizes = InnSizes | CfmSizes | DitSizes | StudentSizes | GanSizes | FastSizes | CorrectionSizes
"""Sizes of any kind of model."""

_KINDS: dict[str, type[Sizes]] = {
    "inn": InnSizes,
    "cfm": CfmSizes,
    "dit": DitSizes,
    "student": StudentSizes,
    "gan": GanSizes,
    "fast": FastSizes,
    "correction": CorrectionSizes,
}


def read_sizes(kind: str, values: Mapping[str, Any]) -> Sizes:
    """Make sizes from plain values.

    Args:
        kind: Kind of the model.
        values: What `dataclasses.asdict` gave. Sizes that came later may be missing: their
            defaults are what there was before.

    Returns:
        The sizes.

    Raises:
        ValueError: If there is no such kind, or a size is unknown.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind: expected one of {', '.join(_KINDS)}, got '{kind}'")
    known = asdict(_KINDS[kind]())
    if not values.keys() <= known.keys():
        raise ValueError(f"sizes of {kind}: expected {list(known)}, got {list(values)}")
    return _KINDS[kind](**values)
