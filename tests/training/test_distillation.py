import copy
import math

import pytest
import torch
from torch import Tensor, nn

from calovox.models.base import Conditions, Showers, Trainable
from calovox.models.shapes.arc import follow_arc, jump_starts
from calovox.models.shapes.arc_model import ArcModel
from calovox.models.shapes.edm import karras_sigmas
from calovox.models.shapes.sampling import ONE_STEP
from calovox.models.shapes.solvers import heun
from calovox.models.shapes.students import ConsistencyModel
from calovox.nn import MLP
from calovox.preprocessing import LogVoxelTransform
from calovox.training.distillation import Distillation, Spacing
from calovox.training.task import Teaching
from tests.models.toy_models import toy_batch, toy_cfm, toy_dit

torch.set_num_threads(1)

CENTRES = torch.tensor([[-1.0, -0.7], [1.0, -0.7], [0.0, 1.2]])
SHARES = torch.tensor([0.5, 0.3, 0.2])
WIDTH = 0.25


class Mixture(ArcModel):
    """Three Gaussians in two dimensions, whose slope is known."""

    def __init__(self) -> None:
        super().__init__(LogVoxelTransform((2,)), ONE_STEP, None)

    def condition(self, conditions: Conditions[Tensor], layer_energy: Tensor) -> Tensor:
        return layer_energy

    def slope(self, u: Tensor, angle: Tensor, condition: Tensor) -> Tensor:
        """Cos(a) E[x | u] - sin(a) E[z | u]."""
        sin, cos = angle.sin(), angle.cos()
        variance = (WIDTH * sin) ** 2 + cos**2
        away = u[:, None] - sin[:, :, None] * CENTRES
        weights = (SHARES.log() - 0.5 * away.square().sum(2) / variance).softmax(1)[:, :, None]
        scaled = away / variance[:, :, None]
        data = CENTRES + WIDTH**2 * sin[:, :, None] * scaled
        noise = cos[:, :, None] * scaled
        return (weights * (cos[:, :, None] * data - sin[:, :, None] * noise)).sum(1)

    def to_variables(self, batch: Showers[Tensor], rng: torch.Generator) -> Tensor:
        return batch.voxels

    def to_voxels(self, variables: Tensor, *context: object) -> Tensor:
        return variables


