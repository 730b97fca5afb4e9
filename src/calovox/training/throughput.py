"""How fast a training is, and what share of the device's arithmetic it uses.

The share is the model FLOPs utilisation of Chowdhery et al.: operations that the formulas need,
those of products of matrices, over what the device could have done in the time. What it could have
done is measured: a large product of matrices in the precision of the training.

References:
    A. Chowdhery et al., *PaLM: scaling language modeling with pathways*, 2022,
    https://arxiv.org/abs/2204.02311, appendix B
"""

import copy
import time
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from calovox.models.base import Trainable
from calovox.training.data.showers import ShowerFiles
from calovox.training.observer import Observer
from calovox.training.runs.state import RunState, Step

__all__ = ["RateMeter", "Throughput", "count_flops", "matrix_product_rate", "measure_throughput"]

_DTYPES: Final = {
    "32-true": torch.float32,
    "bf16-mixed": torch.bfloat16,
    "16-mixed": torch.float16,
}
_LARGEST: Final = 8192
_LONG_ENOUGH: Final = 2e-3


@dataclass(frozen=True)
class Throughput:
    """How fast a training is.

    Attributes:
        showers: Showers per second, of all processes.
        flops: Floating-point operations per second, of one process.
        peak: What a large product of matrices reaches there.
    """

    showers: float
    flops: float
    peak: float

    def __str__(self) -> str:
        return (
            f"{self.showers:.3g} showers/s, {self.flops / 1e9:.3g} GFLOP/s per process, "
            f"{self.flops / self.peak:.2g} of a large matrix product's {self.peak / 1e9:.3g}"
        )


def measure_throughput(run: RunState, showers: float) -> Throughput:
    """Relate the rate of a training to what its device can do.

    Args:
        run: The training.
        showers: Showers per second, of all processes.

    Returns:
        The rates.
    """
    flops = count_flops(run.model, run.stream.files) * showers / run.share.n_ranks
    dtype = _DTYPES[run.fabric.strategy.precision.precision]
    return Throughput(showers, flops, matrix_product_rate(run.fabric.device, dtype))


def count_flops(model: nn.Module, files: ShowerFiles) -> float:
    """Count the floating-point operations of a step of training, forward and backward.

    A copy of the model does a step on the CPU. A GAN does one of the critic.

    Args:
        model: What is trained; it must be `Trainable`.
        files: Showers, of which a few are needed.

    Returns:
        Operations per shower, those of products of matrices.
    """
    pupil = copy.deepcopy(model).cpu().train()
    assert isinstance(pupil, Trainable)
    showers = files.read(np.arange(min(16, len(files))))
    with FlopCounterMode(display=False) as counter:
        losses = pupil.losses(showers, torch.Generator().manual_seed(1))
        torch.autograd.backward(list(losses.values()))
    total: int = counter.get_total_flops()
    return total / len(showers.voxels)


def matrix_product_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Measure what a device reaches: square matrices grow until their product takes 2 ms.

    Args:
        device: The device.
        dtype: Kind of the numbers.

    Returns:
        Floating-point operations per second, in the best of three products.
    """
    size, seconds = 128, 0.0
    while seconds < _LONG_ENOUGH and size < _LARGEST:
        size *= 2
        a = torch.randn(size, size, device=device).to(dtype)
        seconds = min(_time_product(a) for _ in range(3))
    return 2.0 * float(size) ** 3 / seconds


class RateMeter(Observer):
    """Takes the time of steps; that of a typical one counts, without validations."""

    def __init__(self) -> None:
        self._run: RunState | None = None
        self._last = 0.0
        self._rates: list[float] = []

    def start(self, run: RunState) -> None:
        """Start the clock."""
        self._run = run
        self._last = time.perf_counter()

    def step(self, step: Step) -> None:
        """Take the time of a step."""
        now = time.perf_counter()
        self._rates.append(step.n_events / (now - self._last))
        self._last = now

    def measure(self) -> Throughput | None:
        """Relate the rate to what the device can do.

        Returns:
            The rates; None where there was no step, or another process has counted.
        """
        if self._run is None or not self._rates:
            return None
        return measure_throughput(self._run, median(self._rates[1:] or self._rates))


def _time_product(a: torch.Tensor) -> float:
    started = time.perf_counter()
    (a @ a)[0, 0].item()  # waits for the device
    return time.perf_counter() - started
