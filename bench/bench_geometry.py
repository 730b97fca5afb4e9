"""Rates of the geometry on one core, and their ratios, all taken in one run.

Run with ``python -m bench.bench_geometry [CaloCells.root]``. Points are scattered over the whole
barrel (the worst case for caches) or lie in one shower.
"""

import argparse
import math
from pathlib import Path

import numpy as np

from bench.timing import best_time, count, run
from calovox.geometry import (
    TableLookup,
    barrel_cells,
    layer_of_deposit,
    to_eta_phi,
    to_polar,
)
from calovox.geometry.alignment import aligned_barrel_cells
from calovox.geometry.barrel import BARREL_NUMBERS, read_barrel
from tests.reference.geometry import find_by_edges


def rate(function, *arguments):
    """Millions of points a second."""
    return len(arguments[0]) / best_time(lambda: function(*arguments), repeats=7) / 1e6


def find_by_numpy(layer, eta, phi):
    return find_by_edges(barrel_cells(), layer, eta, phi)


def print_lookups(samples, cells):
    arithmetic = barrel_cells().lookup().find
    finders = {
        "barrel, arithmetic": arithmetic,
        "barrel, TableLookup": TableLookup.from_table(barrel_cells()).find,
        "aligned barrel, TableLookup": aligned_barrel_cells().lookup().find,
        "barrel, numpy searchsorted": find_by_numpy,
    }
    if cells is not None:
        finders["CaloCells.root, TableLookup"] = read_barrel(cells).cells.lookup().find
    print(f"{'look-up':32s}" + "".join(f"{name:>24s}" for name in samples))
    for points in samples.values():
        assert np.array_equal(arithmetic(*points), find_by_numpy(*points))
    reference = {name: rate(arithmetic, *points) for name, points in samples.items()}
    for label, find in finders.items():
        rates = {name: rate(find, *points) for name, points in samples.items()}
        columns = [f"{r:.1f} M/s {r / reference[name]:7.2f} x" for name, r in rates.items()]
        print(f"{label:32s}" + "".join(f"{column:>24s}" for column in columns))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", nargs="?", type=Path, help="CaloCells.root")
    parser.add_argument("-n", type=int, default=count(1_000_000), help="number of points")
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    n = arguments.n
    layer = rng.choice(np.array(BARREL_NUMBERS, dtype=np.uint8), n)
    eta, phi = rng.uniform(-1.3, 1.3, n), rng.uniform(-math.pi, math.pi, n)
    shower = rng.normal(0.33, 0.02, n), rng.normal(1.0, 0.02, n)
    print_lookups(
        {"scattered": (layer, eta, phi), "one shower": (layer, *shower)}, arguments.cells
    )
    center = (0.3, 1.0, 1750.0)
    rates = {
        "layer_of_deposit": rate(layer_of_deposit, rng.uniform(1400, 2600, n), eta),
        "to_polar": rate(to_polar, *shower, *center),
        "to_eta_phi": rate(to_eta_phi, *to_polar(*shower, *center), *center),
    }
    for label, value in rates.items():
        print(f"{label:32s}{value:12.1f} M/s")


if __name__ == "__main__":
    run(main)
