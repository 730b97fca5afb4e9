"""Sizes of the models as numbers and names, which a user can choose; imports no torch.

`calovox.training.sizes.kinds` makes models of these sizes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from calovox.models.shapes.kinds import (
    LayerWeighting,
    PathKind,
    SolverName,
    TokenKind,
    VoxelSpaceKind,
)
from calovox.options import Count, Range, check_ranges

__all__ = [
    "CfmOptions",
    "ComparisonOptions",
    "ConditionKind",
    "CorrectionOptions",
    "CriticOptions",
    "DitOptions",
    "FastCriticOptions",
    "FastOptions",
    "GanOptions",
    "InnOptions",
    "SampledOptions",
    "TeachingOptions",
]

ConditionKind = Literal["maxima", "standardized"]
"""What a transformer sees of photons: see `calovox.preprocessing.shape_conditions`."""

_Penalty = Annotated[float, Range(1e-6)]


class _Checked:
    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class InnOptions(_Checked):
    """Sizes of CaloINN; by default the note's.

    Attributes:
        n_blocks: Coupling blocks.
        width: Neurons of both hidden layers in each block.
        n_bins: Bins of each spline.
        spread_eta: Spread eta at 0 and 0.8, where the detector changes (not in the note).
    """

    n_blocks: Count = 14
    width: Count = 60
    n_bins: Annotated[int, Range(2)] = 10
    spread_eta: bool = True


@dataclass(frozen=True, kw_only=True)
class SampledOptions(_Checked):
    """How samples are made, which can be changed after the training.

    Attributes:
        path: Path from noise to data: arc (TrigFlow), line (flow matching, the note's for a
            CFM), or karras (EDM, the note's for a DiT).
        solver: Method that follows the path (ODE solver); for karras, heun.
        solver_steps: In how many steps.
    """

    path: PathKind = "arc"
    solver: SolverName = "rk4"
    solver_steps: Count = 1


@dataclass(frozen=True)
class CfmOptions(SampledOptions):
    """Sizes of CaloCFM; by default those of the note's small model.

    Attributes:
        width: Neurons of each of the three hidden layers: 1024 (small) or 1500 (large).
        layer_weighting: Weights of the voxels in the loss.
        voxels: Voxels as normal scores, or as the note has them, a logit.
        preconditioned: Let the network add to the velocity that is known without it (not in the
            note).
    """

    width: Count = 1024
    layer_weighting: LayerWeighting = "note"
    voxels: VoxelSpaceKind = "quantiles"
    preconditioned: bool = True


@dataclass(frozen=True)
class DitOptions(SampledOptions):
    """Sizes of CaloDiT-2; by default the note's.

    Attributes:
        tokens: What a token is: patches of a grid whose layers have the same bins, or rings or
            voxels of any grid.
        width: Numbers per token (embedding dimension).
        heads: Heads of the attention.
        blocks: Blocks of attention and MLP.
        conditions: Energies divided by their maxima (the note), or standardized as for CaloCFM.
        voxels: Voxels as normal scores, or as the note has them, a logarithm.
    """

    tokens: TokenKind = "patches"
    width: Count = 144
    heads: Count = 8
    blocks: Count = 4
    conditions: ConditionKind = "standardized"
    voxels: VoxelSpaceKind = "quantiles"


@dataclass(frozen=True)
class GanOptions(_Checked):
    """Sizes of FastCaloGAN's generator; by default AtlFast3's.

    Attributes:
        latent: Latent numbers of a shower.
        widths: Neurons of the hidden layers.
    """

    latent: Count = 50
    widths: Sequence[int] = (50, 100, 200)


@dataclass(frozen=True)
class FastOptions(_Checked):
    """Sizes of CaloFast's networks.

    Attributes:
        width: Neurons of each hidden layer for the voxels.
        depth: How many of these layers.
        condition_width: Neurons for what depends on the photon and on the layers alone.
        energy_width: Neurons of each hidden layer for the energies of the layers.
        energy_depth: How many of these layers.
    """

    width: Count = 320
    depth: Count = 2
    condition_width: Count = 64
    energy_width: Count = 128
    energy_depth: Count = 3


@dataclass(frozen=True, kw_only=True)
class CriticOptions(_Checked):
    """How a GAN is trained, as far as the model does not show it; by default as in AtlFast3.

    Attributes:
        critic_width: Neurons of each of the critic's three hidden layers; as many as voxels by
            default.
        critic_turns: Steps of the critic for each one of the generator.
        penalty: Weight of the gradient penalty (WGAN-GP).
    """

    critic_width: Count | None = None
    critic_turns: Count = 5
    penalty: _Penalty = 10.0


@dataclass(frozen=True, kw_only=True)
class TeachingOptions(_Checked):
    """How a model is distilled.

    Attributes:
        evaluations: Evaluations of the student's network per shower: 1, 2, 4.
        levels: Levels between noise and data, per evaluation; 2: end to end.
        spacing: Levels in equal angles (TrigFlow), or as the note has them (EDM).
        teacher_steps: Steps of the teacher from one level to the next.
        decay: Decay of the average (EMA) of the student's weights, which is the target.
    """

    evaluations: Count = 1
    levels: Annotated[int, Range(2)] = 32
    spacing: Literal["angles", "karras"] = "angles"
    teacher_steps: Count = 1
    decay: Annotated[float, Range(0.0)] = 0.95


@dataclass(frozen=True, kw_only=True)
class ComparisonOptions(_Checked):
    """How a trained model learns from a critic that compares (`calovox.models.comparing`).

    Attributes:
        critic_steps: First steps, in which the critic learns alone.
        penalty: Weight of the slopes of the critic.
        pace: Steps of the model's weights, as a part of those of the critic's.
    """

    critic_steps: Annotated[int, Range(0)]
    penalty: _Penalty
    pace: Annotated[float, Range(1e-6, 1.0)] = 0.03


@dataclass(frozen=True, kw_only=True)
class FastCriticOptions(ComparisonOptions):
    """How a critic corrects a CaloFast that has been trained.

    Attributes:
        critic_steps: First steps, in which the critic learns alone; 0 for no critic.
    """

    critic_steps: Annotated[int, Range(0)] = 0
    penalty: _Penalty = 0.05


@dataclass(frozen=True, kw_only=True)
class CorrectionOptions(ComparisonOptions):
    """How an exported model is corrected."""

    critic_steps: Count = 60
    penalty: _Penalty = 1.0
