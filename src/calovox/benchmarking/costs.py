"""What a shower costs: time and memory of models, as in the note's Table B.1.

- A single-shower pass draws one shower for noise drawn before; there are `ROUNDS` rounds of
  `PASSES` passes after a warm-up. The models take turns, a round each, so that all see the same
  machine. The standard deviation is that of the rounds' means, percentiles are over all passes.
- A chain is the same up to cells, as `calovox simulate` goes there: noise, voxels, phi modulation,
  cells. Models of the package are placed by patterns if there are some for their grid, all others
  as in the note, with hits.
- A simulation of the whole barrel needs the models of all ranges of |eta|: their memory is
  measured together as well.
- A parametrisation draws hits and its own random numbers: both are part of a single-shower pass.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), Appendix B, Table B.1
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.benchmarking.memory import measure_memory
from calovox.benchmarking.timing import Stopwatch, Timing
from calovox.binned_shower import SubVoxelProbabilities, read_sub_voxels
from calovox.geometry import barrel_cells
from calovox.geometry.detector_files import choose_detector
from calovox.models.parametric.model import ParametricModel
from calovox.patterns import PatternLibrary
from calovox.patterns.shipped import shipped_patterns
from calovox.phi_modulation import PhiModulation
from calovox.phi_modulation.curve_file import read_curve
from calovox.photons import Photons
from calovox.random_streams import Stream, event_keys, event_normals
from calovox.runtime import ModelSet
from calovox.runtime.model_set import is_shipped
from calovox.simulation.sampling import photons_to_hits
from calovox.simulation.simulate import SimulatedShowers, simulate_hits, simulate_photons
from calovox.voxelization import VoxelGrid

__all__ = ["PASSES", "ROUNDS", "Cost", "measure_costs"]

ROUNDS: Final = 10
PASSES: Final = 100
BATCHES: Final = (100, 1000)
"""Showers that are drawn at once."""

_SEED: Final = 1


@dataclass(frozen=True)
class Cost:
    """What the showers of one model cost.

    Attributes:
        file: Name of the model's file.
        file_size: Its size in MB.
        n_parameters: Number of trained parameters, None if its card does not say.
        memory: Memory that the loaded model takes, in MB.
        n_models: Number of models, for one range of abs(eta) each.
        memory_all: Memory that all of them take together, in MB.
        single: One shower at a time.
        batches: Time per shower in ms by the number of showers at once.
        chain: One shower at a time up to cells.
        chain_batches: Time per shower up to cells in ms by the number of showers at once.
        hits_per_shower: Mean number of hits that go into the cells.
    """

    file: str
    file_size: float
    n_parameters: int | None
    memory: float
    n_models: int
    memory_all: float
    single: Timing
    batches: dict[str, float]
    chain: Timing
    chain_batches: dict[str, float]
    hits_per_shower: float


def measure_costs(
    models: Mapping[str, ModelSet | ParametricModel],
    *,
    energy: float,
    eta: float,
    rounds: int,
    passes: int,
    advance: Callable[[int], None] = lambda count: None,
) -> dict[str, Cost]:
    """Measure models side by side.

    Args:
        models: The models by name.
        energy: Kinetic energy of all photons in MeV.
        eta: Their pseudorapidity.
        rounds: How many rounds.
        passes: Single-shower passes per round.
        advance: Called with the number of finished rounds, `rounds` in all.

    Returns:
        The costs by name.

    Raises:
        ValueError: If the photon is outside the trained range of a model.
    """
    runners = {name: _Runner(model, energy, eta, passes) for name, model in models.items()}
    for runner in runners.values():
        runner.warm_up()
    for _ in range(rounds):
        for runner in runners.values():
            runner.run_round()
        advance(1)
    return {name: runner.cost() for name, runner in runners.items()}


class _Runner:
    """Measures one model round by round."""

    def __init__(
        self, models: ModelSet | ParametricModel, energy: float, eta: float, passes: int
    ) -> None:
        n_photons = max(passes, *BATCHES)
        self.photons = Photons(
            energy=np.full(n_photons, energy),
            eta=np.full(n_photons, eta),
            phi=np.linspace(-3.0, 3.0, n_photons),
            index=np.arange(n_photons),
        )
        self.models = models
        self.passes = passes
        shape = models.noise_shape if isinstance(models, ModelSet) else (0,)
        self.noise = event_normals(event_keys(_SEED, Stream.MODEL, self.photons.index), *shape)
        self.single = Stopwatch()
        self.chain = Stopwatch()
        self.batches = {size: Stopwatch() for size in BATCHES}
        self.chain_batches = {size: Stopwatch() for size in BATCHES}
        self.placing = _Placing.of(models)

    def warm_up(self) -> None:
        """Let everything happen once that happens only once."""
        for event in range(3):
            self._draw(event, 1)
            self._simulate(event, 1)

    def run_round(self) -> None:
        """Take all times once more."""
        for event in range(self.passes):
            self.single.time(partial(self._draw, event, 1))
        for event in range(self.passes):
            self.chain.time(partial(self._simulate, event, 1))
        for size in BATCHES:
            self.batches[size].time(partial(self._draw, 0, size))
            self.chain_batches[size].time(partial(self._simulate, 0, size))

    def cost(self) -> Cost:
        """Sum up what was measured."""
        path, n_parameters = self._describe()
        paths = self._paths()
        return Cost(
            file=path.name,
            file_size=path.stat().st_size / 1e6,
            n_parameters=n_parameters,
            memory=measure_memory(path),
            n_models=len(paths),
            memory_all=measure_memory(*paths),
            single=self.single.timing(self.passes),
            batches=_per_shower(self.batches),
            chain=self.chain.timing(self.passes),
            chain_batches=_per_shower(self.chain_batches),
            hits_per_shower=self._hits_per_shower(),
        )

    def _describe(self) -> tuple[Path, int | None]:
        """Give file and parameters of the photons' model: the upper one at a common border."""
        if isinstance(self.models, ParametricModel):
            assert self.models.path is not None  # loaded from there
            return self.models.path, self.models.n_parameters
        size = abs(self.photons.eta[0])
        model = next(m for m in reversed(self.models.models) if m.eta_range[0] <= size)
        return model.path, _count_parameters(model.card)

    def _paths(self) -> list[Path]:
        """Give the files of all ranges of |eta|."""
        if isinstance(self.models, ParametricModel):
            return [self._describe()[0]]
        return [model.path for model in self.models.models]

    def _draw(self, first: int, number: int) -> None:
        events = slice(first, first + number)
        if isinstance(self.models, ParametricModel):
            self.models.sample(self.photons[events], seed=_SEED)
            return
        self.models.sample(
            self.photons.energy[events], self.photons.eta[events], self.noise[events]
        )

    def _simulate(self, first: int, number: int) -> None:
        for _ in self._simulated(self.photons[first : first + number], with_hits=False):
            pass

    def _hits_per_shower(self) -> float:
        number = BATCHES[0]
        (showers,) = self._simulated(self.photons[:number], with_hits=True)
        assert showers.hits is not None  # wanted
        return showers.hits.n_hits / number

    def _simulated(self, photons: Photons, *, with_hits: bool) -> Iterator[SimulatedShowers]:
        if isinstance(self.models, ParametricModel):
            hits = photons_to_hits(self.models, photons, VoxelGrid.optimal(), seed=_SEED)
            return simulate_hits(hits, table=barrel_cells())
        marks = {self.models.models[0].path: self.models.detector}
        detector = choose_detector(None, marks)
        return simulate_photons(
            self.models,
            photons,
            self.placing.probabilities,
            seed=_SEED,
            table=detector.cells,
            detector=detector,
            phi_modulation=self.placing.curve,
            patterns=self.placing.patterns,
            with_hits=with_hits,
        )


