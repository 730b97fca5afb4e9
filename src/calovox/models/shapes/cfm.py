r"""CaloCFM: the shares of the voxels, by a continuous normalizing flow.

Noise x_0 and preprocessed showers x_1 are joined by straight lines, and a network learns the
velocity along them:

    x_t  = (1 - t) x_0 + t x_1,
    loss = mean over events and voxels of w_i (v_i(x_t, t) - (x_1 - x_0)_i)^2,

with t uniform in [0, 1] and weights w_i whose mean is 1. The note samples by dx/dt = v(x, t) with
five steps of the midpoint rule; the arcs of `calovox.models.shapes.arc` need fewer. The network
sees x, t, an embedding of log E and one of 10 abs(eta), and the layer energies as
`LayerEnergyTransform` makes them. The note counts the weights of the velocity alone: 3 151 230 for
a width of 1024 and 6 043 882 for 1500; the two embeddings have 4958 each. The note does not say
where the layer norms are, nor which activation is used: here, layer norms without parameters
before each activation, and SiLU. Two things differ from the note: voxels are normal scores
(`QuantileVoxelTransform` instead of `LogitVoxelTransform`), and the velocity is preconditioned
(`calovox.nn.velocity`). Both can be switched off.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6.2
    Y. Lipman, R. Chen, H. Ben-Hamu, M. Nickel, M. Le, *Flow matching for generative modeling*,
    2022, https://arxiv.org/abs/2210.02747
    L. Favaro, A. Ore, S. Palacios Schweitzer, T. Plehn, *CaloDREAM: detector response emulation
    via attentive flow matching*, 2024, https://arxiv.org/abs/2405.09629
"""

from collections.abc import Sequence
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor

from calovox.models.base import Conditions, Showers
from calovox.models.shapes.arc_model import ArcModel
from calovox.models.shapes.centroid import VoxelCentroid
from calovox.models.shapes.kinds import LayerWeighting
from calovox.models.shapes.sampling import ONE_STEP, Sampling
from calovox.nn import MLP, ScalarEmbedding, VelocityNetwork, count_parameters
from calovox.preprocessing import (
    ConditionTransform,
    LayerEnergyTransform,
    VoxelSpace,
)

__all__ = [
    "CaloCFM",
    "LayerWeighting",
    "angle_to_time",
    "cfm_network",
    "condition_energies",
    "voxel_weights",
]


def cfm_network(
    n_voxels: int = 382,
    n_layers: int = 5,
    *,
    width: int = 1024,
    embedding_width: int = 30,
    n_embedded: int = 128,
    preconditioned: bool = True,
) -> VelocityNetwork:
    """Build the velocity network of CaloCFM, by default the note's small one.

    Args:
        n_voxels: Voxels of the grid.
        n_layers: Layers of the calorimeter.
        width: Neurons of the three hidden layers: 1024 (small) or 1500 (large).
        embedding_width: Neurons of both hidden layers in the embeddings of energy and eta.
        n_embedded: Numbers that each of the two becomes.
        preconditioned: Whether the velocity is (ours; not in the note).

    Returns:
        The network, with random weights.

    Example:
        >>> count_parameters(cfm_network().backbone)
        3151230
    """
    embeddings = [MLP([1, embedding_width, embedding_width, n_embedded]) for _ in range(2)]
    return VelocityNetwork(
        ScalarEmbedding(embeddings),
        n_variables=n_voxels,
        n_context=n_layers,
        width=width,
        preconditioned=preconditioned,
    )


def condition_energies(n_layers: int = 5) -> LayerEnergyTransform:
    """Build the transform of the layer energies that the velocity network sees.

    Its noise and logit are regularised by 1e-4 instead of the 1e-6 of CaloINN: a share of
    1 - 1e-6 is rounded to some per cent of its distance from 1 in single precision, and showers
    must not depend on how a machine rounds.

    Args:
        n_layers: Layers of the calorimeter.

    Returns:
        A transform that is not fitted yet.
    """
    return LayerEnergyTransform.unfitted(n_layers, noise_width=1e-4, alpha=1e-4)


