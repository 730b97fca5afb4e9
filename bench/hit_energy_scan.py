"""How the mean energy of a hit, and the positions inside voxels, change the shower shapes.

Run with ``python -m bench.hit_energy_scan [DATASET SUB_VOXELS]``, by default on the shipped sample
and the optimal grid. Prints chi2/ndf against Geant4, perfect matching, one column per setting.
"""

import sys
from pathlib import Path

import numpy as np

from bench.lost_modulation import SAMPLE, lost_modulation
from bench.timing import run
from calovox.binned_shower import HitEnergy, read_sub_voxels
from calovox.dataset import DatasetReader
from calovox.geometry import barrel_cells
from calovox.reconstruction import (
    SHAPE_VARIABLES,
    Calibration,
    cells_to_shapes,
    concatenate_shapes,
)
from calovox.samples.regions import REGIONS
from calovox.scores.histograms import chi2_of_histograms, choose_edges, fill_histogram
from calovox.scores.statistics import split_floor
from calovox.simulation.simulate import simulate_voxels

ENERGIES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0)
BATCH = 500


def simulate(reader, chosen, probabilities, hit_energy, calibration, lost):
    voxels = reader.read()[chosen]
    batches = (voxels[start : start + BATCH] for start in range(0, len(voxels), BATCH))
    shapes = [
        cells_to_shapes(batch.cells, barrel_cells(), calibration=calibration)
        for batch in simulate_voxels(
            batches,
            probabilities,
            seed=1,
            table=barrel_cells(),
            hit_energy=hit_energy,
            phi_modulation=lost,
        )
    ]
    return concatenate_shapes(shapes)


def values_of(variable, shapes, voxels, region):
    values = np.asarray(variable.values(shapes))
    return region.rescale(values, voxels.incident_energy) if variable.is_energy else values


def print_region(region, reader, sub_voxels, calibration, lost):
    voxels = reader.read()
    chosen = np.flatnonzero(region.select(voxels.incident_energy, voxels.eta_center))
    if len(chosen) < 100:
        return
    voxels = voxels[chosen]
    cells = reader.cells(slice(None))
    reference = cells_to_shapes(cells, barrel_cells(), calibration=calibration)[chosen]
    settings = {f"{energy:g} MeV": (sub_voxels, HitEnergy(energy, energy)) for energy in ENERGIES}
    settings["uniform"] = (None, None)
    simulated = {
        name: simulate(reader, chosen, probabilities, hit_energy, calibration, lost)
        for name, (probabilities, hit_energy) in settings.items()
    }
    print(f"{region}: {len(chosen)} events")
    print(f"{'':8s} {'halves':>8s} " + " ".join(f"{name:>8s}" for name in simulated))
    for variable in SHAPE_VARIABLES:
        base = values_of(variable, reference, voxels, region)
        edges = choose_edges(base)
        histogram = fill_histogram(base, edges)
        floor = split_floor(base, edges, np.random.default_rng(1)).mean
        reduced = [
            chi2_of_histograms(
                histogram, fill_histogram(values_of(variable, shapes, voxels, region), edges)
            ).reduced
            for shapes in simulated.values()
        ]
        numbers = " ".join(f"{value:8.2f}" for value in (floor, *reduced))
        print(f"{variable.name:8s} {numbers}")


def main():
    dataset, side = (
        map(Path, sys.argv[1:3])
        if len(sys.argv) > 2
        else (SAMPLE / "photons_optimal.h5", SAMPLE / "sub_voxels_optimal.root")
    )
    reader = DatasetReader(dataset)
    calibration = Calibration.from_arrays(reader.attached("calibration"))
    sub_voxels, lost = read_sub_voxels(side, reader.grid), lost_modulation(reader)
    for region in REGIONS:
        print_region(region, reader, sub_voxels, calibration, lost)


if __name__ == "__main__":
    run(main)
