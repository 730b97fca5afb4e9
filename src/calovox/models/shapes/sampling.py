"""How samples of a shape model are made: along which path, by which solver, in how many steps."""

from dataclasses import dataclass
from typing import Final, get_args

from jaxtyping import Float
from torch import Tensor

from calovox.models.shapes.arc import Slope, follow_arc, follow_karras, follow_line
from calovox.models.shapes.kinds import PathKind
from calovox.models.shapes.solvers import SOLVERS

__all__ = ["ONE_STEP", "PathKind", "Sampling"]


@dataclass(frozen=True)
class Sampling:
    """How samples are made.

    Attributes:
        path: "arc"; "line", as the note samples CaloCFM; or "karras", as it samples CaloDiT-2.
        solver: The method, by its name; "karras" goes with Heun's alone.
        n_steps: In how many steps.
    """

    path: PathKind = "arc"
    solver: str = "rk4"
    n_steps: int = 1

    def __post_init__(self) -> None:
        if self.path not in get_args(PathKind):
            raise ValueError(
                f"path: expected one of {', '.join(get_args(PathKind))}, got '{self.path}'"
            )
        if self.solver not in SOLVERS:
            raise ValueError(f"solver: expected one of {', '.join(SOLVERS)}, got '{self.solver}'")
        if self.path == "karras" and self.solver != "heun":
            raise ValueError(f"solver: expected 'heun' for the path 'karras', got '{self.solver}'")
        if self.n_steps < 1:
            raise ValueError(f"solver steps: expected 1 or more, got {self.n_steps}")

    def draw(
        self, slope: Slope, noise: Float[Tensor, "event variable"]
    ) -> Float[Tensor, "event variable"]:
        """Draw samples.

        Args:
            slope: The slope F of the arcs.
            noise: Standard normal numbers.

        Returns:
            Samples of the data.
        """
        if self.path == "karras":
            return follow_karras(slope, noise, self.n_steps)
        follow = follow_arc if self.path == "arc" else follow_line
        return follow(slope, noise, SOLVERS[self.solver], self.n_steps)

    def __str__(self) -> str:
        return f"{self.path}, {self.solver}, {self.n_steps} steps"


ONE_STEP: Final = Sampling()
"""One step of Runge and Kutta along the arc: three evaluations."""
