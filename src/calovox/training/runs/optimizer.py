"""What an optimiser of a model works with: its losses as one module, and the learning rates."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Showers, Trainable
from calovox.training.recipe import Recipe

__all__ = ["Objective", "make_optimizer"]


class Objective(nn.Module):
    """A model's losses as the output of a module, which is what can be spread over processes."""

    def __init__(self, model: nn.Module, rng: torch.Generator) -> None:
        super().__init__()
        self.model = model
        self.rng = rng
        self.names: tuple[str, ...] = ()

    def forward(self, showers: Callable[[], Showers[Tensor]]) -> Float[Tensor, " term"]:
        """Compute the terms of the loss, in the order of `names`."""
        assert isinstance(self.model, Trainable)
        losses: dict[str, Tensor] = self.model.losses(showers(), self.rng)
        self.names = tuple(losses)
        return torch.stack(list(losses.values()))


def make_optimizer(
    model: nn.Module, recipe: Recipe
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.OneCycleLR]:
    """Make AdamW and the one cycle of its learning rate.

    Args:
        model: What is trained.
        recipe: How it is trained.

    Returns:
        The optimiser, and its schedule.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=recipe.max_learning_rate,
        betas=recipe.betas,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=recipe.max_learning_rate,
        total_steps=recipe.n_steps + 1,  # it is asked once more after the last step
        pct_start=recipe.rising,
        cycle_momentum=False,
        div_factor=recipe.start_division,
        final_div_factor=recipe.end_division,
    )
    return optimizer, schedule
