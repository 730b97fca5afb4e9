"""How a model is trained: with which numbers, showers, pauses and processors; imports no torch."""

import math
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from calovox.options import Count, NonNegative, Range, check_ranges

__all__ = ["GAN_RECIPE", "Accelerator", "Batches", "Hardware", "Pauses", "Precision", "Recipe"]

Accelerator = Literal["auto", "cpu", "cuda"]
"""Where to train; "auto" takes GPUs if there are any."""

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
"""Numbers of the networks: 32 bits, or 16 bits in the products of matrices."""


@dataclass(frozen=True)
class Recipe:
    """How to train, as far as the result depends on it; by default AdamW as PyTorch has it.

    Attributes:
        n_steps: Batches in all; the learning rate goes through its one cycle in them.
        max_learning_rate: Top of the one cycle of the learning rate (max_lr).
        start_division: How much smaller the learning rate is at the start (div_factor of the
            one-cycle schedule).
        end_division: How much smaller it is at the end than at the start (final_div_factor).
        rising: Share of the steps in which it rises, the warm-up (pct_start).
        betas: Decay of the averages in AdamW (beta1, beta2); they stay as they are.
        weight_decay: Weight decay of AdamW.
        max_gradient: Norm to which gradients are clipped (gradient clipping); none by default.
        averaging: Decay of the exponential moving average (EMA) of the weights, which then is
            the result; 0 for none.
        choose_by: Metric of the validation; the weights with its lowest value are the result.
            None for the last ones.
        seed: Seed of the random numbers in the loss.
    """

    n_steps: int
    max_learning_rate: NonNegative = 1e-3
    start_division: Annotated[float, Range(1.0)] = 30.0
    end_division: Annotated[float, Range(1e-3)] = 1e4
    rising: Annotated[float, Range(0.0, 1.0)] = 0.3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: NonNegative = 0.01
    max_gradient: NonNegative = math.inf
    averaging: NonNegative = 0.0
    choose_by: str | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("n_steps", "max_learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"Recipe: expected `{name}` above 0, got {getattr(self, name)}")
        check_ranges(self)
        if not 0.0 <= self.averaging < 1.0:
            raise ValueError(f"Recipe: expected `averaging` in [0, 1), got {self.averaging}")


GAN_RECIPE: Final = Recipe(
    1, 1e-4, start_division=1.0, end_division=1.0, weight_decay=0.0, betas=(0.5, 0.999)
)
"""AtlFast3's, for a GAN, but for the number of steps: Adam at a constant rate."""


@dataclass(frozen=True, kw_only=True)
class Batches:
    """Which showers a training sees, how often, and how many at a time.

    Attributes:
        steps: Steps in all; takes the place of epochs.
        epochs: How often all showers are seen.
        batch_size: Showers per step, in all processes together.
        reflect: Reflect half of the showers in phi, chosen anew in every epoch.
        buffer_size: Showers in memory at a time; larger data stream from the disk.
    """

    steps: Count | None = None
    epochs: Count = 100
    batch_size: Count = 1024
    reflect: bool = True
    buffer_size: Count = 262144

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """After how many steps a training does something else.

    Attributes:
        validate_every: Steps between two validations.
        checkpoint_every: Steps between two checkpoints, from which runs go on.
        log_every: Steps whose losses are averaged into one entry of metrics.csv.
    """

    validate_every: Count = 1000
    checkpoint_every: Count = 1000
    log_every: Count = 50

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What to train on.

    Attributes:
        accelerator: Where to train; auto takes GPUs if there are any.
        devices: GPUs, or processes on the CPU; with torchrun, its number.
        threads: Threads on the CPU; more than free cores are far slower.
        precision: 32 bits, or 16 in the products of matrices.
    """

    accelerator: Accelerator = "auto"
    devices: Count = 1
    threads: Count = 1
    precision: Precision = "32-true"

    def __post_init__(self) -> None:
        check_ranges(self)
