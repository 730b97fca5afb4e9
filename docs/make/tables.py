"""Tables of the documents from what commands wrote: `python -m docs.make.tables`.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`. One whose numbers are not there
stays as it is, and the command that makes them is named.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from docs.make.rooms import read_rooms

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

SHAPES = {
    **{"e_raw": "E_raw", "e_cal": "E_cal", "f1": "f1", "delta_e": "Delta E"},
    **{"e_ratio": "E_ratio", "w_eta1": "w_eta1", "fracs1": "fracs1"},
    **{"r_phi": "R_phi", "r_eta": "R_eta"},
}
REFEREE_MODELS = {
    **{name: f"`{name}`" for name in ("calofast", "calodit", "calodit_teacher", "calocfm")},
    **{name: f"`{name}`" for name in ("fastcalogan", "fastcalosimv2")},
    "halves": "Geant4 halves",
}
REFEREE_GRIDS = {f"binned_{grid}": grid for grid in ("regular", "optimal", "coarse")} | {
    "binned_patterns": "optimal, by patterns"
}
REFEREE_INPUTS = {
    "all cells, noise": "all cells with noise",
    "cell observables": "observables of cells",
    "voxels": "voxels and their observables, 256 MeV to 2.1 TeV",
    "voxels, 65 GeV": "voxels and their observables, around 65 GeV",
    "voxels, 65 GeV, without D": "the same without the energy centre",
    "eight of the nine observables": "eight of the nine observables",
    "voxel observables": "observables of voxels alone, 256 MeV to 2.1 TeV",
    "cell observables, noise": "observables of cells with noise",
    "all cells": "all cells without noise",
}
_BLOCK = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def write(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a table in Markdown."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *map(list, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rooms() -> str:
    """List the rooms, what they are for, and whom they import."""
    rows = [
        (f"`{room.name}`", room.caption, ", ".join(f"`{name}`" for name in room.imports) or "none")
        for room in read_rooms()
    ]
    return write(["room", "what is in it", "imports"], rows)


def shapes(report: dict[str, Any]) -> str:
    """List chi2/ndf of the shower shapes by region and sample, and what Geant4's halves have."""
    rows = []
    for entry in report["regions"]:
        found = {o["name"]: o for o in entry["observables"]}
        title = _region(entry["region"])
        chosen = [found[shape] for shape in SHAPES]
        rows.append([title, "Geant4 halves", *(_number(o["floor"]["mean"]) for o in chosen)])
        for place, simulated in enumerate(chosen[0]["simulated"]):
            values = [o["simulated"][place]["chi2"]["reduced"] for o in chosen]
            if any(value is not None for value in values):  # it has showers there
                rows.append(["", simulated["label"], *map(_number, values)])
    return write(["energy, abs(eta)", "sample", *SHAPES.values()], rows)


def slices(report: dict[str, Any]) -> str:
    """List the mean chi2/ndf of E_tot over E_kin in slices of energy."""
    rows = []
    for entry in report["energy_slices"]:
        found, floor = entry["eta_range"], _number(entry["floor"])
        (model,) = [a for a in entry["averages"] if a["label"] == "CaloINN"]
        value = f"{model['mean']:.2f} +- {model['error']:.2f}"
        bounds = f"{found['eta_low']:.2f} to {found['eta_high']:.2f}"
        rows.append([bounds, floor, _number(found["note_chi2"]), value])
    return write(["abs(eta)", "Geant4 halves", "the note's CaloINN", "CaloINN"], rows)


CHAINS = {"to voxels": ("single", "batches"), "to cells": ("chain", "chain_batches")}


