"""Sizes of CaloFast, and how it is made for showers."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.models.fast import CaloFast, FastTraining
from calovox.training.data.showers import ShowerFiles
from calovox.training.sizes.fast import FastRules, FastSizes, SimulatedNoise, simulated_noise
from calovox.training.sizes.kinds import read_sizes
from calovox.training.sizes.options import FastCriticOptions, FastOptions
from calovox.training.tasks import fast_task
from calovox.voxelization import VoxelGrid, hits_to_voxels
from calovox.voxelization.choice import choose_grid
from tests.export.toy_runs import toy_grid
from tests.toy_detector import showers_in, small_grid, three_layers
from tests.toy_showers import toy_showers

SIZES = FastSizes(8, 2, 6, 8, 2)
SIMULATED: dict[str, Any] = {"command": "simulate", "settings": {"seed": 4, "center": "photon"}}


def write(path: Path, provenance: dict[str, Any], *, n_events: int = 30) -> Path:
    energy = 2.0 ** np.linspace(10, 16, n_events)
    with DatasetWriter(path, toy_grid(), provenance=provenance) as writer:
        writer.append(hits_to_voxels(toy_showers(n_events, n_hits=50, energy=energy), toy_grid()))
    return path


def settings(**others: Any) -> dict[str, Any]:
    return SIMULATED | {"settings": SIMULATED["settings"] | others}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ShowerFiles:
    path = write(tmp_path_factory.mktemp("dataset") / "a.h5", SIMULATED)
    return ShowerFiles([DatasetReader(path)])


@pytest.mark.parametrize(
    "grid", [toy_grid(), choose_grid("compact"), small_grid(three_layers())], ids=repr
)
def test_a_model_has_the_voxels_of_the_grid(grid: VoxelGrid) -> None:
    model = SIZES.build(grid)
    assert isinstance(model, CaloFast)
    assert model.layer_sizes == grid.layer_sizes
    assert read_sizes("fast", asdict(SIZES)) == SIZES
    assert asdict(FastSizes()) == asdict(FastOptions())


def test_weights_depend_on_the_seed_alone(files: ShowerFiles) -> None:
    def weights(seed: int) -> torch.Tensor:
        lesson = FastRules(SIZES, SimulatedNoise(4)).make(files, seed=seed, reflect=False)
        return torch.cat([parameter.flatten() for parameter in lesson.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_a_model_is_made_for_the_photons_of_the_showers(files: ShowerFiles) -> None:
    lesson = FastRules(SIZES, SimulatedNoise(4)).make(files, seed=1, reflect=False)
    assert isinstance(lesson, FastTraining)
    assert lesson.seed == 4
    middle, stochastic, constant = lesson.model.energies.resolution
    assert 0.5 < middle < 1.0
    assert stochastic > 0.0
    assert constant > 0.0
    state = {name: values.shape for name, values in lesson.model.state_dict().items()}
    built = {name: values.shape for name, values in SIZES.build(files.grid).state_dict().items()}
    assert state == built  # what is stored can be loaded


def test_other_layers_can_be_learned(tmp_path: Path) -> None:
    detector, grid = three_layers(), small_grid(three_layers())
    with DatasetWriter(tmp_path / "a.h5", grid, provenance=SIMULATED) as writer:
        hits = showers_in(detector, 30, n_hits=90)
        writer.append(hits_to_voxels(hits, grid, detector=detector))
    others = ShowerFiles([DatasetReader(tmp_path / "a.h5")])
    lesson = FastRules(SIZES, SimulatedNoise(4)).make(others, seed=1, reflect=False)
    losses = lesson.eval().losses(others.read(np.arange(30)), torch.Generator())
    assert losses.keys() == {"energies", "voxels", "moments"}
    assert all(loss.isfinite() for loss in losses.values())


def test_only_a_model_of_random_weights_does_the_first_steps(files: ShowerFiles) -> None:
    showers = files.read(np.arange(10))
    for further in (False, True):
        lesson = FastRules(SIZES, SimulatedNoise(4), further=further).make(
            files, seed=1, reflect=False
        )
        assert ("scores" in lesson.train().losses(showers, torch.Generator())) != further


def test_reflected_showers_have_no_noise(files: ShowerFiles) -> None:
    with pytest.raises(ValueError, match="CaloFast: expected showers that are not reflected"):
        FastRules(SIZES, SimulatedNoise(4)).make(files, seed=1, reflect=True)


def test_a_seed_is_that_of_all_files(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{first}.h5", settings(first_event=first), n_events=3)
        for first in (0, 3)
    ]
    assert simulated_noise(paths) == SimulatedNoise(4)


@pytest.mark.parametrize(
    ("provenance", "match"),
    [
        ({}, "expected showers that `calovox simulate` made with a model"),
        ({"command": "voxelize", "settings": {}}, "expected showers that `calovox simulate` made"),
        (
            settings(matching="random") | {"library": {}},
            "expected showers that `calovox simulate`",
        ),
        (settings(center=None), "simulate them with --center photon"),
        (settings(center="centers.json"), "simulate them with --center photon"),
    ],
)
def test_showers_without_their_noise_are_refused(
    tmp_path: Path, provenance: dict[str, Any], match: str
) -> None:
    path = write(tmp_path / "a.h5", provenance, n_events=3)
    with pytest.raises(ValueError, match=match) as raised:
        simulated_noise([path])
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_files_of_several_seeds_are_refused(tmp_path: Path) -> None:
    first = write(tmp_path / "a.h5", SIMULATED, n_events=3)
    other = write(tmp_path / "b.h5", settings(seed=7), n_events=3)
    place: dict[str, Any] = {"data": (first,), "validation": (other,), "eta_range": (0.0, 1.35)}
    with pytest.raises(ValueError, match=r"--data, --validation: .* got seeds \[4, 7\]"):
        fast_task(FastOptions(), FastCriticOptions(), **place)
    task = fast_task(FastOptions(width=8), FastCriticOptions(), **place | {"validation": (first,)})
    assert task.sizes == FastSizes(width=8)


def test_voxels_of_simulated_hits_have_the_noise_of_the_simulation(tmp_path: Path) -> None:
    run = SIMULATED | {"n_shape_noise": 90}
    again = {"command": "voxelize", "settings": {"center": "photon"}, "hits": [run, run]}
    path = write(tmp_path / "a.h5", again, n_events=3)
    assert simulated_noise([path]) == SimulatedNoise(4, 90)
    plain = write(tmp_path / "b.h5", SIMULATED, n_events=3)
    with pytest.raises(ValueError, match="expected all showers as they were simulated, or"):
        simulated_noise([path, plain])
    drawn = settings(center=None) | {"n_shape_noise": 90}
    for k, wrong in enumerate(({"settings": {"center": "hits"}}, {"hits": [run, drawn]})):
        path = write(tmp_path / f"wrong_{k}.h5", again | wrong, n_events=3)
        with pytest.raises(ValueError, match="voxelize their hits with it, too"):
            simulated_noise([path])
