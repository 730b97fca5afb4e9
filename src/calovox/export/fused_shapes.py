"""Shape models of any kind with all that does not change along the way computed once."""

import itertools
import math
from collections.abc import Callable
from functools import partial

from jaxtyping import Float32
from torch import Tensor, nn

from calovox.export.fused_energies import LayerShares
from calovox.export.fused_transformer import FusedTransformer
from calovox.export.fused_velocity import FusedVelocity
from calovox.export.fused_voxels import fuse_voxels
from calovox.models.cfm import CaloCFM
from calovox.models.consistency import ConsistencyModel
from calovox.models.denoisers import FlowDenoiser
from calovox.models.diffusion import CaloDiT
from calovox.models.edm import (
    SIGMA_DATA,
    Coefficients,
    denoise,
    edm_boundary_coefficients,
    flow_boundary_coefficients,
    karras_sigmas,
    sample_consistently,
)
from calovox.models.solvers import Solver
from calovox.models.two_stage import ShapeModel

__all__ = ["FusedShapes"]

FusedNetwork = FusedVelocity | FusedTransformer

Draw = Callable[[FusedNetwork, Tensor, Tensor], Tensor]
"""From network, condition and normal numbers to the variables of the voxels."""


class FusedShapes(nn.Module):
    """Maps normal numbers to voxels.

    Args:
        model: The model.

    Raises:
        ValueError: If its network is of a kind that cannot be fused.
    """

    def __init__(self, model: ShapeModel) -> None:
        super().__init__()
        self.network, self.draw = _take_apart(model)
        self.voxels = fuse_voxels(model.voxels)

    def forward(
        self,
        noise: Float32[Tensor, "event noise"],
        energy: Float32[Tensor, "event 1"],
        eta: Float32[Tensor, "event 1"],
        layers: LayerShares,
    ) -> Float32[Tensor, "event voxel"]:
        """Draw voxels.

        Args:
            noise: Standard normal numbers.
            energy: Kinetic energy in MeV, within `ENERGY_LIMITS`.
            eta: 10 abs(eta), within `ETA_LIMITS`.
            layers: The energies of the layers.

        Returns:
            Energies of the voxels in MeV, which add up to the layers.
        """
        condition = self.network.condition(energy, eta, layers)
        y = self.draw(self.network, condition, noise)
        voxels: Tensor = self.voxels(y, energy, layers.energy)
        return voxels


def _take_apart(model: ShapeModel) -> tuple[FusedNetwork, Draw]:
    if isinstance(model, CaloCFM):
        return FusedVelocity(model), partial(_solve, solver=model.solver, n_steps=model.n_steps)
    if isinstance(model, CaloDiT):
        return FusedTransformer(model), partial(_denoise_in_steps, n_steps=model.n_steps)
    return _take_student_apart(model)


def _take_student_apart(model: ConsistencyModel) -> tuple[FusedNetwork, Draw]:
    jump = partial(_jump, n_evaluations=model.n_evaluations)
    if isinstance(model.denoiser, CaloDiT):
        return FusedTransformer(model.denoiser), partial(
            jump, coefficients=edm_boundary_coefficients, scale=SIGMA_DATA
        )
    if isinstance(model.denoiser, FlowDenoiser):
        return FusedVelocity(model.denoiser.model), partial(
            jump, coefficients=flow_boundary_coefficients, scale=1.0
        )
    raise ValueError(f"export: expected a student of CaloDiT or CaloCFM, got {model!r}")


def _solve(
    network: FusedNetwork, condition: Tensor, noise: Tensor, *, solver: Solver, n_steps: int
) -> Tensor:
    """Follow the flow of CaloCFM."""
    return solver(lambda x, t: network(x, t, condition), noise, n_steps)


def _denoise_in_steps(
    network: FusedNetwork, condition: Tensor, noise: Tensor, *, n_steps: int
) -> Tensor:
    """Draw as CaloDiT-2 does, by Heun's method, with slopes that lose no digits.

    (x - D) / s is what is left of two numbers that agree to s; put together from the factors of D,
    it is (1 - c_skip) / s x - c_out / s F.
    """

    def slope(x: Tensor, sigma: float) -> Tensor:
        inward = 1.0 / math.hypot(sigma, SIGMA_DATA)
        time = x.new_full((1, 1), 0.25 * math.log(sigma))
        found: Tensor = network(inward * x, time, condition)
        return (sigma * inward * inward) * x - (SIGMA_DATA * inward) * found

    sigmas = karras_sigmas(n_steps)
    x = sigmas[0] * noise
    for sigma, following in itertools.pairwise(sigmas):
        here = slope(x, sigma)
        there = slope(x + (following - sigma) * here, following)
        x = x + 0.5 * (following - sigma) * (here + there)
    return (x - sigmas[-1] * slope(x, sigmas[-1])) / SIGMA_DATA


def _jump(
    network: FusedNetwork,
    condition: Tensor,
    noise: Tensor,
    *,
    n_evaluations: int,
    coefficients: Callable[[Tensor], Coefficients],
    scale: float,
) -> Tensor:
    """Draw as students do, with a network between the factors of its kind."""

    def consistent(x: Tensor, sigma: Tensor) -> Tensor:
        return denoise(network, x, condition, coefficients(sigma))

    parts = noise.reshape(-1, n_evaluations, noise.shape[1] // n_evaluations)
    return sample_consistently(consistent, parts, karras_sigmas(n_evaluations + 1)[:-1]) / scale