class Pupil(Mixture):
    """A small network in place of the slope."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.layers = MLP([3, 64, 64, 64, 2])

    def slope(self, u: Tensor, angle: Tensor, condition: Tensor) -> Tensor:
        found: Tensor = self.layers(torch.cat([u, angle.expand(len(u), 1)], dim=1))
        return found


def draw_mixture(n_events: int, rng: torch.Generator) -> Showers[Tensor]:
    which = torch.multinomial(SHARES, n_events, replacement=True, generator=rng)
    x = CENTRES[which] + WIDTH * torch.randn(n_events, 2, generator=rng)
    empty = torch.zeros(n_events)
    return Showers(Conditions(empty, empty), empty[:, None], x, torch.arange(n_events))


def shares_of(x: Tensor) -> Tensor:
    return torch.bincount(torch.cdist(x, CENTRES).argmin(1), minlength=3) / len(x)


LESSONS = {
    "by the note's levels": (1, 32, "karras", 1, 2200),
    "by angles": (4, 32, "angles", 1, 1300),
    "from end to end": (4, 2, "angles", 6, 800),
}


@pytest.fixture(scope="module", params=LESSONS.values(), ids=LESSONS.keys())
def lesson(request: pytest.FixtureRequest) -> Distillation:
    """A student of the mixture that starts from random weights."""
    n_evaluations, n_levels, spacing, n_steps, length = request.param
    lesson = Distillation(
        Mixture(),
        ConsistencyModel(Pupil(), n_evaluations=n_evaluations),
        n_levels=n_levels,
        spacing=spacing,
        n_steps=n_steps,
    )
    rng = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(lesson.student.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, length)
    for _ in range(length):
        optimizer.zero_grad()
        lesson.losses(draw_mixture(256, rng), rng)["consistency"].backward()
        optimizer.step()
        schedule.step()
    return lesson


@pytest.mark.parametrize("n_evaluations", [1, 2, 4])
def test_the_student_has_the_distribution_of_its_teacher(
    lesson: Distillation, n_evaluations: int
) -> None:
    """Four evaluations start where one and two do, and at two more angles."""
    if n_evaluations > lesson.student.n_evaluations:
        pytest.skip("taught to start from noise alone")
    student = ConsistencyModel(lesson.result.model, n_evaluations=n_evaluations)
    batch = draw_mixture(20_000, torch.Generator().manual_seed(2))
    noise = torch.randn(20_000, *student.noise_shape, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        found = student.sample(batch.conditions, batch.layer_energy, noise)
    torch.testing.assert_close(shares_of(found), SHARES, rtol=0, atol=0.03)
    torch.testing.assert_close(found.mean(0), batch.voxels.mean(0), rtol=0, atol=0.03)
    torch.testing.assert_close(found.std(0), batch.voxels.std(0), rtol=0.1, atol=0)


def test_the_student_makes_of_the_same_noise_the_same_shower(lesson: Distillation) -> None:
    batch = draw_mixture(2000, torch.Generator().manual_seed(2))
    noise = torch.randn(2000, 2, generator=torch.Generator().manual_seed(3))
    student = ConsistencyModel(lesson.result.model)
    with torch.no_grad():
        found = student.sample(batch.conditions, batch.layer_energy, noise)
        expected = follow_arc(lambda u, angle: lesson.teacher.slope(u, angle, u), noise, heun, 40)
    same = torch.cdist(found, CENTRES).argmin(1) == torch.cdist(expected, CENTRES).argmin(1)
    assert same.float().mean() > 0.97
    assert (found - expected)[same].square().mean().sqrt() < 0.15


@pytest.mark.parametrize("spacing", ["angles", "karras"])
@pytest.mark.parametrize("n_levels", [2, 32])
@pytest.mark.parametrize("n_evaluations", [1, 2, 4])
def test_levels_lead_from_the_start_of_every_jump_to_the_end(
    spacing: Spacing, n_levels: int, n_evaluations: int
) -> None:
    student = ConsistencyModel(Pupil(), n_evaluations=n_evaluations)
    lesson = Distillation(Mixture(), student, n_levels=n_levels, spacing=spacing)
    here, there = (a.reshape(n_evaluations, -1) for a in (lesson.here, lesson.there))
    assert here.shape == (n_evaluations, n_levels - 1)
    assert torch.equal(here[:, 0], torch.tensor(jump_starts(n_evaluations)))
    assert torch.equal(here[:, 1:], there[:, :-1])
    assert torch.equal(there[:, -1], torch.full((n_evaluations,), 0.5 * math.pi))
    assert (there > here).all()


def test_the_levels_of_the_note_are_those_of_karras() -> None:
    lesson = Distillation(Mixture(), ConsistencyModel(Pupil()), spacing="karras")
    sigmas = 0.5 / lesson.here[1:, 0].double().tan()
    torch.testing.assert_close(
        sigmas, torch.tensor(karras_sigmas(32)[1:-1], dtype=torch.float64), rtol=1e-4, atol=0
    )
    equal = Distillation(Mixture(), ConsistencyModel(Pupil()))
    torch.testing.assert_close(equal.there - equal.here, torch.full((31, 1), math.pi / 62))


MAKERS = {"diffusion": toy_dit, "flow": toy_cfm}


def toy_lesson(kind: str) -> tuple[Distillation, Showers[Tensor]]:
    batch = toy_batch(60)
    teacher = MAKERS[kind](batch)
    return Distillation(teacher, ConsistencyModel(copy.deepcopy(teacher))), batch


def weights(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


@pytest.mark.parametrize("kind", MAKERS)
def test_only_the_student_is_trained_and_the_target_follows(kind: str) -> None:
    lesson, batch = toy_lesson(kind)
    assert isinstance(lesson, Trainable)
    assert isinstance(lesson, Teaching)
    start = weights(lesson.teacher)
    assert torch.equal(weights(lesson.student), start)
    assert torch.equal(weights(lesson.result), start)
    optimizer = torch.optim.AdamW(lesson.parameters(), lr=1e-2)
    rng = torch.Generator().manual_seed(1)
    lesson.losses(batch, rng)["consistency"].backward()
    optimizer.step()
    moved = weights(lesson.student)
    assert (moved - start).abs().max() > 1e-3
    assert torch.equal(weights(lesson.result), start)
    lesson.eval().losses(batch, rng)
    assert torch.equal(weights(lesson.result), start)
    lesson.train().losses(batch, rng)
    torch.testing.assert_close(weights(lesson.result), start + 0.05 * (moved - start))
    assert torch.equal(weights(lesson.teacher), start)


@pytest.mark.parametrize("kind", MAKERS)
def test_losses_depend_on_the_generator_alone(kind: str) -> None:
    lesson, batch = toy_lesson(kind)
    found = [
        lesson.losses(batch, torch.Generator().manual_seed(seed))["consistency"].item()
        for seed in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]
    assert found[0] > 0.0


def test_lessons_of_other_teachers_differ_in_their_names() -> None:
    lesson, _ = toy_lesson("diffusion")
    assert repr(lesson) == repr(toy_lesson("diffusion")[0])
    with torch.no_grad():
        next(lesson.teacher.parameters()).mul_(1.1)
    other = Distillation(lesson.teacher, lesson.student)
    assert repr(lesson) != repr(other)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="`n_levels` of 2 or more, got 1"):
        Distillation(Mixture(), ConsistencyModel(Mixture()), n_levels=1)
    with pytest.raises(ValueError, match="`n_steps` of 1 or more, got 0"):
        Distillation(Mixture(), ConsistencyModel(Mixture()), n_steps=0)
    with pytest.raises(ValueError, match=r"`decay` in \[0, 1\), got 1.0"):
        Distillation(Mixture(), ConsistencyModel(Mixture()), decay=1.0)
    with pytest.raises(ValueError, match="`n_evaluations` of 1 or more, got 0"):
        ConsistencyModel(Mixture(), n_evaluations=0)
