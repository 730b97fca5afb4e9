"""AUC of the classifier and chi2 of E_tot against the number of training showers.

Run with ``python -m bench.learning_curve [--plot FILE.png] N=REPORT...``: one folder of
``calovox evaluate`` with ``--classifier`` and ``--slices`` for each training, N its number of
showers. Prints one row per report and simulation; what a report does not have is a dash.
"""

import argparse
import json
import math
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.timing import run
from calovox.report.style import SIMULATED_COLORS, style

TITLES = {
    "auc": "AUC",
    "central": "mean $\\chi^2$/ndf, 0.20 < |η| < 0.25",
    "transition": "mean $\\chi^2$/ndf, 0.75 < |η| < 0.85",
}
COLUMNS = {"auc": "AUC", "central": "chi2/ndf central", "transition": "chi2/ndf transition"}


def read_rows(n_showers, folder):
    """Give number of showers, name, and (value, error) by quantity, for each simulation."""
    numbers = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
    rows = {}
    for entry in (numbers["classifier"] or {"simulated": []})["simulated"]:
        rows.setdefault(entry["label"], {})["auc"] = entry["mean"], entry["error"]
    for result in numbers["energy_slices"]:
        for entry in result["averages"]:
            if entry["n_slices"]:
                value = entry["mean"], entry["error"]
                rows.setdefault(entry["label"], {})[result["eta_range"]["name"]] = value
    return [(n_showers, label, values) for label, values in rows.items()]


def print_rows(rows):
    print(f"{'showers':>9s}  {'simulation':24s}" + "".join(f"{t:>22s}" for t in COLUMNS.values()))
    for n_showers, label, values in rows:
        cells = [values.get(name, (math.nan, math.nan)) for name in COLUMNS]
        texts = [f"{v:.3f} +- {e:.3f}" if math.isfinite(v) else "-" for v, e in cells]
        print(f"{n_showers:9d}  {label:24s}" + "".join(f"{text:>22s}" for text in texts))


def draw(rows, path):
    labels = list(dict.fromkeys(label for _, label, _ in rows))
    figure = Figure(figsize=(11.0, 3.6), layout="constrained")
    for ax, (name, title) in zip(figure.subplots(1, 3), TITLES.items(), strict=True):
        for label, color in zip(labels, SIMULATED_COLORS, strict=False):
            points = sorted((n, *v[name]) for n, own, v in rows if own == label and name in v)
            if points:
                n, value, error = zip(*points, strict=True)
                ax.errorbar(n, value, error, fmt="o-", color=color, markersize=4)
        ax.axhline(0.5 if name == "auc" else 1.0, color="0.5", linestyle=":")
        sizes = sorted({n for n, _, _ in rows})
        ax.set_xscale("log")
        ax.set_xticks(sizes, [str(n) for n in sizes])
        ax.xaxis.set_minor_formatter("")
        ax.set_xlabel("Training showers")
        ax.set_ylabel(title)
    lines = [
        Line2D([], [], color=color, marker="o", label=label)
        for label, color in zip(labels, SIMULATED_COLORS, strict=False)
    ]
    figure.legend(handles=lines, loc="outside upper center", ncols=len(lines))
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", nargs="+", metavar="N=REPORT")
    parser.add_argument("--plot", type=Path, metavar="FILE.png")
    arguments = parser.parse_args()
    pairs = (text.split("=", 1) for text in arguments.reports)
    rows = sorted(
        (row for number, folder in pairs for row in read_rows(int(number), folder)),
        key=lambda row: row[:2],
    )
    print_rows(rows)
    if arguments.plot:
        with style():
            draw(rows, arguments.plot)


if __name__ == "__main__":
    run(main)
