"""Everything that changes while a model trains, and going on from a checkpoint of it."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from calovox.files.damage import reading
from calovox.training.averaging import WeightAverage
from calovox.training.choosing import BestWeights
from calovox.training.compiling import compiled, uncompiled
from calovox.training.data.stream import Batch, Share, ShowerStream
from calovox.training.recipe import Recipe
from calovox.training.runs.checkpoint import (
    CheckpointError,
    check_like,
    check_optimizer,
    is_whole,
    previous_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from calovox.training.runs.optimizer import Objective, make_optimizer

__all__ = ["RunState", "Step", "Validate"]

Validate = Callable[[nn.Module], Mapping[str, float]]
"""Judges a model: numbers by name."""

_SCHEDULE_MOVES = ("last_epoch", "_step_count", "_last_lr", "_get_lr_called_within_step")
"""What changes in the schedule of the learning rate from step to step."""


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        number: How many steps there have been, this one included.
        epoch: How many times all events had been seen before it.
        n_events: Events of the batch in all processes.
        losses: Terms of the loss; with several processes, of the first one's share.
        learning_rate: Learning rate of the step.
        gradient: Norm of the gradient before clipping.
        validation: What a validation after it gave, if there was one.
    """

    number: int
    epoch: int
    n_events: int
    losses: dict[str, float]
    learning_rate: float
    gradient: float
    validation: dict[str, float] = field(default_factory=dict)


