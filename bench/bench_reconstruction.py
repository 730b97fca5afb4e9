"""Rates of the reconstruction on one core, and how much faster it is than its slow twins.

Run from the repository: ``python -m bench.bench_reconstruction``.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from bench.timing import best_time, count, run
from calovox.geometry.barrel import barrel_cells
from calovox.hits import Hits
from calovox.reconstruction import cells_to_shapes, fit_calibration, hits_to_cells
from tests.reference import shapes as slow
from tests.toy_showers import toy_showers

N_EVENTS = 1000
N_HITS = 8000
N_SLOW = 10
REPEATS = 5


def with_halo(hits: Hits) -> Hits:
    """Move half of the hits far away, so that events have as many cells as in Geant4."""
    rng = np.random.default_rng(1)
    distance = np.where(rng.random(hits.n_hits) < 0.5, 0.1, 0.0) * rng.normal(
        size=(2, hits.n_hits)
    )
    eta = (hits.eta + distance[0]).astype(np.float32)
    return replace(hits, eta=eta, phi=(hits.phi + distance[1]).astype(np.float32))


def main() -> None:
    table = barrel_cells()
    n_events = count(N_EVENTS)
    hits = with_halo(toy_showers(n_events, n_hits=count(N_HITS)))
    cells = hits_to_cells(hits, table)
    shapes = cells_to_shapes(cells, table)
    per_event = len(cells.cell) / len(cells)
    print(f"{n_events} events, {hits.n_hits / n_events:.0f} hits and {per_event:.0f} cells each")

    seconds = best_time(lambda: hits_to_cells(hits, table))
    rows = np.asarray(
        table.lookup().find(hits[:N_SLOW].layer, hits[:N_SLOW].eta, hits[:N_SLOW].phi)
    )
    slow_seconds = best_time(lambda: _slow_deposit(hits[:N_SLOW], rows))
    ratio = slow_seconds / N_SLOW * n_events / seconds
    print(
        f"hits_to_cells    {hits.n_hits / seconds / 1e6:8.1f} M hits/s    {ratio:6.0f} x slow twin"
    )

    slow_seconds = best_time(lambda: slow.shapes_of_cells(cells[:N_SLOW], table)) / N_SLOW
    for strip_rows in (1, 2):
        seconds = best_time(partial(cells_to_shapes, cells, table, strip_rows=strip_rows))
        ratio = slow_seconds * n_events / seconds
        name = f"cells_to_shapes, {strip_rows} strip row{'s' * (strip_rows > 1)}"
        print(f"{name} {n_events / seconds:8.0f} events/s    {ratio:6.0f} x slow twin")

    seconds = best_time(
        lambda: fit_calibration(shapes.cluster_energy, hits.photons.energy, shapes.cluster_eta)
    )
    print(f"fit_calibration  {n_events / seconds:8.0f} events/s")


def _slow_deposit(hits: Any, rows: np.ndarray) -> None:
    found = iter(rows.tolist())
    slow.deposit(hits, lambda layer, eta, phi: next(found))


if __name__ == "__main__":
    run(main)
