"""`calovox benchmark`: what a shower of each model costs, as the note's Table B.1."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from calovox.cli.command import Job, make_command
from calovox.cli.progress import progress_of
from calovox.cli.settings import Accelerator, ModelIn, Output
from calovox.units import format_energy

if TYPE_CHECKING:
    from calovox.benchmarking.results import Benchmark

__all__ = ["BENCHMARK", "BenchmarkSettings", "benchmark"]

_EXAMPLE = "calovox benchmark plain.onnx exported -o benchmark.json"

_MODEL_ROWS = (
    ("parameters", "n_parameters", "{:,}"),
    ("file size, MB", "file_size", "{:.1f}"),
    ("memory when loaded, MB", "memory", "{:.1f}"),
    ("ranges of |eta|", "n_models", "{}"),
    ("memory of all of them, MB", "memory_all", "{:.1f}"),
)
_TIME_ROWS = (
    ("to voxels, ms", "single.p50"),
    ("  95th percentile", "single.p95"),
    ("  99th percentile", "single.p99"),
    ("  100 at once", "batches.100"),
    ("  1000 at once", "batches.1000"),
    ("to cells, ms", "chain.p50"),
    ("  95th percentile", "chain.p95"),
    ("  99th percentile", "chain.p99"),
    ("  100 at once", "chain_batches.100"),
    ("  1000 at once", "chain_batches.1000"),
    ("  hits of a shower", "hits_per_shower"),
)


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """Settings of `calovox benchmark`."""

    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Shipped models, folders of calovox export, its ONNX files, files of calovox "
            "train parametric, or datasets, whose nearest showers are taken. The first one is the "
            "reference of all ratios.",
        ),
        ModelIn(),
    ]
    output: Output
    energy: Annotated[
        str,
        typer.Option(
            metavar="ENERGY[,...]",
            help="Kinetic energies of photons. Models have no times beyond those they were "
            "trained for.",
        ),
    ] = "65GeV"
    eta: Annotated[str, typer.Option(metavar="ETA", help="Their pseudorapidity.")] = "0.2"
    rounds: Annotated[
        int, typer.Option(min=1, help="How often the models take turns at each energy.")
    ] = 3
    accelerator: Accelerator = "cpu"


def benchmark(settings: BenchmarkSettings, job: Job) -> str:
    """Measure time and memory of models on one thread: parameters, showers, showers with cells.

    Times are processor times in ms per shower, wall times with a GPU, medians if nothing else is
    said. The models take turns; ratios to the first one are in parentheses.
    """
    from calovox.benchmarking.results import benchmark_models
    from calovox.photons import parse_energies, parse_etas

    texts = settings.energy.split(",")
    energies = [_one_value(parse_energies(text), "--energy", text) for text in texts]
    eta = _one_value(parse_etas(settings.eta), "--eta", settings.eta)
    total = settings.rounds * len(energies)
    with progress_of("benchmark", total, unit="rounds") as advance:
        result = benchmark_models(
            settings.models,
            energies=energies,
            eta=eta,
            rounds=settings.rounds,
            accelerator=settings.accelerator,
            advance=advance,
        )
    Console(width=30 + 18 * len(result.costs), highlight=False).print(_table(result))
    result.write(settings.output, provenance=job.provenance, overwrite=job.overwrite)
    return f"{settings.output}: {len(result.costs)} models"


def _one_value(distribution: object, option: str, text: str) -> float:
    from calovox.photons import Fixed

    if not isinstance(distribution, Fixed):
        raise ValueError(f"{option}: expected one value, got '{text}'")
    return distribution.value


def _table(result: "Benchmark") -> Table:
    """Lay a column out for each model, with the ratio to the reference in parentheses."""
    from calovox.benchmarking.results import processor_name

    place = f"one thread of {processor_name()}"
    place += ", voxels by a GPU, wall times" * (result.accelerator != "cpu")
    table = Table(title=Text(f"eta {result.eta:g}, {place}"))
    table.add_column("time per shower")
    for name in result.costs:
        table.add_column(Text(Path(name).stem), justify="right")
    for label, key, form in _MODEL_ROWS:
        table.add_row(label, *(_cell(result, name, key, form) for name in result.costs))
    for energy in map(format_energy, result.energies):
        table.add_section()
        for label, key in _TIME_ROWS:
            form = "{:.0f}" if key == "hits_per_shower" else "{:.3f}"
            title = label if label.startswith(" ") else f"{energy}, {label}"
            cells = (_cell(result, n, f"times.{energy}.{key}", form) for n in result.costs)
            table.add_row(title, *cells)
    return table


def _cell(result: "Benchmark", name: str, key: str, form: str) -> str:
    value = result.values(name).get(key)
    if value is None:
        return "-"
    ratio = result.ratios(name).get(key)
    text = form.format(value)
    if ratio is None or name == result.reference or key == "n_models":
        return text
    return f"{text} ({ratio:.2f})"


BENCHMARK = make_command("benchmark", BenchmarkSettings, benchmark, example=_EXAMPLE)
