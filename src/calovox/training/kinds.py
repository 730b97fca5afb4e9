"""The kinds of models that can be trained: their sizes, and models of these sizes.

A model is built with transforms that are not fitted yet; `fitted` gives it transforms fitted to
showers. Both have the same weights and buffers by name, so that what was saved from the second
can be loaded into the first.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor

from calovox.models.base import Showers
from calovox.models.cfm import CaloCFM, LayerWeighting, cfm_network, condition_energies
from calovox.models.inn import CaloINN, inn_network
from calovox.models.solvers import SOLVERS
from calovox.preprocessing import ConditionTransform, LayerEnergyTransform, VoxelTransform
from calovox.training.reflection import mirrored_voxels
from calovox.training.showers import ShowerFiles

__all__ = ["CfmSizes", "InnSizes", "ModelKind", "Sizes", "read_sizes"]

ModelKind = Literal["inn", "cfm"]
"""Models by the names that the command line uses."""


@dataclass(frozen=True)
class InnSizes:
    """Sizes of CaloINN; by default the note's.

    Attributes:
        n_blocks: Coupling blocks.
        width: Neurons of both hidden layers in each block.
        n_bins: Bins of each spline.
    """

    kind: ClassVar[ModelKind] = "inn"

    n_blocks: int = 14
    width: int = 60
    n_bins: int = 10

    def build(self, layer_sizes: Sequence[int]) -> CaloINN:
        """Build a model with random weights.

        Args:
            layer_sizes: Number of voxels of each layer.

        Returns:
            The model.
        """
        n_layers = len(layer_sizes)
        network = inn_network(
            n_layers, n_blocks=self.n_blocks, width=self.width, n_bins=self.n_bins
        )
        return CaloINN(network, ConditionTransform(), LayerEnergyTransform.unfitted(n_layers))

    def fitted(self, files: ShowerFiles, *, seed: int, reflect: bool) -> CaloINN:
        """Build a model with random weights for given showers.

        Args:
            files: Showers to which the standardisations are fitted.
            seed: Seed of the weights.
            reflect: Whether the showers are reflected in training; layers do not notice.

        Returns:
            The model.
        """
        raw = _seeded(seed, lambda: self.build(files.layer_sizes))
        return CaloINN(
            raw.network,
            ConditionTransform.fit(part.conditions.energy for part in files.batches()),
            raw.layer_energies.fit(part.layer_energy for part in files.batches()),
        )


@dataclass(frozen=True)
class CfmSizes:
    """Sizes of CaloCFM; by default those of the note's small model.

    Attributes:
        width: Neurons of the three hidden layers: 1024 (small) or 1500 (large).
        layer_weighting: How the loss weighs voxels.
        solver: How samples are integrated.
        solver_steps: In how many steps.
    """

    kind: ClassVar[ModelKind] = "cfm"

    width: int = 1024
    layer_weighting: LayerWeighting = "equal"
    solver: str = "midpoint"
    solver_steps: int = 5

    def __post_init__(self) -> None:
        if self.solver not in SOLVERS:
            raise ValueError(f"solver: expected one of {', '.join(SOLVERS)}, got '{self.solver}'")

    def build(self, layer_sizes: Sequence[int]) -> CaloCFM:
        """Build a model with random weights.

        Args:
            layer_sizes: Number of voxels of each layer.

        Returns:
            The model.
        """
        n_layers = len(layer_sizes)
        return self._model(
            ConditionTransform(), condition_energies(n_layers), VoxelTransform(layer_sizes)
        )

    def fitted(self, files: ShowerFiles, *, seed: int, reflect: bool) -> CaloCFM:
        """Build a model with random weights for given showers.

        Args:
            files: Showers to which the standardisations are fitted.
            seed: Seed of the weights.
            reflect: Whether the showers are reflected in training: both ways count then.

        Returns:
            The model.
        """
        raw = self.build(files.layer_sizes)
        conditions = ConditionTransform.fit(p.conditions.energy for p in files.batches())
        layers = raw.layer_energies.fit(part.layer_energy for part in files.batches())
        voxels = raw.voxels.fit(_voxels(files, reflect=reflect))
        return _seeded(seed, lambda: self._model(conditions, layers, voxels))

    def _model(
        self,
        conditions: ConditionTransform,
        layers: LayerEnergyTransform,
        voxels: VoxelTransform,
    ) -> CaloCFM:
        network = cfm_network(voxels.n_voxels, layers.n_layers, width=self.width)
        return CaloCFM(
            network,
            conditions,
            layers,
            voxels,
            layer_weighting=self.layer_weighting,
            solver=SOLVERS[self.solver],
            n_steps=self.solver_steps,
        )


Model = TypeVar("Model", CaloINN, CaloCFM)

Sizes = InnSizes | CfmSizes
"""Sizes of any kind of model."""

_KINDS: dict[str, type[InnSizes] | type[CfmSizes]] = {"inn": InnSizes, "cfm": CfmSizes}


def read_sizes(kind: str, values: Mapping[str, Any]) -> Sizes:
    """Make sizes from plain values.

    Args:
        kind: Kind of the model.
        values: What `dataclasses.asdict` gave.

    Returns:
        The sizes.

    Raises:
        ValueError: If there is no such kind, or a size is missing or unknown.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind: expected one of {', '.join(_KINDS)}, got '{kind}'")
    known = asdict(_KINDS[kind]())
    if known.keys() != values.keys():
        raise ValueError(f"sizes of {kind}: expected {list(known)}, got {list(values)}")
    return _KINDS[kind](**values)


def _seeded(seed: int, build: Callable[[], Model]) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def _voxels(files: ShowerFiles, *, reflect: bool) -> Iterator[Tensor]:
    mirror = torch.from_numpy(mirrored_voxels(files.grid)) if reflect else None
    showers: Showers[Tensor]
    for showers in files.batches():
        yield showers.voxels
        if mirror is not None:
            yield showers.voxels.index_select(1, mirror)
