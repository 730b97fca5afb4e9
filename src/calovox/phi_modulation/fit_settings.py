"""Settings of the fit of the phi modulation, which need neither numba nor SciPy."""

from dataclasses import dataclass
from typing import Annotated

from calovox.options import Count, NonNegative, Range, check_ranges

__all__ = ["FitSettings"]


@dataclass(frozen=True)
class FitSettings:
    """Weights of the loss, and the steps of Adam.

    Attributes:
        eta_edges: Edges of the |eta| ranges that get a curve of their own.
        min_energy: Showers below this kinetic energy, in MeV, are not used (note: 130 GeV).
        n_phases: Bins in T.
        layer_weight: Weight of a flat E(T) in each layer.
        noise_weight: Weight of the second differences of the curves.
        symmetry_weight: Weight of the asymmetry of the curves about the cell centre; it makes a
            sine part smaller.
        steps: Steps of Adam.
        learning_rate: First step size in g; it falls to 0 as a cosine.
        n_bootstrap: Resamplings of the showers that give the uncertainty of each bin.
        min_showers: Showers needed per bin in T before a curve is called constrained.
    """

    eta_edges: tuple[float, ...] = (0.0, 0.8, 1.4)
    min_energy: float = 130e3
    n_phases: Count = 50
    layer_weight: NonNegative = 1.0
    noise_weight: NonNegative = 10.0
    symmetry_weight: NonNegative = 0.0
    steps: Count = 4000
    learning_rate: float = 3e-3
    n_bootstrap: Annotated[int, Range(2)] = 20
    min_showers: int = 20

    def __post_init__(self) -> None:
        check_ranges(self)
        if not self.learning_rate > 0:
            raise ValueError(
                f"FitSettings: expected `learning_rate` above 0, got {self.learning_rate}"
            )
