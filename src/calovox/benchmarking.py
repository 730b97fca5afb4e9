"""What a shower costs: time and memory of exported models, as in the note's Table B.1.

- Time is processor time of one thread, in ms per shower: what else the machine is doing counts
  only through shared caches and cores. Wall time is kept beside it.
- A single-shower pass draws one shower for noise drawn before; there are `ROUNDS` rounds of
  `PASSES` passes after a warm-up. The models take turns, a round each, so that all see the same
  machine. The standard deviation is that of the rounds' means, percentiles are over all passes.
- A chain is the same up to cells: noise, voxels, hits, phi modulation, cells.
- Memory is the resident memory of a fresh process, after ONNX Runtime has loaded the model, less
  before; the process imports nothing but numpy and ONNX Runtime. A simulation of the whole barrel
  needs the models of all ranges of |eta|: they are measured together as well.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), Appendix B, Table B.1
"""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.binned_shower import SubVoxelProbabilities, read_sub_voxels
from calovox.geometry import barrel_cells
from calovox.phi_modulation import PhiModulation
from calovox.phi_modulation.curve_file import read_curve
from calovox.photons import Photons
from calovox.random_streams import Stream, event_keys, event_normals
from calovox.runtime import ModelSet, OnnxModel
from calovox.simulate import simulate_photons

__all__ = ["PASSES", "ROUNDS", "Cost", "Timing", "measure_costs", "measure_memory"]

ROUNDS: Final = 10
PASSES: Final = 100
BATCHES: Final = (100, 1000)
"""Showers that are drawn at once."""

_SEED: Final = 1
_LOAD: Final = """
import os
import sys
import numpy
import onnxruntime

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
before = resident()
sessions = [
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    for path in sys.argv[1:]
]
print(resident() - before)
"""


@dataclass(frozen=True)
class Timing:
    """How long one shower takes, in ms.

    Attributes:
        mean: Mean of all passes.
        std: Standard deviation of the means of the rounds.
        p50: Median of all passes.
        p95: 95th percentile.
        p99: 99th percentile.
        wall_p50: Median of the wall time.
    """

    mean: float
    std: float
    p50: float
    p95: float
    p99: float
    wall_p50: float

    @classmethod
    def from_rounds(
        cls, processor: Float64[Array, "round pass"], wall: Float64[Array, "round pass"]
    ) -> "Timing":
        """Sum passes up.

        Args:
            processor: Processor time of each pass in ms.
            wall: Wall time of each pass in ms.

        Returns:
            The statistics.
        """
        p50, p95, p99 = np.percentile(processor, [50, 95, 99]).tolist()
        std = float(np.std(processor.mean(axis=1)))
        return cls(float(processor.mean()), std, p50, p95, p99, float(np.median(wall)))


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
    hits_per_shower: float


def measure_costs(
    models: Mapping[str, ModelSet],
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


def measure_memory(*paths: Path) -> float:
    """Measure the memory that loaded models take together, in a bare process.

    Args:
        paths: ONNX files.

    Returns:
        Resident memory after loading less that before, in MB.

    Raises:
        OSError: If the process fails; it needs Linux.
    """
    command = [sys.executable, "-I", "-c", _LOAD, *map(str, paths)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise OSError(f"{paths[0]}: its memory could not be measured: {reason}")
    return int(result.stdout) / 1e6


class _Runner:
    """Measures one model round by round."""

    def __init__(self, models: ModelSet, energy: float, eta: float, passes: int) -> None:
        n_photons = max(passes, *BATCHES)
        self.photons = Photons(
            energy=np.full(n_photons, energy),
            eta=np.full(n_photons, eta),
            phi=np.linspace(-3.0, 3.0, n_photons),
            index=np.arange(n_photons),
        )
        self.models = models
        self.passes = passes
        self.noise = event_normals(
            event_keys(_SEED, Stream.MODEL, self.photons.index), *models.noise_shape
        )
        self.single = _Stopwatch()
        self.chain = _Stopwatch()
        self.batches = {size: _Stopwatch() for size in BATCHES}
        self.side_files = _read_side_files(models)
        self.n_hits: list[int] = []

    def warm_up(self) -> None:
        """Let everything happen once that happens only once."""
        for event in range(3):
            self._draw(event, 1)
            self._simulate(event)

    def run_round(self) -> None:
        """Take all times once more."""
        for event in range(self.passes):
            self.single.time(partial(self._draw, event, 1))
        for event in range(self.passes):
            self.chain.time(partial(self._simulate, event))
        for size, stopwatch in self.batches.items():
            stopwatch.time(partial(self._draw, 0, size))

    def cost(self) -> Cost:
        """Sum up what was measured."""
        model = self._model()
        return Cost(
            file=model.path.name,
            file_size=model.path.stat().st_size / 1e6,
            n_parameters=_count_parameters(model.card),
            memory=measure_memory(model.path),
            n_models=len(self.models.models),
            memory_all=measure_memory(*(one.path for one in self.models.models)),
            single=self.single.timing(self.passes),
            batches={f"{n}": watch.timing(1).mean / n for n, watch in self.batches.items()},
            chain=self.chain.timing(self.passes),
            hits_per_shower=float(np.mean(self.n_hits)),
        )

    def _model(self) -> OnnxModel:
        """Find the model of the photons: the upper one at a common border."""
        size = abs(self.photons.eta[0])
        return next(m for m in reversed(self.models.models) if m.eta_range[0] <= size)

    def _draw(self, first: int, number: int) -> None:
        events = slice(first, first + number)
        self.models.sample(
            self.photons.energy[events], self.photons.eta[events], self.noise[events]
        )

    def _simulate(self, event: int) -> None:
        probabilities, curve = self.side_files
        (shower,) = simulate_photons(
            self.models,
            self.photons[event : event + 1],
            probabilities,
            seed=_SEED,
            table=barrel_cells(),
            phi_modulation=curve,
        )
        self.n_hits.append(shower.hits.n_hits)


class _Stopwatch:
    """Keeps the times of passes."""

    def __init__(self) -> None:
        self.processor: list[float] = []
        self.wall: list[float] = []

    def time(self, function: Callable[[], Any]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        function()
        self.processor.append(1e3 * (time.process_time() - processor))
        self.wall.append(1e3 * (time.perf_counter() - wall))

    def timing(self, passes: int) -> Timing:
        """Sum up rounds of so many passes."""
        shape = (-1, passes)
        return Timing.from_rounds(
            np.array(self.processor).reshape(shape), np.array(self.wall).reshape(shape)
        )


def _count_parameters(card: Mapping[str, Any]) -> int | None:
    """Add up the parameters of the model's parts, as its card gives them."""
    parts = [part for part in card.values() if isinstance(part, Mapping)]
    counts = [int(part["parameters"]) for part in parts if "parameters" in part]
    return sum(counts) if counts else None


def _read_side_files(
    models: ModelSet,
) -> tuple[SubVoxelProbabilities | None, PhiModulation | None]:
    sub_voxels, curve = models.sub_voxels, models.phi_modulation
    return (
        None if sub_voxels is None else read_sub_voxels(sub_voxels, models.grid),
        None if curve is None else read_curve(curve),
    )
