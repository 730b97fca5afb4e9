"""The models that come with the package."""

from pathlib import Path

import numpy as np
import pytest

from calovox.dataset import DatasetReader
from calovox.photons import draw_photons, parse_energies, parse_etas
from calovox.runtime import load_models
from calovox.simulation.sampling import photons_to_voxels
from calovox.voxelization import VoxelGrid

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample"
NAMES = ("calocfm", "calodit_teacher", "calodit", "calofast")
HIGHEST = 2097152.0  # MeV


@pytest.mark.parametrize("name", NAMES)
def test_the_barrel_is_covered(name: str) -> None:
    models = load_models(name)
    energy = np.array([256.0, HIGHEST, 255.0, 2.1e6, 65e3, 65e3])
    eta = np.array([0.0, -1.35, 0.0, 0.0, 0.7, 1.36])
    assert models.in_range(energy, eta).tolist() == [True, True, False, False, True, False]
    assert models.grid.n_voxels == 382


def test_the_gan_covers_the_slices_of_the_figures_and_nothing_else() -> None:
    models = load_models("fastcalogan")
    eta = np.array([0.0, -0.04, 0.1, 0.22, 0.5, -0.78, 0.81, 1.3])
    covered = [True, True, False, True, False, True, False, False]
    assert models.in_range(np.full(8, 65e3), eta).tolist() == covered
    assert models.grid == VoxelGrid.from_toml(ROOT / "grids" / "fastcalogan.toml")
    assert models.phi_modulation is None


@pytest.mark.skipif(not (SAMPLE / "photons_scan.h5").exists(), reason="needs the sample")
@pytest.mark.parametrize("name", NAMES)
def test_visible_energies_are_those_of_geant4(name: str) -> None:
    reader = DatasetReader(SAMPLE / "photons_scan.h5")
    energy = reader.incident_energy()
    values, counts = np.unique(energy, return_counts=True)
    values = values[counts >= 400]
    rows = np.concatenate([np.flatnonzero(energy == value)[:200] for value in values])
    models = load_models(name)
    showers = photons_to_voxels(models, reader.photons()[rows], seed=7)
    simulated = np.concatenate([batch.energy.sum(axis=1) for batch in showers])
    reference, energy = reader.read().energy.sum(axis=1)[rows], energy[rows]
    for value in values:
        chosen = energy == value
        spread = reference[chosen].std()
        shift = simulated[chosen].mean() - reference[chosen].mean()
        assert abs(shift) < 0.4 * spread  # 200 showers each: 0.1 of the spread is chance
        assert simulated[chosen].std() == pytest.approx(spread, rel=0.25)


@pytest.mark.parametrize("n_photons", [2000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NAMES)
def test_showers_have_neither_nan_nor_infinity_nor_negative_energy(
    name: str, n_photons: int
) -> None:
    models = load_models(name, n_threads=2)
    photons = draw_photons(
        np.arange(n_photons),
        energy=parse_energies(f"log:256MeV:{HIGHEST}MeV"),
        eta=parse_etas("abs:0:1.35"),
        seed=1,
    )
    n_showers = 0
    # `photons_to_voxels` refuses such energies: to arrive is to pass
    for batch in photons_to_voxels(models, photons, seed=1):
        assert np.isfinite(batch.energy).all()
        assert batch.energy.min() >= 0.0
        n_showers += len(batch)
    assert n_showers == n_photons


@pytest.mark.parametrize("name", [*NAMES, "fastcalogan"])
def test_files_hold_no_path_of_the_machine_that_made_them(name: str) -> None:
    for model in load_models(name).models:
        content = model.path.read_bytes()
        assert b"site-packages" not in content
        assert b"/src/calovox" not in content
