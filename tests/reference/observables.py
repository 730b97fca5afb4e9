"""Slow plain twins of the observables: one shower, one voxel and one cell at a time."""

import math
from typing import Any

SIZES = {0: (7, 3), 1: (49, 3), 2: (7, 9), 3: (5, 9), 12: (3, 3)}


def voxel_observables(energy: Any, incident: float, grid: Any, threshold: float) -> dict[str, Any]:
    """Observables of one shower by name, those of layers and of all of them."""
    found: dict[str, float] = {}
    voxels = [
        (int(layer), *map(float, edges))
        for layer, edges in zip(grid.layer, grid.edges, strict=True)
    ]
    kept = [float(e) if e >= threshold else 0.0 for e in energy]
    centers = {}
    for layer in (0, 1, 2, 3, 12, "all"):
        part = [v for v in range(len(voxels)) if layer in ("all", voxels[v][0])]
        of_layer = _part([kept[v] for v in part], [_place(voxels[v]) for v in part], incident)
        centers[layer] = of_layer["center_eta"], of_layer["center_phi"], of_layer["e"] > 0
        found |= {f"{name}_{layer}": value for name, value in of_layer.items()}
        found["e_tot" if layer == "all" else f"e_layer_{layer}"] = of_layer["e"]
        found[f"roughness_{layer}"] = _roughness(kept, part, voxels)
    for first, second in ((0, 1), (1, 2), (2, 3), (3, 12)):
        for axis, name in enumerate(("eta", "phi")):
            both = centers[first][2] and centers[second][2]
            move = centers[second][axis] - centers[first][axis]
            found[f"move_{name}_{first}_{second}"] = move if both else 0.0
    return found


def _place(voxel: tuple[float, ...]) -> tuple[float, float, float]:
    _, r_min, r_max, alpha_min, alpha_max = voxel
    r, alpha = 0.5 * (r_min + r_max), 0.5 * (alpha_min + alpha_max)
    return r * math.cos(alpha), r * math.sin(alpha), r


def _part(energy: list[float], places: list[Any], incident: float) -> dict[str, float]:
    total = sum(energy)
    found = {"e": total / incident}
    for axis, name in enumerate(("eta", "phi", "r")):
        mean = (
            sum(e * p[axis] for e, p in zip(energy, places, strict=True)) / total if total else 0
        )
        square = sum(e * (p[axis] - mean) ** 2 for e, p in zip(energy, places, strict=True))
        found[f"center_{name}"] = mean
        found[f"width_{name}"] = math.sqrt(square / total) if total else 0.0
    found["sparsity"] = sum(e == 0 for e in energy) / len(energy)
    for limit in (0.1, 1, 10):
        found[f"n_above_{limit:g}mev"] = sum(e > limit for e in energy)
    hot = sorted(energy, reverse=True)
    for n in (1, 5, 10):
        found[f"hottest_{n}"] = sum(hot[:n]) / total if total else 0.0
    for radius in (10, 30, 100):
        far = sum(e for e, p in zip(energy, places, strict=True) if p[2] > radius)
        found[f"beyond_{radius}mm"] = far / total if total else 0.0
    for axis, name in enumerate(("eta", "phi")):
        plus = sum(e for e, p in zip(energy, places, strict=True) if p[axis] > 1e-6)
        minus = sum(e for e, p in zip(energy, places, strict=True) if p[axis] < -1e-6)
        found[f"asymmetry_{name}"] = (plus - minus) / (plus + minus) if plus + minus else 0.0
    return found


def _roughness(kept: list[float], part: list[int], voxels: list[tuple[float, ...]]) -> float:
    difference = total = 0.0
    for v in part:
        for w in part:
            first, second = voxels[v], voxels[w]
            if first[:2] != second[:2]:
                continue
            gap = (second[3] - first[4]) % (2 * math.pi)
            if min(gap, 2 * math.pi - gap) < 1e-9:
                difference += abs(kept[v] - kept[w])
                total += kept[v] + kept[w]
    return difference / total if total else 0.0


def window(cells: dict[int, float], table: Any, layer: int) -> dict[tuple[int, int], float] | None:
    """Energies around the middle cell of a layer's window by steps in eta and phi."""
    hot = [row for row in cells if table.layer[row] == 2 and cells[row] > 0]
    if not hot:
        return None
    center = min(hot, key=lambda row: (-cells[row], row))
    middle = _nearest(center, table, layer)
    around = _around(cells, table, layer, middle)
    if layer == 1 and max(around.values(), default=0.0) > 0:
        best = max(around.values())
        steps = min(step for step, energy in around.items() if energy == best)
        eta = int(table.eta_index[middle]) + steps[0]
        middle = table.at(layer, eta, int(table.phi_index[middle]) + steps[1])
        around = _around(cells, table, layer, middle)
    return around


def _nearest(center: int, table: Any, layer: int) -> int:
    n_eta, n_phi = table.grid_shape(layer)
    along_eta = [float(table.eta[table.at(layer, i, 0)]) for i in range(n_eta)]
    along_phi = [float(table.phi[table.at(layer, 0, j)]) for j in range(n_phi)]
    eta, phi = float(table.eta[center]), float(table.phi[center])
    i = min(range(n_eta), key=lambda i: round(abs(along_eta[i] - eta), 9))
    gaps = [abs(other - phi) for other in along_phi]
    j = min(range(n_phi), key=lambda j: round(min(gaps[j], 2 * math.pi - gaps[j]), 9))
    return int(table.at(layer, i, j))


def _around(cells: Any, table: Any, layer: int, middle: int) -> dict[tuple[int, int], float]:
    n_eta, n_phi = SIZES[layer]
    found = {}
    for i in range(-(n_eta // 2), n_eta // 2 + 1):
        for j in range(-(n_phi // 2), n_phi // 2 + 1):
            row = table.at(
                layer, int(table.eta_index[middle]) + i, int(table.phi_index[middle]) + j
            )
            found[i, j] = cells.get(row, 0.0) if row >= 0 else 0.0
    return found


def second_maximum(profile: list[float]) -> tuple[float, float]:
    """Height of the highest strip that is a local maximum, and of the valley before it."""
    middle = len(profile) // 2
    best = (0.0, 0.0)
    for i in range(max(1, middle - 20), min(len(profile) - 1, middle + 20) + 1):
        inside = abs(i - middle) > 1
        if inside and profile[i] > 0 and profile[i - 1] < profile[i] > profile[i + 1]:
            low, high = min(i, middle), max(i, middle)
            valley = min(profile[low + 1 : high])
            if (profile[i], -valley) > (best[0], -best[1]):
                best = profile[i], valley
    return best
