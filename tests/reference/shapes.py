"""Slow plain twins of the reconstruction: dictionaries, one event and one cell at a time."""

import math
from typing import Any

import numpy as np

LAYERS = (0, 1, 2, 3, 12)
SEARCH = 20


def deposit(hits: Any, find: Any) -> tuple[list[dict[int, float]], list[float]]:
    """Add up hits one by one; `find(layer, eta, phi)` gives the row of a cell or -1."""
    events, outside = [], []
    for event in range(len(hits)):
        cells: dict[int, float] = {}
        lost = 0.0
        for hit in range(hits.event_offsets[event], hits.event_offsets[event + 1]):
            row = find(hits.layer[hit], hits.eta[hit], hits.phi[hit])
            if row < 0:
                lost += float(hits.energy[hit])
            else:
                cells[row] = cells.get(row, 0.0) + float(hits.energy[hit])
        events.append(cells)
        outside.append(lost)
    return events, outside


class Event:
    """Energies of one event by (layer, eta index, phi index), and by row."""

    def __init__(self, cells: dict[int, float], table: Any) -> None:
        self.table = table
        self.rows = cells
        self.grid = {
            (int(table.layer[row]), int(table.eta_index[row]), int(table.phi_index[row])): energy
            for row, energy in cells.items()
        }
        self.n_phi = {layer: table.grid_shape(layer)[1] for layer in (1, 2)}

    def brightest(self, layer: int) -> tuple[int, int] | None:
        rows = [row for row in self.rows if self.table.layer[row] == layer and self.rows[row] > 0]
        if not rows:
            return None
        row = min(rows, key=lambda row: (-self.rows[row], row))
        return int(self.table.eta_index[row]), int(self.table.phi_index[row])

    def at(self, layer: int, i: int, j: int) -> float:
        return self.grid.get((layer, i, j % self.n_phi[layer]), 0.0)

    def window(self, layer: int, n_phi: int, n_eta: int) -> float:
        i, j = self.brightest(layer)
        return sum(
            self.at(layer, i + di, j + dj)
            for di in range(-(n_eta // 2), n_eta // 2 + 1)
            for dj in range(-(n_phi // 2), n_phi // 2 + 1)
        )


def ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else 0.0


def strip_profile(event: Event, rows: int) -> dict[int, float]:
    i, j = event.brightest(1)
    profile = {d: event.at(1, i + d, j) for d in range(-24, 25)}
    if rows == 2:
        sums = {dj: sum(event.at(1, i + d, j + dj) for d in range(-3, 4)) for dj in (-1, 1)}
        other = 1 if sums[1] > sums[-1] else -1
        profile = {d: energy + event.at(1, i + d, j + other) for d, energy in profile.items()}
    return profile


def is_maximum(profile: dict[int, float], d: int) -> bool:
    left = [profile[k] for k in range(d - 1, -25, -1) if profile[k] != profile[d]]
    right = [profile[k] for k in range(d + 1, 25) if profile[k] != profile[d]]
    return (not left or left[0] < profile[d]) and (not right or right[0] < profile[d])


def strip_shapes(profile: dict[int, float]) -> dict[str, float]:
    first = max(range(-SEARCH, SEARCH + 1), key=lambda d: (profile[d], d == 0, -d))
    candidates = []
    for d in range(-SEARCH, SEARCH + 1):
        between = [profile[k] for k in range(min(d, first) + 1, max(d, first))]
        if not between or profile[d] <= max(0.0, min(between)) or not is_maximum(profile, d):
            continue
        three = profile[d - 1] + profile[d + 1] + profile[d]
        candidates.append((three, profile[d], profile[d] - min(between)))
    _, e_2, delta_e = max(candidates, default=(0.0, 0.0, 0.0))
    seven = {d: profile[first + d] for d in range(-3, 4)}
    three = sum(profile[first + d] for d in (-1, 0, 1))
    moment = sum(energy * d * d for d, energy in seven.items())
    return {
        "delta_e": delta_e,
        "e_ratio": ratio(profile[first] - e_2, profile[first] + e_2),
        "w_eta1": math.sqrt(max(0.0, ratio(moment, sum(seven.values())))),
        "fracs1": ratio(sum(seven.values()) - three, three),
    }


def cluster(event: Event) -> tuple[list[float], float]:
    table = event.table
    i, j = event.brightest(2)
    center = int(table.index_grid(2)[i, j])
    sums = dict.fromkeys(LAYERS, 0.0)
    weight = weighted = 0.0
    for row, energy in event.rows.items():
        d_phi = math.remainder(table.phi[row] - table.phi[center], 2 * math.pi)
        in_eta = abs(table.eta[row] - table.eta[center]) <= (
            1.5 * table.d_eta[center] + 0.1 * table.d_eta[row]
        )
        if in_eta and abs(d_phi) <= 3.5 * table.d_phi[center] + 0.1 * table.d_phi[row]:
            sums[int(table.layer[row])] += energy
            if table.layer[row] == 2 and energy > 0:
                weight += energy
                weighted += energy * table.eta[row]
    return list(sums.values()), weighted / weight


def shapes(cells: dict[int, float], table: Any, *, strip_rows: int = 1) -> dict[str, Any]:
    """Compute all shower shapes of one event."""
    event = Event(cells, table)
    layer_energy = [
        sum(energy for row, energy in cells.items() if table.layer[row] == layer)
        for layer in LAYERS
    ]
    result: dict[str, Any] = {
        "e_raw": sum(layer_energy),
        "f1": ratio(layer_energy[1], sum(layer_energy)),
        "layer_energy": layer_energy,
        "has_strips": event.brightest(1) is not None,
        "has_middle": event.brightest(2) is not None,
    }
    result |= dict.fromkeys(("delta_e", "e_ratio", "w_eta1", "fracs1"), 0.0)
    result |= dict.fromkeys(("r_phi", "r_eta", "r_phi_atlas", "r_eta_atlas", "cluster_eta"), 0.0)
    result["cluster_energy"] = [0.0] * 5
    if result["has_strips"]:
        result |= strip_shapes(strip_profile(event, strip_rows))
    if result["has_middle"]:
        e_33, e_37 = event.window(2, 3, 3), event.window(2, 3, 7)
        e_73, e_77 = event.window(2, 7, 3), event.window(2, 7, 7)
        result["r_phi"], result["r_eta"] = ratio(e_37, e_77), ratio(e_33, e_37)
        result["r_phi_atlas"], result["r_eta_atlas"] = ratio(e_33, e_73), ratio(e_73, e_77)
        result["cluster_energy"], result["cluster_eta"] = cluster(event)
    return result


def shapes_of_cells(cells: Any, table: Any, *, strip_rows: int = 1) -> list[dict[str, Any]]:
    """Compute the shower shapes of every event of some `CellEnergies`."""
    events = []
    for event in range(len(cells)):
        entries = slice(int(cells.event_offsets[event]), int(cells.event_offsets[event + 1]))
        energies = {
            int(row): float(energy)
            for row, energy in zip(cells.cell[entries], cells.energy[entries], strict=True)
        }
        events.append(shapes(energies, table, strip_rows=strip_rows))
    return events


def as_array(events: list[dict[str, Any]], name: str) -> np.ndarray:
    return np.array([event[name] for event in events])
