"""Rates of Geant4 for different arrangements of the same shells, and of the steps after it.

Run with ``python -m bench.bench_geant4`` (needs Geant4 data). Every arrangement simulates the
same photons several times in turn; the fastest time of each counts. All arrangements hold the
accordion of `DetectorModel` in thick lead only, except "tree of 4, with thin lead", which is the
detector that ships.

Measured on one core of a shared 2-core virtual machine, 10 GeV photons at eta = 0.22:

| arrangement | ms per GeV | ratio | deposits per GeV | visible |
| --- | --- | --- | --- | --- |
| tree of 4, with thin lead | 8.51 | 1.00 | 1265 | 0.2211 |
| all shells side by side | 16.74 | 1.97 | 1265 | 0.2211 |
| argon tubes of 1 absorber | 10.72 | 1.26 | 1787 | 0.2232 |
| argon tubes of 4 absorbers | 9.47 | 1.11 | 1421 | 0.2255 |
| argon tubes of 8 absorbers | 9.67 | 1.14 | 1308 | 0.2198 |
| one argon tube | 16.43 | 1.93 | 1266 | 0.2197 |
| each shell inside the next | 10.58 | 1.24 | 1272 | 0.2225 |
| tree of 2 | 8.29 | 0.98 | 1265 | 0.2211 |
| tree of 3 | 8.18 | 0.96 | 1265 | 0.2211 |
| tree of 4 | 8.33 | 0.98 | 1265 | 0.2211 |
| tree of 6 | 8.45 | 0.99 | 1265 | 0.2211 |
| tree of 10 | 8.53 | 1.00 | 1265 | 0.2211 |
| flat slabs (not used) | 7.88 | 0.93 | 1288 | 0.2169 |
| tree of 4, 63 absorbers | 9.14 | 1.08 | 1383 | 0.2251 |
| tree of 4, 70 absorbers | 9.56 | 1.12 | 1456 | 0.2273 |

Deposits of a shell are the same in every arrangement that holds the same volumes (side by side
and all trees): only the time differs. Tubes of argon cut a gap in two and see other random
numbers. Branching of 2 to 10 makes no difference beyond the noise of 3 %.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.timing import run
from calovox.geant4 import DetectorModel, Response, deposits_to_hits
from calovox.geant4.detector import ENTRANCE_RADIUS, Shell
from calovox.geant4.engine import PHOTON, Deposits, _collect_deposits, build_simulation
from calovox.geant4.volumes import WORLD, detector_volumes
from calovox.geometry import atlas_barrel
from calovox.hits.merging import MergingRadii, merge_hits
from calovox.photons import Photons

CM = 0.1
ENERGY = 10e3
ETA = 0.22


def tube(shell: Shell, length: float, *, solid: bool = False) -> dict[str, Any]:
    shape = {"length": length * CM, "radius": shell.r_max * CM}
    if not solid:
        shape["thickness"] = (shell.r_max - shell.r_min) * CM
    role = {"role": "record_deposits"} if shell.sensitive else {}
    return {"material": shell.material, "cylinder": shape, **role}


def world(detector: DetectorModel, volumes: dict[str, Any]) -> dict[str, Any]:
    length = 2.0 * detector.z_range[1] * CM
    inside = {
        "material": "G4_Galactic",
        "role": "kill_ingoing",
        "cylinder": {"length": length, "radius": (ENTRANCE_RADIUS - 1.0) * CM},
    }
    return {
        WORLD: {"material": "G4_Galactic", "box": [600.0, 600.0, 1.1 * length]}
        | {"Inside": inside}
        | volumes,
        "materials": detector.materials(),
    }


def flat(detector: DetectorModel) -> dict[str, Any]:
    """Place all shells side by side."""
    length = 2.0 * detector.z_range[1]
    return world(detector, {shell.name: tube(shell, length) for shell in detector.shells()})


def grouped(detector: DetectorModel, size: int) -> dict[str, Any]:
    """Enclose several absorbers in a tube of liquid argon, which records."""
    length = 2.0 * detector.z_range[1]
    shells = detector.shells()
    volumes = {
        shell.name: tube(shell, length)
        for shell in shells
        if not shell.name.startswith(("Gap", "Absorber"))
    }
    absorbers = [shell for shell in shells if shell.name.startswith("Absorber")]
    edges = [detector.accordion[0] + i * detector.period for i in range(len(absorbers) + 1)]
    for start in range(0, len(absorbers), size):
        members = absorbers[start : start + size]
        stop = start + len(members)
        mother = Shell(f"Group{start}", edges[start], edges[stop], "AccordionGap", sensitive=True)
        volumes[mother.name] = tube(mother, length) | {
            shell.name: tube(shell, length) for shell in members
        }
    return world(detector, volumes)


def nested(detector: DetectorModel) -> dict[str, Any]:
    """Put every shell, as a full cylinder, inside the next one."""
    length = 2.0 * detector.z_range[1]
    inner: dict[str, Any] = {}
    for shell in detector.shells():
        inner = {shell.name: tube(shell, length, solid=True) | inner}
        if shell.r_min == ENTRANCE_RADIUS:
            vacuum = Shell("Entrance", 0.0, ENTRANCE_RADIUS, "G4_Galactic")
            inner[shell.name] |= {vacuum.name: tube(vacuum, length, solid=True)}
    return world(detector, inner)


def slabs(detector: DetectorModel) -> dict[str, Any]:
    """Replace the shells by flat slabs 2 m wide: a limit of what navigation can gain."""
    length = 2.0 * detector.z_range[1]
    volumes = {}
    for shell in detector.shells():
        volumes[shell.name] = tube(shell, length) | {
            "position": [0.5 * (shell.r_min + shell.r_max) * CM, 0.0, 0.0],
            "box": [(shell.r_max - shell.r_min) * CM, 200.0, length * CM],
        }
        del volumes[shell.name]["cylinder"]
    mother = {
        "material": "G4_Galactic",
        "box": [(detector.tile[1] - ENTRANCE_RADIUS) * CM, 200.0, length * CM],
        "position": [0.5 * (detector.tile[1] + ENTRANCE_RADIUS) * CM, 0.0, 0.0],
    }
    for volume in volumes.values():
        volume["position"][0] -= mother["position"][0]
    volumes = {"Slabs": mother | volumes}
    return world(detector, volumes)


def tree(detector: DetectorModel, branching: int) -> dict[str, Any]:
    """Enclose neighbouring shells in tubes, these in larger ones, and so on."""
    thick = _ThickLeadOnly(**vars(replace(detector, branching=branching)))
    return detector_volumes(thick, recording="sensitive")


class _ThickLeadOnly(DetectorModel):
    def shells(self) -> tuple[Shell, ...]:
        return tuple(replace(shell, material_beyond=None) for shell in super().shells())


@dataclass
class Timing:
    simulation: Any
    calzone: Any
    best: float = np.inf
    deposits: int = 0
    visible: float = 0.0

    def run(self, n_events: int) -> Deposits:
        particles = self.calzone.particles(n_events, pid=PHOTON, energy=ENERGY)
        direction = np.array([1.0, 0.0, np.sinh(ETA)])
        particles["position"] = direction * ENTRANCE_RADIUS * CM
        particles["direction"] = direction / np.cosh(ETA)
        positions = np.stack([np.arange(n_events), np.zeros(n_events)], axis=1).astype(np.uint64)
        start = time.process_time()
        result = self.simulation.run(particles, random_indices=positions)
        seconds = time.process_time() - start
        self.best = min(self.best, seconds * 1e3 / (n_events * ENERGY / 1e3))
        deposits = _collect_deposits(result.deposits, n_events)
        self.deposits = len(deposits.energy)
        self.visible = float(deposits.energy.sum() / (n_events * ENERGY))
        return deposits


def compare(cases: dict[str, Callable[[], dict[str, Any]]], n_events: int, rounds: int) -> None:
    import calzone

    timings = {
        name: Timing(build_simulation(make(), cut=0.1), calzone) for name, make in cases.items()
    }
    for _ in range(rounds):
        for timing in timings.values():
            best = timing.best
            timing.run(1)  # Geant4 closes the geometry in the first run after a change
            timing.best = best
            timing.run(n_events)
    reference = timings[next(iter(timings))].best
    print("| arrangement | ms per GeV | ratio | deposits per GeV | visible |")
    print("| --- | --- | --- | --- | --- |")
    for name, timing in timings.items():
        per_gev = timing.deposits / (n_events * ENERGY / 1e3)
        print(
            f"| {name} | {timing.best:.2f} | {timing.best / reference:.2f} | {per_gev:.0f} "
            f"| {timing.visible:.4f} |",
            flush=True,
        )


def bench_hits(n_events: int) -> None:
    """Time the steps after Geant4, per million of what goes in."""
    import calzone

    timing = Timing(
        build_simulation(detector_volumes(DetectorModel(), recording="sensitive"), cut=0.1),
        calzone,
    )
    deposits = timing.run(n_events)
    photons = Photons(
        np.full(n_events, ENERGY), np.full(n_events, ETA), np.zeros(n_events), np.arange(n_events)
    )
    for _ in range(2):
        start = time.process_time()
        hits = deposits_to_hits(deposits, photons, Response())
        middle = time.process_time()
        merged = merge_hits(hits, atlas_barrel(), MergingRadii.fine())
        stop = time.process_time()
    print(f"deposits to hits: {len(deposits.energy) / (middle - start) / 1e6:.1f} M deposits/s")
    print(f"merging: {hits.n_hits / (stop - middle) / 1e6:.1f} M hits/s")
    print(
        f"per GeV: {len(deposits.energy) / n_events / ENERGY * 1e3:.0f} deposits, "
        f"{hits.n_hits / n_events / ENERGY * 1e3:.0f} pieces, "
        f"{merged.n_hits / n_events / ENERGY * 1e3:.0f} hits"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    detector = DetectorModel()
    cases: dict[str, Callable[[], dict[str, Any]]] = {
        "tree of 4, with thin lead": lambda: detector_volumes(detector, recording="sensitive"),
        "all shells side by side": lambda: flat(detector),
        "argon tubes of 1 absorber": lambda: grouped(detector, 1),
        "argon tubes of 4 absorbers": lambda: grouped(detector, 4),
        "argon tubes of 8 absorbers": lambda: grouped(detector, 8),
        "one argon tube": lambda: grouped(detector, detector.n_absorbers),
        "each shell inside the next": lambda: nested(detector),
        "tree of 2": lambda: tree(detector, 2),
        "tree of 3": lambda: tree(detector, 3),
        "tree of 4": lambda: tree(detector, 4),
        "tree of 6": lambda: tree(detector, 6),
        "tree of 10": lambda: tree(detector, 10),
        "flat slabs (not used)": lambda: slabs(detector),
        "tree of 4, 63 absorbers": lambda: tree(replace(detector, n_absorbers=63), 4),
        "tree of 4, 70 absorbers": lambda: tree(replace(detector, n_absorbers=70), 4),
    }
    compare(cases, options.events, options.rounds)
    bench_hits(options.events)


if __name__ == "__main__":
    run(main)
