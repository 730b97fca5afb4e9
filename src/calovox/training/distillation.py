r"""Teacher to student: consistency distillation of any diffusion or flow model of voxels.

On the arc u(a) = cos(a) z + sin(a) x from noise to data (`calovox.models.shapes.arc`), with N
levels a_1 = 0 < ... < a_N = pi / 2 and n uniform in 1, ..., N - 1,

    u_n     = cos(a_n) z + sin(a_n) x,
    u_{n+1} = steps of Heun of the teacher, from u_n and a_n to a_{n+1},
    loss    = mean of (f(u_n; a_n) - f'(u_{n+1}; a_{n+1}))^2.

The student f and the target f' start from the teacher; after each step, f' moves toward f by 1 -
decay. f' is the result. At the last angle f' is the identity, so that f learns, angle by angle, to
lead to the end of the teacher's paths: from the same noise the student makes the same shower. With
N = 2 the teacher goes all the way, and f learns its result directly.

A student of k evaluations starts k times, from 0, pi / 2k, ... on (`jump_starts`). Each start has
N levels of its own, from there to the end, and n is drawn from those of all starts.

Levels are equal steps of the angle, or the note's: levels s of noise whose seventh roots are in
equal steps, with tan(a) = d / s for data with the standard deviation d. The ends are those of the
arc: the note's largest level, 80, would be at 0.006 rad, and its smallest, 0.002, at 0.004 rad
before the end. Two more things differ from the note: Heun's steps are in the angle instead of s,
and f has another form (`calovox.models.shapes.arc.jump`).

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6.3
    Y. Song, P. Dhariwal, M. Chen, I. Sutskever, *Consistency models*, 2023,
    https://arxiv.org/abs/2303.01469, algorithm 2
"""

import copy
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from calovox.models.base import Showers
from calovox.models.shapes.arc import QUARTER_TURN, Slope, jump, jump_starts
from calovox.models.shapes.arc_model import ArcModel
from calovox.models.shapes.edm import SIGMA_DATA, SIGMA_MAX, karras_sigmas
from calovox.models.shapes.solvers import heun
from calovox.models.shapes.students import ConsistencyModel
from calovox.training.compiling import compile_networks
from calovox.training.data.showers import ShowerFiles
from calovox.training.runs.model import read_run
from calovox.training.runs.record import read_record
from calovox.training.sizes.kinds import StudentSizes
from calovox.training.sizes.options import TeachingOptions
from calovox.voxelization import VoxelGrid

__all__ = ["Distillation", "Spacing", "Teacher", "read_teacher"]

Spacing = Literal["angles", "karras"]
"""Levels in equal steps of the angle, or those of noise that Karras et al. and the note have."""


class Distillation(nn.Module):
    """Trains a student.

    Args:
        teacher: The model that teaches; it stays as it is.
        student: A consistency model of the same variables, which is trained.
        n_levels: Number N of levels for each evaluation of the student.
        spacing: How the levels are spaced.
        n_steps: Steps of the teacher from one level to the next.
        decay: How much of the target remains after a step.

    Raises:
        ValueError: If there are less than two levels or no steps, or the decay is not in [0, 1).
    """

    here: Tensor
    there: Tensor

    def __init__(
        self,
        teacher: ArcModel,
        student: ConsistencyModel,
        *,
        n_levels: int = 32,
        spacing: Spacing = "angles",
        n_steps: int = 1,
        decay: float = 0.95,
    ) -> None:
        super().__init__()
        if n_levels < 2:
            raise ValueError(f"Distillation: expected `n_levels` of 2 or more, got {n_levels}")
        if n_steps < 1:
            raise ValueError(f"Distillation: expected `n_steps` of 1 or more, got {n_steps}")
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"Distillation: expected `decay` in [0, 1), got {decay}")
        self.n_levels = n_levels
        self.spacing = spacing
        self.n_steps = n_steps
        self.decay = decay
        self.student = student
        self.target = copy.deepcopy(student).requires_grad_(False)
        self.teacher = copy.deepcopy(teacher).requires_grad_(False)
        self._digest = _digest(self.teacher)
        starts = jump_starts(student.n_evaluations)
        angles = torch.tensor([_levels(start, n_levels, spacing) for start in starts])
        self.register_buffer("here", angles[:, :-1].reshape(-1, 1), persistent=False)
        self.register_buffer("there", angles[:, 1:].reshape(-1, 1), persistent=False)

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
        x = self.teacher.to_variables(batch, rng)
        n = torch.randint(len(self.here), (len(x),), generator=rng, device=rng.device)
        here, there = self.here[n], self.there[n]
        u = here.cos() * torch.empty_like(x).normal_(generator=rng) + here.sin() * x
        with torch.no_grad():
            ahead = self._teach(u, here, there, batch)
            aim = jump(_slope(self.target.model, batch), ahead, there)
        found = jump(_slope(self.student.model, batch), u, here)
        return {"consistency": ((found - aim) ** 2).mean()}

    def __repr__(self) -> str:
        return (
            f"Distillation({self.student!r}, {self.n_levels} levels ({self.spacing}) of "
            f"{self.n_steps} steps, decay {self.decay}, teacher {self._digest})"
        )

    def _teach(self, u: Tensor, here: Tensor, there: Tensor, batch: Showers[Tensor]) -> Tensor:
        """Follow the teacher's arcs from angle to angle; their slope at the end of all is 0."""
        slope = _slope(self.teacher, batch)

        def velocity(u: Tensor, t: float) -> Tensor:
            angle = here + t * (there - here)
            inside = angle < QUARTER_TURN - 1e-6
            if not inside.any():
                return torch.zeros_like(u)
            return (there - here) * torch.where(inside, slope(u, angle), 0.0)

        return heun(velocity, u, self.n_steps)

    @torch.no_grad()
    def _follow(self) -> None:
        torch._foreach_lerp_(
            list(self.target.parameters()), list(self.student.parameters()), 1.0 - self.decay
        )


