"""Whoever wants to know what a training does."""

from calovox.training.runs.state import RunState, Step

__all__ = ["Observer"]


class Observer:
    """Is told what a training does, in the first process only; by default it takes no notice."""

    def start(self, run: RunState) -> None:
        """Learn from where the training starts, which may be the middle.

        Args:
            run: The run.
        """

    def step(self, step: Step) -> None:
        """Learn of a step.

        Args:
            step: What it did.
        """

    def save(self, run: RunState) -> None:
        """Learn that a checkpoint is written, or would be.

        Args:
            run: The run.
        """

    def end(self) -> None:
        """Learn that there will be no more steps, whatever the reason."""
