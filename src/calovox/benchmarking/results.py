"""A benchmark of several models: costs, ratios to the first, and the file that keeps them."""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from calovox.benchmarking.costs import PASSES, ROUNDS, Cost, measure_costs
from calovox.benchmarking.subjects import open_subject
from calovox.files.whole import whole_file
from calovox.runtime.accelerators import Accelerator
from calovox.runtime.onnx_runtime import onnxruntime

__all__ = ["Benchmark", "benchmark_models", "processor_name"]

FORMAT = "calovox benchmark"
VERSION = 2


@dataclass(frozen=True)
class Benchmark:
    """What showers of several models cost.

    Attributes:
        costs: Costs by the names of the models; the first one is the reference of all ratios.
        energies: Kinetic energies of photons in MeV.
        eta: Their pseudorapidity.
        accelerator: Where the models drew voxels.
    """

    costs: Mapping[str, Cost]
    energies: tuple[float, ...]
    eta: float
    accelerator: Accelerator = "cpu"

    @property
    def reference(self) -> str:
        """The model that all are compared with."""
        return next(iter(self.costs))

    def values(self, name: str) -> dict[str, Any]:
        """Give the numbers of a model on one level, such as ``times.65 GeV.single.mean``."""
        return _flat(asdict(self.costs[name]))

    def ratios(self, name: str) -> dict[str, float]:
        """Divide the numbers of a model by those of the reference, where that is possible."""
        reference = self.values(self.reference)
        return {
            key: value / reference[key]
            for key, value in self.values(name).items()
            if isinstance(value, int | float) and reference.get(key)
        }

    def write(
        self, path: Path, *, provenance: dict[str, Any] | None = None, overwrite: bool = False
    ) -> None:
        """Write all numbers as JSON, and what they were measured on.

        Args:
            path: The file.
            provenance: How the benchmark was made.
            overwrite: Whether an existing file may be replaced.

        Raises:
            FileExistsError: If the file exists and may not be replaced.
        """
        content = {
            "format": FORMAT,
            "version": VERSION,
            "provenance": provenance or {},
            "machine": {**_machine(), "accelerator": self.accelerator},
            "photons": {"energies": list(self.energies), "eta": self.eta},
            "models": {name: asdict(cost) for name, cost in self.costs.items()},
            "ratios": {name: self.ratios(name) for name in self.costs},
        }
        with whole_file(path, overwrite=overwrite) as partial:
            partial.write_text(json.dumps(content, indent=1), encoding="utf-8")


def benchmark_models(
    names: Sequence[str],
    *,
    energies: Sequence[float],
    eta: float,
    rounds: int = ROUNDS,
    passes: int = PASSES,
    accelerator: Accelerator = "cpu",
    advance: Callable[[int], None] = lambda count: None,
) -> Benchmark:
    """Measure time and memory of models on one thread.

    Args:
        names: Shipped models, folders, ONNX files, parametrisations or datasets, which are
            libraries of showers; the first one is the reference.
        energies: Kinetic energies of photons in MeV.
        eta: Their pseudorapidity.
        rounds: How often the models take turns.
        passes: Passes of each in a round.
        accelerator: Where the models draw voxels.
        advance: Called with the number of finished rounds, `rounds` for each
            energy in all.

    Returns:
        The costs.

    Raises:
        ValueError: If a model is named twice, was trained for none of the photons, or cannot be
            computed there.
    """
    if len(set(names)) < len(names):
        raise ValueError(f"expected different models, got {', '.join(names)}")
    models = {name: open_subject(name, accelerator) for name in names}
    costs = measure_costs(
        models,
        energies=energies,
        eta=eta,
        rounds=rounds,
        passes=passes,
        accelerator=accelerator,
        advance=advance,
    )
    return Benchmark(costs, tuple(energies), eta, accelerator)


def processor_name() -> str:
    """Name the processor as the system does."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _machine() -> dict[str, Any]:
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": metadata.version("numpy"),
        "onnxruntime": onnxruntime.__version__,  # of whichever package
    }