class RunState:
    """A model in training.

    Args:
        model: What to train.
        stream: Where the batches come from.
        recipe: How to train.
        fabric: Devices, precision and processes.
    """

    def __init__(
        self, model: nn.Module, stream: ShowerStream, recipe: Recipe, fabric: Fabric
    ) -> None:
        self.stream = stream
        self.recipe = recipe
        self.fabric = fabric
        self.step = 0
        self.metrics: dict[str, float] = {}
        self.damaged: list[Path] = []
        self._saved = False
        self.share = Share(fabric.global_rank, fabric.world_size)
        model.to(fabric.device)
        self.model = model
        self.average = WeightAverage(model, recipe.averaging) if recipe.averaging else None
        self.best = BestWeights(model, recipe.choose_by) if recipe.choose_by else None
        self._objective = Objective(model, torch.Generator(fabric.device))
        self._optimizer, self._schedule = make_optimizer(model, recipe)
        self._wrapped, self._wrapped_optimizer = fabric.setup(self._objective, self._optimizer)

    @property
    def is_first(self) -> bool:
        """Whether this is the first of the processes."""
        return bool(self.fabric.is_global_zero)

    def advance(self, batch: Batch) -> Step:
        """Do one step of the optimiser.

        Args:
            batch: This process's share of a batch.

        Returns:
            What the step did.

        Raises:
            FloatingPointError: If a loss, a gradient or a weight is not finite.
            ValueError: If networks that are to be compiled cannot be.
        """
        self.model.train()
        self._optimizer.zero_grad()
        self._objective.rng.manual_seed(self._seed_of_step())
        n_events = self.stream.n_showers(self.step + 1) - self.stream.n_showers(self.step)
        losses = self._losses(batch, n_events)
        found = dict(zip(self._objective.names, losses.tolist(), strict=True))
        self._check_finite(found, batch)
        self.fabric.backward(batch.weight * losses.sum())
        norm = self._clip_gradients()
        if self._scaler is None:  # a scaler leaves such steps out, and scales less
            self._check_finite({"norm of the gradient": norm}, batch)
        learning_rate = float(self._schedule.get_last_lr()[0])
        self._wrapped_optimizer.step()
        weights = nn.utils.get_total_norm(p.detach() for p in self.model.parameters())
        self._check_finite({"norm of the weights": weights.item()}, batch)
        self._schedule.step()
        if self.average is not None:
            self.average.update(self.step)
        epoch = self.step // self.stream.n_batches
        self.step += 1
        return Step(self.step, epoch, n_events, found, learning_rate, norm)

    def validated(self, step: Step, validate: Validate) -> Step:
        """Judge the model after a step, and remember the result, or that of the best weights.

        Args:
            step: What the step did.
            validate: How to judge.

        Returns:
            The step, with the result.
        """
        self.model.eval()
        with self._current(), uncompiled(self.model), torch.no_grad():
            found = dict(validate(self.model))
            if self.best is not None:
                self.best.judge(found, step.number)
        self.metrics = found if self.best is None else self.best.metrics
        return replace(step, validation=found)

    @contextmanager
    def result(self) -> Iterator[nn.Module]:
        """Give the model the weights that are the result: the best ones, or the present ones."""
        with self._current() if self.best is None else self.best.applied():
            yield self.model

    def save(self, path: Path) -> None:
        """Write everything that is needed to go on.

        Args:
            path: The checkpoint.
        """
        state = {
            "belongs_to": self._identity(),
            "step": self.step,
            "metrics": self.metrics,
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "average": {} if self.average is None else self.average.average,
            "best": {} if self.best is None else self.best.state(),
            "scaler": {} if self._scaler is None else self._scaler.state_dict(),
        }
        # the previous one stays where the last one was found damaged
        keep = self._saved or path not in self.damaged
        write_checkpoint(path, state, self.model.state_dict(), keep_previous=keep)
        self._saved = True

    def resume(self, path: Path) -> None:
        """Go back to the last checkpoint that is whole, or stay at the start if none is.

        Args:
            path: The checkpoint; the one before it lies beside it.

        Raises:
            ValueError: If it belongs to another recipe, stream or model.
        """
        self.damaged = []
        for candidate in (path, previous_checkpoint(path)):
            if not candidate.exists():
                continue
            if is_whole(candidate):
                self.load(candidate)
                return
            self.damaged.append(candidate)

    def load(self, path: Path) -> None:
        """Go back to where a checkpoint was written.

        Args:
            path: The checkpoint.

        Raises:
            CheckpointError: If it belongs to another recipe, stream or model, or is damaged.
        """
        with reading(path, CheckpointError):
            state = read_checkpoint(path)
            self._check_identity(path, state["belongs_to"])
            self._check_state(state)
            self._take(state)

    def _check_identity(self, path: Path, found: Mapping[str, Any]) -> None:
        expected = self._identity()
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                raise CheckpointError(
                    f"{path}: expected a checkpoint of a run with {name} "
                    f"{expected.get(name)}, got one with {found.get(name)}"
                )

    def _check_state(self, state: dict[str, Any]) -> None:
        """Compare a checkpoint with this run, which has done no step."""
        check_like("step", 0, state["step"])
        if state["step"] not in range(self.recipe.n_steps + 1):
            raise TypeError(f"expected `step` of 0 to {self.recipe.n_steps}")
        check_like("metrics", dict.fromkeys(state["metrics"], 0.0), state["metrics"])
        check_like("model", self.model.state_dict(), state["model"])
        check_optimizer(state["optimizer"], self._optimizer.state_dict(), self.model)
        check_like("schedule", self._schedule.state_dict(), state["schedule"])
        for key, value in self._schedule.state_dict().items():
            if key not in _SCHEDULE_MOVES and state["schedule"][key] != value:
                raise TypeError(f"expected {value} as `schedule/{key}`")
        if state["schedule"]["last_epoch"] != state["step"]:
            raise TypeError(f"expected {state['step']} as `schedule/last_epoch`")
        check_like(
            "average", {} if self.average is None else self.average.average, state["average"]
        )
        if self.best is not None:
            best = state["best"]
            check_like("best/metrics", dict.fromkeys(best["metrics"], 0.0), best["metrics"])
            weights = dict(self.model.named_parameters()) if best["weights"] else {}
            check_like("best/weights", weights, best["weights"])
        if self._scaler is not None:
            check_like("scaler", self._scaler.state_dict(), state["scaler"])

    def _take(self, state: dict[str, Any]) -> None:
        self.step = int(state["step"])
        self.metrics = state["metrics"]
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        if self.average is not None:
            self.average.load(state["average"])
        if self.best is not None:
            self.best.load(state["best"])
        if self._scaler is not None:
            self._scaler.load_state_dict(state["scaler"])

    @property
    def _scaler(self) -> Any:
        return getattr(self.fabric.strategy.precision, "scaler", None)

    def _current(self) -> AbstractContextManager[None]:
        """Give the model its averages, if there are any."""
        return nullcontext() if self.average is None else self.average.applied()

    def _identity(self) -> dict[str, Any]:
        return (
            asdict(self.recipe)
            | {"model": repr(self.model), "processes": self.share.n_ranks}
            | {"precision": self.fabric.strategy.precision.precision}
            | self.stream.order
        )

    def _losses(self, batch: Batch, n_events: int) -> Tensor:
        """Compute the terms of the loss, by compiled kernels if the batch is a whole one."""
        whole = n_events == self.stream.n_showers(1)
        with compiled(self.model) if whole else uncompiled(self.model):
            # behind a function: fabric rounds tensors that it sees among the arguments to 16 bits
            losses: Tensor = self._wrapped(lambda: batch.showers)
        return losses

    def _seed_of_step(self) -> int:
        entropy = [self.recipe.seed, self.step, self.share.rank]
        return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])

    def _clip_gradients(self) -> float:
        if self._scaler is not None:
            self._scaler.unscale_(self._optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.max_gradient)
        return norm.item()

    def _check_finite(self, values: dict[str, float], batch: Batch) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                epoch, number = divmod(self.step, self.stream.n_batches)
                places = [self.stream.files.locate(int(event)) for event in batch.events[:8]]
                events = ", ".join(f"{path}:{row}" for path, row in places)
                raise FloatingPointError(
                    f"train: the {name} is {value} in step {self.step + 1} (epoch {epoch}, "
                    f"batch {number}: showers {events}, ...)"
                )
