"""`calovox benchmark`: what a shower of each model costs, as the note's Table B.1."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from calovox.cli.command import Job
from calovox.cli.progress import progress_of
from calovox.cli.settings import ModelIn, Output
from calovox.files.whole import whole_file
from calovox.photons import Fixed, parse_energies, parse_etas
from calovox.units import format_energy

__all__ = ["BENCHMARK_EXAMPLE", "BenchmarkSettings", "benchmark"]

BENCHMARK_EXAMPLE = "calovox benchmark plain.onnx exported -o benchmark.json"

FORMAT = "calovox benchmark"
VERSION = 1

_ROWS = (
    ("parameters", "n_parameters", "{:,}"),
    ("file size, MB", "file_size", "{:.1f}"),
    ("memory when loaded, MB", "memory", "{:.1f}"),
    ("ranges of |eta|", "n_models", "{}"),
    ("memory of all of them, MB", "memory_all", "{:.1f}"),
    ("one shower, ms", "single.mean", "{:.3f}"),
    ("  median", "single.p50", "{:.3f}"),
    ("  95th percentile", "single.p95", "{:.3f}"),
    ("  99th percentile", "single.p99", "{:.3f}"),
    ("100 showers at once, ms", "batches.100", "{:.3f}"),
    ("1000 showers at once, ms", "batches.1000", "{:.3f}"),
    ("one shower, to cells, ms", "chain.mean", "{:.3f}"),
    ("  median", "chain.p50", "{:.3f}"),
    ("  95th percentile", "chain.p95", "{:.3f}"),
    ("  99th percentile", "chain.p99", "{:.3f}"),
    ("100 showers at once, ms", "chain_batches.100", "{:.3f}"),
    ("1000 showers at once, ms", "chain_batches.1000", "{:.3f}"),
    ("hits of a shower", "hits_per_shower", "{:.0f}"),
)
_SECTION_ENDS = (4, 10)


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """Settings of `calovox benchmark`."""

    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Shipped models, folders of calovox export, its ONNX files, or files of calovox "
            "train parametric. The first one is the reference of all ratios.",
        ),
        ModelIn(),
    ]
    output: Output
    energy: Annotated[
        str, typer.Option(metavar="ENERGY", help="Kinetic energy of the photons.")
    ] = "65GeV"
    eta: Annotated[str, typer.Option(metavar="ETA", help="Their pseudorapidity.")] = "0.2"


def benchmark(settings: BenchmarkSettings, job: Job) -> str:
    """Measure time and memory of models on one thread: parameters, showers, showers with cells.

    Times are processor times in ms per shower, and the models take turns.
    """
    # onnxruntime is slow to import, and no other command needs it
    from calovox.benchmarking import PASSES, ROUNDS, measure_costs
    from calovox.runtime import load_models

    if len(set(settings.models)) < len(settings.models):
        raise ValueError(f"expected different models, got {', '.join(settings.models)}")
    energy = _one_value(parse_energies(settings.energy), "--energy", settings.energy)
    eta = _one_value(parse_etas(settings.eta), "--eta", settings.eta)
    models = {name: load_models(name) for name in settings.models}
    with progress_of("benchmark", ROUNDS, unit="rounds") as advance:
        costs = measure_costs(
            models, energy=energy, eta=eta, rounds=ROUNDS, passes=PASSES, advance=advance
        )
    values = {name: _flat(asdict(cost)) for name, cost in costs.items()}
    title = f"{format_energy(energy)} photons at eta {eta:g}, one thread of {_processor()}"
    reference = settings.models[0]
    width = 30 + 28 * len(values)
    Console(width=width, highlight=False).print(_table(title, values, reference))
    content = {
        "format": FORMAT,
        "version": VERSION,
        "provenance": job.provenance,
        "machine": _machine(),
        "photon": {"energy": energy, "eta": eta},
        "models": {name: asdict(cost) for name, cost in costs.items()},
        "ratios": {name: _ratios(own, values[reference]) for name, own in values.items()},
    }
    with whole_file(settings.output, overwrite=job.overwrite) as partial:
        partial.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return f"{settings.output}: {len(costs)} models"


def _one_value(distribution: object, option: str, text: str) -> float:
    if not isinstance(distribution, Fixed):
        raise ValueError(f"{option}: expected one value, got '{text}'")
    return distribution.value


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Bring nested values to one level, with names such as ``single.mean``."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _ratios(values: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: value / reference[name]
        for name, value in values.items()
        if isinstance(value, int | float) and reference[name]
    }


def _table(title: str, values: Mapping[str, Mapping[str, Any]], reference: str) -> Table:
    """Lay a column out for each model, with the ratio to the reference in parentheses."""
    table = Table(title=Text(title))
    table.add_column("time per shower")
    for name in values:
        table.add_column(Text(name), justify="right")
    for row, (label, key, form) in enumerate(_ROWS):
        cells = []
        for name, own in values.items():
            text = "unknown" if own[key] is None else form.format(own[key])
            if key.endswith(".mean"):
                text += " ± " + form.format(own[key.replace(".mean", ".std")])
            ratio = _ratios(own, values[reference]).get(key)
            cells.append(
                text
                if ratio is None or name == reference or key == "n_models"
                else f"{text} ({ratio:.2f})"
            )
        table.add_row(label, *cells, end_section=row in _SECTION_ENDS)
    return table


def _processor() -> str:
    """Name the processor as the system does."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": metadata.version("numpy"),
        "onnxruntime": metadata.version("onnxruntime"),
    }
