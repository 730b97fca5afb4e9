"""What a shower costs: time and memory of models, as in the note's Table B.1.

- A single-shower pass draws one shower for noise drawn before; there are `ROUNDS` rounds of
  `PASSES` passes after a warm-up. The models take turns, a round each, so that all see the same
  machine. The standard deviation is that of the rounds' means, percentiles are over all passes.
  Batches are drawn once in a round, and their median counts.
- A chain is the same up to cells, as `calovox simulate` goes there: noise, voxels, phi modulation,
  cells. Models of the package are placed by patterns if there are some for their grid, all others
  as in the note, with hits.
- A simulation of the whole barrel needs the models of all ranges of |eta|: their memory is
  measured together as well.
- A parametrisation draws hits and its own random numbers: both are part of a single-shower pass.
- Of a library of showers, BinnedShower, a single-shower pass finds the nearest one.
- A model has no times at energies that it was not trained for.
- On a GPU, a shower alone costs what the batch costs that it is filled up to.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), Appendix B, Table B.1
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from calovox.benchmarking.memory import measure_memory
from calovox.benchmarking.subjects import Subject
from calovox.benchmarking.timing import Clock, Stopwatch, Timing
from calovox.photons import Photons
from calovox.runtime.accelerators import Accelerator
from calovox.units import format_energy

__all__ = ["PASSES", "ROUNDS", "Cost", "Times", "measure_costs"]

ROUNDS: Final = 3
PASSES: Final = 40
BATCHES: Final = (100, 1000)
"""Showers that are drawn at once."""

_SEED: Final = 1


@dataclass(frozen=True)
class Times:
    """How long the showers of one energy take.

    Attributes:
        single: One shower at a time.
        batches: Time per shower in ms by the number of showers at once.
        chain: One shower at a time up to cells.
        chain_batches: Time per shower up to cells in ms by the number of showers at once.
        hits_per_shower: Mean number of hits that go into the cells.
    """

    single: Timing
    batches: dict[str, float]
    chain: Timing
    chain_batches: dict[str, float]
    hits_per_shower: float


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
        times: How long a shower takes, by energies as `format_energy` writes them.
    """

    file: str
    file_size: float
    n_parameters: int | None
    memory: float
    n_models: int
    memory_all: float
    times: dict[str, Times]


def measure_costs(
    models: Mapping[str, Subject],
    *,
    energies: Sequence[float],
    eta: float,
    rounds: int,
    passes: int,
    accelerator: Accelerator = "cpu",
    advance: Callable[[int], None] = lambda count: None,
) -> dict[str, Cost]:
    """Measure models side by side.

    Args:
        models: The models by name.
        energies: Kinetic energies of photons in MeV.
        eta: Their pseudorapidity.
        rounds: How many rounds.
        passes: Single-shower passes per round.
        accelerator: Where the models were opened; on a GPU, wall times count.
        advance: Called with the number of finished rounds, `rounds` for each energy in all.

    Returns:
        The costs by name.

    Raises:
        ValueError: If a model was trained for none of the photons, or the first one not for all.
    """
    photons = [(energy, eta) for energy in energies]
    _check_photons(models, photons)
    clock: Clock = "processor" if accelerator == "cpu" else "wall"
    times: dict[str, dict[str, Times]] = {name: {} for name in models}
    for energy, _ in photons:
        runners = {
            name: _Runner(model, energy, eta, passes, clock)
            for name, model in models.items()
            if model.is_trained_for(energy, eta)
        }
        for runner in runners.values():
            runner.warm_up()
        for _ in range(rounds):
            for runner in runners.values():
                runner.run_round()
            advance(1)
        for name, runner in runners.items():
            times[name][format_energy(energy)] = runner.times()
    return {
        name: Cost(
            file=model.path(eta).name,
            file_size=model.path(eta).stat().st_size / 1e6,
            n_parameters=model.n_parameters(eta),
            memory=measure_memory(model.path(eta), accelerator=accelerator),
            n_models=len(model.paths()),
            memory_all=measure_memory(*model.paths(), accelerator=accelerator),
            times=times[name],
        )
        for name, model in models.items()
    }


def _check_photons(models: Mapping[str, Subject], photons: Sequence[tuple[float, float]]) -> None:
    for position, (name, model) in enumerate(models.items()):
        known = [model.is_trained_for(*photon) for photon in photons]
        if all(known) or (position > 0 and any(known)):
            continue
        energy, eta = photons[known.index(False)]
        needed = "some of the energies" if position else "all energies, as it is the reference"
        raise ValueError(
            f"{name}: expected a model of {needed}, got {format_energy(energy)} at eta {eta:g} "
            "outside its trained range"
        )


class _Runner:
    """Measures one model at one energy, round by round."""

    def __init__(
        self, subject: Subject, energy: float, eta: float, passes: int, clock: Clock
    ) -> None:
        n_photons = max(passes, *BATCHES)
        self.photons = Photons(
            energy=np.full(n_photons, energy),
            eta=np.full(n_photons, eta),
            phi=np.linspace(-3.0, 3.0, n_photons),
            index=np.arange(n_photons),
        )
        self.subject, self.passes = subject, passes
        self.noise = subject.noise(self.photons)
        self.single = Stopwatch(clock)
        self.chain = Stopwatch(clock)
        self.batches = {size: Stopwatch(clock) for size in BATCHES}
        self.chain_batches = {size: Stopwatch(clock) for size in BATCHES}

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

    def times(self) -> Times:
        """Sum up what was measured."""
        return Times(
            single=self.single.timing(self.passes),
            batches=_per_shower(self.batches),
            chain=self.chain.timing(self.passes),
            chain_batches=_per_shower(self.chain_batches),
            hits_per_shower=self._hits_per_shower(),
        )

    def _draw(self, first: int, number: int) -> None:
        events = slice(first, first + number)
        self.subject.draw(self.photons[events], self.noise[events])

    def _simulate(self, first: int, number: int) -> None:
        photons = self.photons[first : first + number]
        for _ in self.subject.simulate(photons, with_hits=False):
            pass

    def _hits_per_shower(self) -> float:
        number = BATCHES[0]
        (showers,) = self.subject.simulate(self.photons[:number], with_hits=True)
        assert showers.hits is not None  # wanted
        return showers.hits.n_hits / number


def _per_shower(watches: Mapping[int, Stopwatch]) -> dict[str, float]:
    return {f"{size}": watch.timing(1).p50 / size for size, watch in watches.items()}