def cost(content: dict[str, Any]) -> str:
    """List time and memory of the models, times with their ratio to the first one."""
    models = content["models"]
    (reference, *_) = models.values()
    rows = [
        ["parameters", *(_count(m["n_parameters"]) for m in models.values())],
        [
            "memory of one range, of all, MB",
            *(f"{m['memory']:.0f}, {m['memory_all']:.0f}" for m in models.values()),
        ],
    ]
    for energy in reference["times"]:
        for what, keys in CHAINS.items():
            of_reference = reference["times"][energy]
            columns = [
                _times(m["times"].get(energy), of_reference, *keys) for m in models.values()
            ]
            titles = ("median", "95th, 99th percentile", "100, 1000 at once")
            for title, *line in zip(titles, *columns, strict=True):
                rows.append([f"{energy}, {what}: {title}", *line])
    names = {"plain": "note, plain", "photons_scan": "BinnedShower"}
    return write(["ms a shower", *(names.get(Path(n).stem, f"`{n}`") for n in models)], rows)


def _times(
    times: dict[str, Any] | None, reference: dict[str, Any], single: str, batches: str
) -> tuple[str, str, str]:
    if times is None:
        return "-", "-", "-"
    own = times[single]
    median = f"{own['p50']:.2f}"
    if times is not reference:
        median += f" (1/{reference[single]['p50'] / own['p50']:.2g})"
    return median, f"{own['p95']:.2f}, {own['p99']:.2f}", _both(times[batches])


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}".replace(",", " ")


def referee(rows: list[dict[str, Any]]) -> str:
    """List the AUC of boosted trees on all inputs, of models and baselines."""
    return _areas(rows, REFEREE_MODELS, "AUC")


def referee_grids(rows: list[dict[str, Any]]) -> str:
    """List the AUC of BinnedShower on its grids."""
    return _areas(rows, REFEREE_GRIDS, "AUC of BinnedShower")


def _areas(rows: list[dict[str, Any]], samples: dict[str, str], title: str) -> str:
    found = {
        (row["inputs"], row["sample"]): f"{row['auc']:.3f} +- {row['error']:.3f}" for row in rows
    }
    shown = dict.fromkeys(
        row["inputs"] for row in rows if row["sample"] in samples and row["sample"] != "halves"
    )
    lines = [[REFEREE_INPUTS[i], *(found.get((i, s), "") for s in samples)] for i in shown]
    return write([title, *samples.values()], lines)


def _both(batches: dict[str, float]) -> str:
    return f"{batches['100']:.2f}, {batches['1000']:.2f}"


def _region(region: dict[str, Any]) -> str:
    """Name a region: energy and range of abs(eta)."""
    exactly = "exactly " if region["discrete"] else ""
    energy = region["energy"] / 1000
    shown = f"{energy / 1000:g} TeV" if energy >= 1000 else f"{energy:.3g} GeV"
    return f"{exactly}{shown}, {region['eta_low']:.2f} to {region['eta_high']:.2f}"


SOURCES: dict[str, tuple[str | None, str, Callable[..., str]]] = {
    "rooms": (None, "", rooms),
    "grids": ("demo/grids/report.json", "make demo", shapes),
    "shapes": ("demo/report/report.json", "make demo", shapes),
    "slices": ("demo/report/report.json", "make demo", slices),
    "referee": ("demo/referee.json", "make referee", referee),
    "referee-grids": ("demo/referee.json", "make referee", referee_grids),
    "cost": ("build/benchmark.json", "make benchmark", cost),
}


def rewritten(text: str) -> str:
    """Put the tables into a document that can be made."""

    def replace(found: re.Match[str]) -> str:
        source, command, make = SOURCES[found[2]]
        if source is None:
            return f"{found[1]}{make()}{found[3]}"
        if not (ROOT / source).is_file():
            print(f"{found[2]}: no {source}, run `{command}`; the table stays as it is")
            return found[0]
        numbers = json.loads((ROOT / source).read_text(encoding="utf-8"))
        return f"{found[1]}{make(numbers)}{found[3]}"

    return _BLOCK.sub(replace, text)


def _number(value: float | None) -> str:
    """Write two digits, or as many as stand before the point."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def main() -> None:
    """Rewrite all documents."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        if (new := rewritten(text)) != text:
            document.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
