r"""Teacher to student: consistency distillation of any diffusion or flow model of voxels.

With levels of noise s_1 < ... < s_N as `karras_sigmas` spaces them, n uniform in 1, ..., N - 1,
data x_0 and standard normal z,

    x_{n+1} = x_0 + s_{n+1} z,
    x_n     = one step of Heun of the teacher, from x_{n+1} and s_{n+1} to s_n,
    loss    = mean of (f(x_{n+1}; s_{n+1}) - f'(x_n; s_n))^2.

The student f and the target f' start from the teacher; after each step, f' moves toward f by
1 - decay. f' is the result. f' being the identity at s_1, f learns level by level to lead to the
end of the teacher's paths: the student makes of the same noise the same shower.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6.3
    Y. Song, P. Dhariwal, M. Chen, I. Sutskever, *Consistency models*, 2023,
    https://arxiv.org/abs/2303.01469, algorithm 2
"""

import copy
import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from calovox.models.base import Showers
from calovox.models.consistency import ConsistencyModel
from calovox.models.denoisers import DenoisingModel, as_denoiser
from calovox.models.edm import heun_step, karras_sigmas
from calovox.nn import DiffusionTransformer, VelocityNetwork
from calovox.training.kinds import StudentSizes
from calovox.training.runs import read_record, read_run
from calovox.training.showers import ShowerFiles
from calovox.voxelization import VoxelGrid

__all__ = ["Distillation", "Teacher", "read_teacher"]


class Distillation(nn.Module):
    """Trains a student.

    Args:
        teacher: A denoiser, a module; it stays as it is.
        student: A consistency model of the same variables, which is trained.
        n_levels: Number N of levels of noise.
        decay: How much of the target remains after a step.

    Raises:
        ValueError: If there are less than two levels, or the decay is not in [0, 1).
    """

    levels: Tensor
    teacher: DenoisingModel

    def __init__(
        self,
        teacher: DenoisingModel,
        student: ConsistencyModel,
        *,
        n_levels: int = 32,
        decay: float = 0.95,
    ) -> None:
        super().__init__()
        if n_levels < 2:
            raise ValueError(f"Distillation: expected `n_levels` of 2 or more, got {n_levels}")
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"Distillation: expected `decay` in [0, 1), got {decay}")
        self.decay = decay
        self.student = student
        self.target = copy.deepcopy(student).requires_grad_(False)
        self.teacher = copy.deepcopy(teacher)
        assert isinstance(self.teacher, nn.Module)
        self.teacher.requires_grad_(False)
        self._digest = _digest(self.teacher)
        levels = torch.tensor(karras_sigmas(n_levels)[::-1])
        self.register_buffer("levels", levels, persistent=False)

    @property
    def result(self) -> ConsistencyModel:
        """The target, which is the average of the student."""
        return self.target

    def losses(self, batch: Showers[Tensor], rng: torch.Generator) -> dict[str, Tensor]:
        """Compute the squared difference between student and target, at one level per event.

        In training, this first moves the target toward the student, as the last step left it.

        Args:
            batch: Showers.
            rng: Where levels and noise come from.

        Returns:
            `consistency`.
        """
        if self.training:
            self._follow()
        x_0 = self.teacher.to_variables(batch, rng)
        last = len(self.levels) - 1
        n = torch.randint(last, (len(x_0),), generator=rng, device=rng.device)
        sigma, following = self.levels[n + 1][:, None], self.levels[n][:, None]
        x = x_0 + sigma * torch.empty_like(x_0).normal_(generator=rng)
        with torch.no_grad():
            there = heun_step(_Denoiser(self.teacher, batch), x, sigma, following)
            aim = _Consistent(self.target.denoiser, batch)(there, following)
        found = _Consistent(self.student.denoiser, batch)(x, sigma)
        return {"consistency": ((found - aim) ** 2).mean()}

    def __repr__(self) -> str:
        return (
            f"Distillation({self.student!r}, {len(self.levels)} levels, decay {self.decay}, "
            f"teacher {self._digest})"
        )

    @torch.no_grad()
    def _follow(self) -> None:
        torch._foreach_lerp_(
            list(self.target.parameters()), list(self.student.parameters()), 1.0 - self.decay
        )


class _Denoiser:
    """A model's denoiser for the photons of a batch."""

    def __init__(self, model: DenoisingModel, batch: Showers[Tensor]) -> None:
        self.model = model
        self.condition = model.condition(batch.conditions, batch.layer_energy)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.model.denoise(x, sigma, self.condition)


class _Consistent(_Denoiser):
    """The same as a consistency function."""

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.model.denoise_consistently(x, sigma, self.condition)


@dataclass(frozen=True, eq=False)
class Teacher:
    """A trained model, and how it is distilled.

    Attributes:
        denoiser: The model.
        grid: Its voxels.
        sizes: Sizes of the student.
        energy_range: Lowest and highest kinetic energy the model is for, MeV.
        eta_range: The same of abs(eta).
        n_levels: Number of levels of noise.
        decay: How much of the target remains after a step.
        compiled: Whether networks are compiled.
    """

    denoiser: DenoisingModel
    grid: VoxelGrid
    sizes: StudentSizes
    energy_range: tuple[float, float]
    eta_range: tuple[float, float]
    n_levels: int = 32
    decay: float = 0.95
    compiled: bool = False

    def make(self, files: ShowerFiles, *, seed: int, reflect: bool) -> Distillation:
        """Prepare a student that starts from the teacher, with its standardisations.

        Args:
            files: Showers to distil with.
            seed: Seed of the training; the start does not depend on it.
            reflect: Whether showers are reflected; the start does not depend on it.

        Returns:
            What is to be trained.

        Raises:
            ValueError: If the showers have other voxels than the teacher.
        """
        if files.grid != self.grid:
            raise ValueError(
                f"distillation: expected showers with the teacher's voxels, {self.grid!r}, got "
                f"{files.grid!r}"
            )
        student = ConsistencyModel(
            copy.deepcopy(self.denoiser), n_evaluations=self.sizes.evaluations
        )
        lesson = Distillation(self.denoiser, student, n_levels=self.n_levels, decay=self.decay)
        if self.compiled:
            for module in lesson.modules():
                if isinstance(module, DiffusionTransformer | VelocityNetwork):
                    module.compile()
        return lesson


def read_teacher(
    folder: Path,
    *,
    n_evaluations: int = 1,
    n_levels: int = 32,
    decay: float = 0.95,
    compiled: bool = False,
) -> Teacher:
    """Read the model of a run that is to be distilled.

    Args:
        folder: The run folder.
        n_evaluations: How often the student evaluates its network for a shower.
        n_levels: Number of levels of noise.
        decay: How much of the target remains after a step.
        compiled: Whether networks are compiled.

    Returns:
        The teacher.

    Raises:
        ValueError: If the folder is no run folder, or its model no diffusion or flow model.
    """
    run, sizes = read_run(folder), read_record(folder).sizes
    return Teacher(
        as_denoiser(run.model),
        run.grid,
        StudentSizes(run.kind, sizes, n_evaluations),
        run.energy_range,
        run.eta_range,
        n_levels,
        decay,
        compiled,
    )


def _digest(module: nn.Module) -> str:
    """Give a name to weights."""
    total = hashlib.sha256()
    for values in module.state_dict().values():
        total.update(values.cpu().numpy().tobytes())
    return total.hexdigest()[:12]
