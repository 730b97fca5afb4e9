"""The loop that trains any model: AdamW, a learning rate of one cycle, exact continuation.

References:
    I. Loshchilov, F. Hutter, *Decoupled weight decay regularization*, 2017,
    https://arxiv.org/abs/1711.05101
    L. Smith, N. Topin, *Super-convergence: very fast training of neural networks using large
    learning rates*, 2017, https://arxiv.org/abs/1708.07120
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from calovox.files import whole_file
from calovox.models.base import Trainable
from calovox.training.stream import Batch, ShowerStream, move_showers

__all__ = ["Recipe", "Step", "train"]


@dataclass(frozen=True)
class Recipe:
    """How to train; by default AdamW as PyTorch has it.

    Attributes:
        n_steps: Batches in all; the learning rate goes through its one cycle in them.
        max_learning_rate: Its highest value.
        start_division: How much smaller it is at the start.
        end_division: How much smaller than at the start it is at the end.
        rising: Share of the steps in which it rises.
        betas: Averaging of AdamW's moments; they stay as they are.
        weight_decay: Weight decay of AdamW.
        max_gradient: Norm to which gradients are clipped; infinite for no clipping.
        seed: Seed of the random numbers in the loss.
    """

    n_steps: int
    max_learning_rate: float
    start_division: float = 30.0
    end_division: float = 1e4
    rising: float = 0.3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    max_gradient: float = math.inf
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("n_steps", "max_learning_rate", "start_division", "end_division"):
            if not getattr(self, name) > 0:
                raise ValueError(f"Recipe: expected `{name}` above 0, got {getattr(self, name)}")


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        number: How many steps there have been, this one included.
        epoch: How many times all events had been seen before it.
        losses: Terms of the loss.
        learning_rate: Learning rate of the step.
        gradient: Norm of the gradient before clipping.
    """

    number: int
    epoch: int
    losses: dict[str, float]
    learning_rate: float
    gradient: float


def train(
    model: nn.Module,
    stream: ShowerStream,
    recipe: Recipe,
    *,
    checkpoint: Path | None = None,
    checkpoint_every: int = 1000,
    stop_after: float = math.inf,
    on_step: Callable[[Step], None] | None = None,
) -> int:
    """Train a model, or go on with its training.

    If the checkpoint exists, training goes on from there. On a CPU, the weights at the end are
    bit by bit those of a run that was never interrupted.

    Args:
        model: What to train; it must be `Trainable`. Its weights change.
        stream: Where the batches come from.
        recipe: How to train.
        checkpoint: File with everything that is needed to go on; None for no such file.
        checkpoint_every: Steps between two checkpoints; there is one at the end in any case.
        stop_after: Time in s after which to stop, behind the step that is being done.
        on_step: Is told of every step.

    Returns:
        How many steps there have been in all: `recipe.n_steps`, if time sufficed.

    Raises:
        TypeError: If the model cannot be trained.
        ValueError: If the checkpoint belongs to another recipe, stream or model.
        FloatingPointError: If a loss or a gradient is not finite; the batch is named, and the
            checkpoint stays as it was.
    """
    if not isinstance(model, Trainable):
        raise TypeError(f"train: expected a model with `losses`, got {type(model).__name__}")
    started = time.monotonic()
    run = _Run(model, stream, recipe)
    if checkpoint is not None and checkpoint.exists():
        run.load(checkpoint)
    batches = stream.batches(run.step)
    while run.step < recipe.n_steps:
        step = run.advance(next(batches))
        if on_step is not None:
            on_step(step)
        done = run.step == recipe.n_steps or time.monotonic() - started >= stop_after
        if checkpoint is not None and (done or run.step % checkpoint_every == 0):
            run.save(checkpoint)
        if done:
            break
    return run.step


class _Run:
    """Everything that changes while training."""

    def __init__(self, model: nn.Module, stream: ShowerStream, recipe: Recipe) -> None:
        self.model = model
        self.stream = stream
        self.recipe = recipe
        self.step = 0
        self.optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=recipe.max_learning_rate,
            betas=recipe.betas,
            weight_decay=recipe.weight_decay,
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            max_lr=recipe.max_learning_rate,
            total_steps=recipe.n_steps + 1,  # it is asked once more after the last step
            pct_start=recipe.rising,
            cycle_momentum=False,
            div_factor=recipe.start_division,
            final_div_factor=recipe.end_division,
        )
        self.device = next(model.parameters()).device
        self.rng = torch.Generator(self.device).manual_seed(recipe.seed)

    def advance(self, batch: Batch) -> Step:
        """Do one step of the optimiser."""
        assert isinstance(self.model, Trainable)
        self.model.train()
        self.optimizer.zero_grad()
        losses: dict[str, Tensor] = self.model.losses(
            move_showers(batch.showers, self.device), self.rng
        )
        found = {name: loss.item() for name, loss in losses.items()}
        self._check_finite(found, batch)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.max_gradient).item()
        self._check_finite({"norm of the gradient": norm}, batch)
        learning_rate = float(self.schedule.get_last_lr()[0])
        self.optimizer.step()
        self.schedule.step()
        epoch = self.step // self.stream.n_batches
        self.step += 1
        return Step(self.step, epoch, found, learning_rate, norm)

    def save(self, path: Path) -> None:
        """Write everything that is needed to go on."""
        with whole_file(path, overwrite=True) as partial:
            torch.save(
                {
                    "belongs_to": self._identity(),
                    "step": self.step,
                    "model": self.model.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "schedule": self.schedule.state_dict(),
                    "rng": self.rng.get_state(),
                },
                partial,
            )

    def load(self, path: Path) -> None:
        """Go back to where a checkpoint was written."""
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        expected, found = self._identity(), state["belongs_to"]
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                raise ValueError(
                    f"{path}: expected a checkpoint of a run with {name} "
                    f"{expected.get(name)}, got one with {found.get(name)}"
                )
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.rng.set_state(state["rng"])

    def _identity(self) -> dict[str, Any]:
        return asdict(self.recipe) | {"model": repr(self.model)} | self.stream.order

    def _check_finite(self, values: dict[str, float], batch: Batch) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                epoch, number = divmod(self.step, self.stream.n_batches)
                rows = ", ".join(str(row) for row in batch.events[:8])
                raise FloatingPointError(
                    f"train: the {name} is {value} in step {self.step + 1} (epoch {epoch}, "
                    f"batch {number}: events {rows}, ... of {self.stream.reader.path})"
                )
