"""The loop that trains any model: AdamW, a learning rate of one cycle, exact continuation.

The random numbers of a step depend on the seed, the step and the process alone. On a CPU, a run
that was interrupted and continued therefore ends with the weights, bit by bit, of one that was
not, as long as the number of threads stays the same.

References:
    I. Loshchilov, F. Hutter, *Decoupled weight decay regularization*, 2017,
    https://arxiv.org/abs/1711.05101
    L. Smith, N. Topin, *Super-convergence: very fast training of neural networks using large
    learning rates*, 2017, https://arxiv.org/abs/1708.07120
"""

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from lightning_fabric import Fabric
from torch import nn

from calovox.models.base import Trainable
from calovox.training.data.stream import ShowerStream
from calovox.training.devices import make_fabric
from calovox.training.observer import Observer
from calovox.training.recipe import Recipe
from calovox.training.runs.state import RunState, Step, Validate

__all__ = ["train"]


def train(
    model: nn.Module,
    stream: ShowerStream,
    recipe: Recipe,
    *,
    fabric: Fabric | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int = 1000,
    validate: Validate | None = None,
    validate_every: int = 1000,
    stop_after: float = math.inf,
    observers: Sequence[Observer] = (),
) -> RunState:
    """Train a model, or go on with its training.

    If the checkpoint exists, training goes on from there; from the one before it, or from the
    start, if it is damaged. With several processes, each of them
    calls this function; only the first one validates, writes, and tells.

    Args:
        model: What to train; it must be `Trainable`. Its weights change.
        stream: Where the batches come from.
        recipe: How to train.
        fabric: Devices and precision, by default the CPU.
        checkpoint: File with everything that is needed to go on; None for no such file.
        checkpoint_every: Steps between two checkpoints; there is one at the end in any case.
        validate: Judges the model; weights are averaged if the recipe says so.
        validate_every: Steps between two validations; there is one after the last step.
        stop_after: Time in s after which to stop, behind the step that is being done.
        observers: Who is told what happens.

    Returns:
        The run at its end: its `step` is `recipe.n_steps`, if time sufficed.

    Raises:
        TypeError: If the model cannot be trained.
        ValueError: If the checkpoint belongs to another recipe, stream or model.
        FloatingPointError: If a loss, a gradient or a weight is not finite; step and batch are
            named, and the checkpoint stays as it was.
    """
    if not isinstance(model, Trainable):
        raise TypeError(f"train: expected a model with `losses`, got {type(model).__name__}")
    end = time.monotonic() + stop_after
    run = RunState(model, stream, recipe, fabric or make_fabric())
    if checkpoint is not None:
        run.resume(checkpoint)
    told = observers if run.is_first else ()
    try:
        for observer in told:
            observer.start(run)
        for step, done in _steps(run, end):
            due = step.number == recipe.n_steps or step.number % validate_every == 0
            if run.is_first and validate is not None and due:
                step = run.validated(step, validate)
            for observer in told:
                observer.step(step)
            if run.is_first and (done or step.number % checkpoint_every == 0):
                if checkpoint is not None:
                    run.save(checkpoint)
                for observer in told:
                    observer.save(run)
    finally:
        for observer in told:
            observer.end()
    return run


def _steps(run: RunState, end: float) -> Iterator[tuple[Step, bool]]:
    """Do steps up to the last one, or the end of the time; say which is the last."""
    batches = run.stream.batches(run.step, share=run.share, device=run.fabric.device)
    done = run.step == run.recipe.n_steps
    while not done:
        step = run.advance(next(batches))
        done = step.number == run.recipe.n_steps or _agree(run.fabric, time.monotonic() >= end)
        yield step, done


def _agree(fabric: Fabric, stop: bool) -> bool:
    """Let the first process decide, so that all of them stop behind the same step."""
    return bool(fabric.broadcast(stop)) if fabric.world_size > 1 else stop
