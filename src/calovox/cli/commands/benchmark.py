"""`calovox benchmark`: what a shower of each model costs, as the note's Table B.1."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from calovox.cli.command import Job, make_command
from calovox.cli.progress import progress_of
from calovox.cli.settings import ModelIn, Output
from calovox.units import format_energy

if TYPE_CHECKING:
    from calovox.benchmarking.results import Benchmark

__all__ = ["BENCHMARK", "BenchmarkSettings", "benchmark"]

_EXAMPLE = "calovox benchmark plain.onnx exported -o benchmark.json"

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
    from calovox.benchmarking import ROUNDS
    from calovox.benchmarking.results import benchmark_models
    from calovox.photons import parse_energies, parse_etas

    energy = _one_value(parse_energies(settings.energy), "--energy", settings.energy)
    eta = _one_value(parse_etas(settings.eta), "--eta", settings.eta)
    with progress_of("benchmark", ROUNDS, unit="rounds") as advance:
        result = benchmark_models(settings.models, energy=energy, eta=eta, advance=advance)
    Console(width=30 + 28 * len(result.costs), highlight=False).print(_table(result))
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

    photons = f"{format_energy(result.energy)} photons at eta {result.eta:g}"
    table = Table(title=Text(f"{photons}, one thread of {processor_name()}"))
    table.add_column("time per shower")
    for name in result.costs:
        table.add_column(Text(name), justify="right")
    for row, (label, key, form) in enumerate(_ROWS):
        cells = (_cell(result, name, key, form) for name in result.costs)
        table.add_row(label, *cells, end_section=row in _SECTION_ENDS)
    return table


def _cell(result: "Benchmark", name: str, key: str, form: str) -> str:
    own = result.values(name)
    text = "unknown" if own[key] is None else form.format(own[key])
    if key.endswith(".mean"):
        text += " ± " + form.format(own[key.replace(".mean", ".std")])
    ratio = result.ratios(name).get(key)
    if ratio is None or name == result.reference or key == "n_models":
        return text
    return f"{text} ({ratio:.2f})"


BENCHMARK = make_command("benchmark", BenchmarkSettings, benchmark, example=_EXAMPLE)
