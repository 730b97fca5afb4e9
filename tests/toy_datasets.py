"""Fixtures of few toy showers: a reference, simulations of it, and datasets of them."""

from pathlib import Path

import numpy as np
import pytest

from calovox.binned_shower import voxels_to_hits
from calovox.dataset import DatasetWriter
from calovox.geometry import barrel_cells
from calovox.hits import Hits, HitsWriter
from calovox.photons import Photons
from calovox.reconstruction import hits_to_cells
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers

__all__ = ["datasets", "region_hits"]

N_EVENTS = 80


@pytest.fixture(scope="session")
def region_hits() -> Hits:
    """Toy showers of the central region."""
    rng = np.random.default_rng(1)
    photons = Photons(
        energy=rng.uniform(50e3, 95e3, N_EVENTS),
        eta=rng.choice([-1.0, 1.0], N_EVENTS) * rng.uniform(0.205, 0.245, N_EVENTS),
        phi=rng.uniform(-3.0, 3.0, N_EVENTS),
        index=np.arange(N_EVENTS),
    )
    return toy_showers(N_EVENTS, n_hits=400, photons=photons)


@pytest.fixture(scope="session")
def datasets(region_hits: Hits, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A reference, simulations on two grids, a dataset without cells, and a hits file."""
    folder = tmp_path_factory.mktemp("evaluation")
    table = barrel_cells()
    paths = {}
    for name in ("optimal", "regular"):
        grid = VoxelGrid.optimal() if name == "optimal" else VoxelGrid.regular()
        voxels = hits_to_voxels(region_hits, grid)
        hits = {name: voxels_to_hits(voxels, None, seed=1)}
        if name == "optimal":
            hits |= {"reference": region_hits, "without_cells": None}
        for label, simulated in hits.items():
            paths[label] = folder / f"{label}.h5"
            cells = None if simulated is None else hits_to_cells(simulated, table)
            with DatasetWriter(paths[label], grid, provenance={}, cell_table="barrel") as writer:
                writer.append(voxels, cells)
    paths["hits"] = folder / "hits.h5"
    with HitsWriter(paths["hits"], provenance={}) as writer:
        writer.append(region_hits[:5])
    return paths