def _per_shower(watches: Mapping[int, Stopwatch]) -> dict[str, float]:
    return {f"{size}": watch.timing(1).mean / size for size, watch in watches.items()}


def _count_parameters(card: Mapping[str, Any]) -> int | None:
    """Add up the parameters of the model's parts, as its card gives them."""
    parts = [part for part in card.values() if isinstance(part, Mapping)]
    counts = [int(part["parameters"]) for part in parts if "parameters" in part]
    return sum(counts) if counts else None


@dataclass(frozen=True)
class _Placing:
    """How the voxels of a model become cells; see `calovox.simulation.placement`."""

    probabilities: SubVoxelProbabilities | None = None
    curve: PhiModulation | None = None
    patterns: PatternLibrary | None = None

    @classmethod
    def of(cls, models: ModelSet | ParametricModel) -> "_Placing":
        if isinstance(models, ParametricModel):
            return cls()
        sub_voxels, curve = models.sub_voxels, models.phi_modulation
        is_ours = is_shipped(models.models[0].path)
        patterns = shipped_patterns(models.grid) if is_ours else None
        probabilities = None
        if patterns is None and sub_voxels is not None:
            probabilities = read_sub_voxels(sub_voxels, models.grid)
        return cls(probabilities, None if curve is None else read_curve(curve), patterns)