def voxel_weights(layer_sizes: Sequence[int], weighting: LayerWeighting) -> Tensor:
    """Compute the weight of each voxel in the loss.

    "note": in proportion to the number of voxels in its layer, as the note prints it. "equal": in
    inverse proportion, so that every layer weighs the same; this is what the note gives as its
    reason, that layers of many voxels shall not dominate. Measured, "note" gives better showers.

    Args:
        layer_sizes: Number of voxels of each layer.
        weighting: Which of the two.

    Returns:
        One weight per voxel; their mean is 1.

    Raises:
        ValueError: If there is no such weighting.
    """
    if weighting not in get_args(LayerWeighting):
        raise ValueError(
            f"voxel_weights: expected `weighting` 'note' or 'equal', got '{weighting}'"
        )
    sizes = torch.tensor(layer_sizes)
    in_layer = sizes.repeat_interleave(sizes).float()
    weights = in_layer if weighting == "note" else 1.0 / in_layer
    return weights / weights.mean()


class CaloCFM(ArcModel):
    """Draws voxels for given layer energies.

    Args:
        network: The velocity, of two embedded conditions and the layer energies.
        conditions: What the network sees of a photon.
        layer_energies: What the network sees of the layer energies.
        voxels: How voxels become numbers without bounds.
        layer_weighting: Weights of the loss.
        sampling: How samples are made.
        centroid: Where the energy centre of whole showers is moved; None to leave it.
    """

    weights: Tensor

    def __init__(
        self,
        network: VelocityNetwork,
        conditions: ConditionTransform,
        layer_energies: LayerEnergyTransform,
        voxels: VoxelSpace,
        *,
        layer_weighting: LayerWeighting = "note",
        sampling: Sampling = ONE_STEP,
        centroid: VoxelCentroid | None = None,
    ) -> None:
        super().__init__(voxels, sampling, centroid)
        if network.n_variables != voxels.n_voxels:
            raise ValueError(
                f"CaloCFM: expected a network of {voxels.n_voxels} variables, one per voxel, got "
                f"{network.n_variables}"
            )
        if len(voxels.layer_sizes) != layer_energies.n_layers:
            raise ValueError(
                f"CaloCFM: expected energies of {len(voxels.layer_sizes)} layers, got "
                f"{layer_energies.n_layers}"
            )
        self.network = network
        self.conditions = conditions
        self.layer_energies = layer_energies
        self.layer_weighting = layer_weighting
        weights = voxel_weights(voxels.layer_sizes, layer_weighting)
        self.register_buffer("weights", weights, persistent=False)

    def condition(
        self, conditions: Conditions[Tensor], layer_energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, "event condition"]:
        """Prepare what stays the same at all times.

        Args:
            conditions: Photons.
            layer_energy: Energies of the layers as fractions of the kinetic energy.

        Returns:
            The condition of the velocity.
        """
        scalars = self.conditions(conditions.energy, conditions.eta)
        return self.network.embed(scalars, self.layer_energies(layer_energy))

    def slope(
        self,
        u: Float[Tensor, "event voxel"],
        angle: Float[Tensor, "#event 1"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event voxel"]:
        """Evaluate the slope of the arcs.

        Args:
            u: Variables.
            angle: Their angles in rad, or one for all.
            condition: What `condition` returned.

        Returns:
            du/da.
        """
        return self.network.rest(u, angle_to_time(angle), condition)

    def losses(self, batch: Showers[Tensor], rng: torch.Generator) -> dict[str, Tensor]:
        """Compute the weighted squared error of the velocity, at one random time per event.

        Args:
            batch: Showers.
            rng: Where the noise of the data, x_0 and t come from.

        Returns:
            `velocity`.
        """
        x_1 = self.to_variables(batch, rng)
        x_0 = torch.empty_like(x_1).normal_(generator=rng)
        t = torch.empty_like(x_1[:, :1]).uniform_(generator=rng)
        x_t = (1.0 - t) * x_0 + t * x_1
        velocity = self.network(x_t, t, self.condition(batch.conditions, batch.layer_energy))
        return {"velocity": (self.weights * (velocity - (x_1 - x_0)) ** 2).mean()}

    def __repr__(self) -> str:
        n_parameters = count_parameters(self.network.backbone)
        rest = count_parameters(self) - n_parameters
        return (
            f"CaloCFM({self.noise_shape[0]} voxels, {n_parameters} + {rest} weights, "
            f"{self.sampling})"
        )


def angle_to_time(angle: Float[Tensor, "#event 1"]) -> Float[Tensor, "#event 1"]:
    """Find the time of the straight flow at an angle of the arc: tan(a) = t / (1 - t).

    Args:
        angle: Angles in rad, 0 to pi / 2.

    Returns:
        Times, 0 to 1.
    """
    return angle.sin() / (angle.sin() + angle.cos())
