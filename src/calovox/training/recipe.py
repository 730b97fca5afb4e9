"""How a model is trained, as far as the result depends on it."""

import math
from dataclasses import dataclass

__all__ = ["Recipe"]


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
        averaging: Decay of the average of the weights, which then is the result; 0 for none.
        choose_by: Metric of the validation; the weights with its lowest value are the result.
            None for the last ones.
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
    averaging: float = 0.0
    choose_by: str | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("n_steps", "max_learning_rate", "start_division", "end_division"):
            if not getattr(self, name) > 0:
                raise ValueError(f"Recipe: expected `{name}` above 0, got {getattr(self, name)}")
        if not 0.0 <= self.averaging < 1.0:
            raise ValueError(f"Recipe: expected `averaging` in [0, 1), got {self.averaging}")
