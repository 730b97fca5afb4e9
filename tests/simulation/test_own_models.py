"""Models of other packages: found by their entry points, in simulations and in reports."""

import sys
from dataclasses import dataclass, field

import numpy as np
import pytest
from typer.testing import CliRunner

from calovox.cli import app
from calovox.dataset import DatasetReader
from calovox.simulation.own_models import OwnModel, OwnModelError, find_own_model, load_model
from calovox.voxelization import VoxelGrid

PACKAGE = """
import numpy as np
from calovox.simulation.own_models import OwnModel
from calovox.voxelization import VoxelGrid

class Flat:
    grid = VoxelGrid.optimal()
    energy_range, eta_range, noise_shape = (1e3, 1e6), (0.0, 1.3), (2,)

    def sample(self, conditions, noise):
        shares = np.full((len(conditions.energy), self.grid.n_voxels), 0.9 / self.grid.n_voxels)
        return shares * np.exp(0.05 * noise[:, :1])

def electrons():
    return OwnModel(Flat(), particle="electron", name="never shown")

def broken():
    return object()
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package with a model, a damaged one, and one that is not there."""
    (tmp_path / "flat_showers.py").write_text(PACKAGE)
    info = tmp_path / "flat_showers-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: flat-showers\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text(
        "[calovox.samplers]\nflat = flat_showers:Flat\nbroken = flat_showers:broken\n"
        "electrons = flat_showers:electrons\n"
        "lost = flat_showers:lost\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("flat_showers", None)


@dataclass
class Toy:
    grid: VoxelGrid = field(default_factory=VoxelGrid.optimal)
    energy_range: tuple = (1e3, 1e6)
    eta_range: tuple = (0.0, 1.3)
    noise_shape: tuple = (3,)
    width: int = 382

    def sample(self, conditions, noise):
        return np.zeros((len(conditions.energy), self.width))


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)])


PHOTONS = ("--energy", "65GeV", "--eta", "0.2", "-n", 4)


def test_simulate_finds_the_model_of_another_package(package):
    result = run("simulate", "--model", "flat", *PHOTONS, "--cells", "-o", "new.h5")
    assert result.exit_code == 0, result.output
    reader = DatasetReader(package / "new.h5")
    assert reader.read().total_fraction == pytest.approx(np.full(4, 0.9), rel=0.3)
    assert len(set(reader.read().total_fraction.tolist())) == 4
    assert reader.provenance["own_model"] == {
        "model": "flat",
        "entry_point": "flat_showers:Flat",
        "package": "flat-showers 1.5",
    }


@pytest.mark.usefixtures("package")
def test_a_model_of_another_package_says_its_particle():
    model = find_own_model("electrons")
    assert (model.name, model.particle) == ("electrons", "electron")


@pytest.mark.usefixtures("blank_pictures")
def test_evaluate_simulates_the_photons_of_the_reference(package, datasets):
    words = ("evaluate", datasets["reference"], "mine=flat", "--referee", "none", "-o", "report")
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert (package / "report" / "index.html").is_file()
    simulated = DatasetReader(package / "report.mine.h5")
    reference = DatasetReader(datasets["reference"])
    np.testing.assert_array_equal(simulated.incident_energy(), reference.incident_energy())
    assert simulated.cell_table is not None


def test_photons_outside_of_its_range_are_refused(package):
    result = run("simulate", "--model", "flat", *PHOTONS, "--eta", "1.35", "-o", "new.h5")
    assert result.exit_code == 2
    assert "1000 to 1000000 MeV at |eta| 0 to 1.3" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "broken: expected a sampler with `grid`, .* got object"),
        ("lost", "lost: flat_showers:lost cannot be imported"),
    ],
)
def test_models_that_cannot_be_used_are_refused(package, name, message):
    with pytest.raises(OwnModelError, match=message):
        find_own_model(name)


def test_a_model_of_another_package_is_not_for_our_accelerators(package):
    with pytest.raises(OwnModelError, match="flat is a model of another package: leave it out"):
        load_model("flat", "cuda")


def test_models_of_other_packages_are_named_where_one_is_missing(package):
    with pytest.raises(
        FileNotFoundError, match=r"another package \(broken, electrons, flat, lost\)"
    ):
        load_model("flatt")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("eta_range=(1.0, 0.0)", "numbers that rise from 0 or more as `eta_range`"),
        ("energy_range=(0.0, math.inf)", "`energy_range`"),
        ("noise_shape=(2, 3)", "one number in `noise_shape`"),
        ("grid='optimal'", "expected a VoxelGrid as `grid`, got str"),
    ],
)
def test_samplers_that_contradict_themselves_are_refused(package, changes, message):
    with (package / "flat_showers.py").open("a") as file:
        file.write(f"import math\nbroken = type('Odd', (Flat,), dict({changes}))\n")
    with pytest.raises(OwnModelError, match=f"broken: .*{message}"):
        find_own_model("broken")


def test_voxels_of_another_grid_are_refused():
    model = OwnModel(Toy(width=7), name="toy")
    energy, eta = np.full(2, 65e3), np.full(2, 0.2)
    with pytest.raises(OwnModelError, match=r"toy: expected voxels of shape \(2, 382\)"):
        model.sample(energy, eta, np.zeros((2, 3), dtype=np.float32))
