"""The graphs that can be exported: INN, shape model and preprocessing behind FastCaloSim's inputs.

`FusedGraph` is what is exported of two stages: fewer nodes, the same showers up to the rounding.
`PlainGraph` is a model as it was trained, operation by operation: the reference for parity and
speed. Inputs beyond `ENERGY_LIMITS` and `ETA_LIMITS`, where there are no photons, count as those
limits, so that every graph gives finite numbers for any input but NaN.
"""

import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from calovox.export.fused.conditions import (
    ENERGY_LIMITS,
    ETA_LIMITS,
    FusedConditions,
)
from calovox.export.fused.energies import FusedEnergies, LayerShares
from calovox.export.fused.flow import FusedFlow
from calovox.export.fused.shapes import FusedShapes
from calovox.models.base import Conditions
from calovox.models.inn import CaloINN
from calovox.models.two_stage import TwoStageSampler, WholeSampler
from calovox.preprocessing.conditions import ETA_FACTOR

__all__ = ["EnergyStage", "FusedGraph", "PlainGraph"]


class PlainGraph(nn.Module):
    """The model as it was trained.

    Args:
        sampler: The model.
    """

    def __init__(self, sampler: WholeSampler) -> None:
        super().__init__()
        self.sampler = sampler

    def forward(
        self,
        eta: Float[Tensor, "event 1"],
        energy: Float[Tensor, "event 1"],
        layer_noise: Float[Tensor, "event layer"],
        voxel_noise: Float[Tensor, "event noise"],
    ) -> Float[Tensor, "event voxel"]:
        """Draw showers.

        Args:
            eta: 10 abs(eta) of the shower centre.
            energy: Kinetic energy in MeV.
            layer_noise: Standard normal numbers for the energy model.
            voxel_noise: Standard normal numbers for the shape model, for each evaluation of a
                student.

        Returns:
            Energies of the voxels in MeV.
        """
        eta, energy = eta.clamp(*ETA_LIMITS), energy.clamp(*ENERGY_LIMITS)
        conditions = Conditions(energy[:, 0], eta[:, 0] / ETA_FACTOR)
        noise = torch.cat([layer_noise, voxel_noise], dim=1)
        return energy * self.sampler.sample(conditions, noise)


class EnergyStage(nn.Module):
    """Layer energies, and what shape models read of them, from few nodes.

    Args:
        energies: The model of the energies.
    """

    def __init__(self, energies: CaloINN) -> None:
        super().__init__()
        self.flow = FusedFlow(energies.network)
        self.energies = FusedEnergies(energies.layer_energies, self.flow.places, energies.bounds)
        self.conditions_of_energies = FusedConditions(
            energies.conditions,
            energies.network.embedding,
            self.flow.consumers,
            dtype=torch.float64,
        )

    def layers(
        self,
        eta: Float32[Tensor, "event 1"],
        energy: Float32[Tensor, "event 1"],
        noise: Float32[Tensor, "event layer"],
    ) -> LayerShares:
        """Draw layer energies.

        Args:
            eta: 10 abs(eta) of the shower centre, within `ETA_LIMITS`.
            energy: Kinetic energy in MeV, within `ENERGY_LIMITS`.
            noise: Standard normal numbers.

        Returns:
            The energies, and how they came about.
        """
        for_blocks = self.conditions_of_energies(energy, eta)
        variables = self.flow(noise.double(), for_blocks)
        layers: LayerShares = self.energies(variables.float(), energy)
        return layers


class FusedGraph(EnergyStage):
    """The same showers from fewer nodes.

    Args:
        sampler: The model.

    Raises:
        ValueError: If its networks are of a kind that cannot be fused.
    """

    def __init__(self, sampler: TwoStageSampler) -> None:
        super().__init__(sampler.energies)
        self.shapes = FusedShapes(sampler.shapes)
        centroid = sampler.shapes.centroid
        self.centroid = centroid if centroid is not None and centroid.known else None

    def forward(
        self,
        eta: Float32[Tensor, "event 1"],
        energy: Float32[Tensor, "event 1"],
        layer_noise: Float32[Tensor, "event layer"],
        voxel_noise: Float32[Tensor, "event noise"],
    ) -> Float32[Tensor, "event voxel"]:
        """Draw showers.

        Args:
            eta: 10 abs(eta) of the shower centre.
            energy: Kinetic energy in MeV.
            layer_noise: Standard normal numbers for the energy model.
            voxel_noise: Standard normal numbers for the shape model, for each evaluation of a
                student.

        Returns:
            Energies of the voxels in MeV.
        """
        eta, energy = eta.clamp(*ETA_LIMITS), energy.clamp(*ENERGY_LIMITS)
        layers = self.layers(eta, energy, layer_noise)
        voxels: Tensor = self.shapes(voxel_noise, energy, eta, layers)
        return voxels if self.centroid is None else self.centroid(voxels, energy, voxel_noise)