def _levels(start: float, n_levels: int, spacing: Spacing) -> list[float]:
    """Space levels from an angle to the end of the arc, both of them included."""
    if spacing == "angles":
        step = (QUARTER_TURN - start) / (n_levels - 1)
        inner = [start + k * step for k in range(1, n_levels - 1)]
    else:
        highest = SIGMA_MAX if start == 0.0 else SIGMA_DATA / math.tan(start)
        sigmas = karras_sigmas(n_levels, sigma_max=highest)
        inner = [math.atan2(SIGMA_DATA, sigma) for sigma in sigmas[1:-1]]
    return [start, *inner, QUARTER_TURN]


def _slope(model: ArcModel, batch: Showers[Tensor]) -> Slope:
    """Give the slope of a model's arcs for the photons of a batch."""
    condition = model.condition(batch.conditions, batch.layer_energy)
    return lambda u, angle: model.slope(u, angle, condition)


@dataclass(frozen=True, eq=False)
class Teacher:
    """A trained model, and how it is distilled.

    Attributes:
        model: The model.
        grid: Its voxels.
        sizes: Sizes of the student.
        energy_range: Lowest and highest kinetic energy the model is for, MeV.
        eta_range: The same of abs(eta).
        options: How it is distilled.
        compiled: Whether networks are compiled.
    """

    model: ArcModel
    grid: VoxelGrid
    sizes: StudentSizes
    energy_range: tuple[float, float]
    eta_range: tuple[float, float]
    options: TeachingOptions
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
        student = ConsistencyModel(copy.deepcopy(self.model), n_evaluations=self.sizes.evaluations)
        lesson = Distillation(
            self.model,
            student,
            n_levels=self.options.levels,
            spacing=self.options.spacing,
            n_steps=self.options.teacher_steps,
            decay=self.options.decay,
        )
        if self.compiled:
            compile_networks(lesson)
        return lesson


def read_teacher(folder: Path, options: TeachingOptions, *, compiled: bool = False) -> Teacher:
    """Read the model of a run that is to be distilled.

    Args:
        folder: The run folder.
        options: How it is distilled.
        compiled: Whether networks are compiled.

    Returns:
        The teacher.

    Raises:
        ValueError: If the folder is no run folder, or its model no diffusion or flow model.
    """
    run, sizes = read_run(folder), read_record(folder).sizes
    if not isinstance(run.model, ArcModel):
        raise ValueError(
            "distillation: expected a CaloDiT or CaloCFM as teacher, got "
            f"{type(run.model).__name__}"
        )
    return Teacher(
        run.model,
        run.grid,
        StudentSizes(run.kind, sizes, options.evaluations),
        run.energy_range,
        run.eta_range,
        options,
        compiled,
    )


def _digest(module: nn.Module) -> str:
    """Give a name to weights."""
    total = hashlib.sha256()
    for values in module.state_dict().values():
        total.update(values.cpu().numpy().tobytes())
    return total.hexdigest()[:12]
