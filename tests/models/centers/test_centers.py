"""Centres of showers about impacts: what was put in comes back, and files are kept."""

import json
from pathlib import Path

import numpy as np
import pytest

from calovox.models.centers import CenterFileError, CenterModel, CenterShowers, fit_centers
from calovox.models.centers.model import RADIUS
from calovox.voxelization import VoxelGrid, Voxels, hits_to_voxels
from tests.toy_showers import toy_showers

N_SHOWERS = 6000


def toy_centers(n=N_SHOWERS, seed=1):
    """Showers and offsets of a known law: s falls with energy, b rises with |eta|."""
    rng = np.random.default_rng(seed)
    showers = CenterShowers(
        log_energy=rng.uniform(8.0, 20.0, n),
        abs_eta=rng.uniform(0.0, 1.35, n),
        total=rng.normal(1.0, 0.02, n),
        presampler=rng.uniform(0.0, 0.05, n),
        moments=np.zeros((n, 2, 2)),
    )
    scale = 10.0 * 2.0 ** (-0.5 * (showers.log_energy - 8.0))
    showers.moments[:] = scale[:, None, None] * rng.normal(size=(n, 2, 2))
    offsets = scale[:, None] * rng.normal(size=(n, 2)) - 0.3 * showers.moments[:, 0]
    offsets[:, 0] += 0.8 * showers.abs_eta
    return showers, offsets, scale


@pytest.fixture(scope="module")
def model():
    showers, offsets, _ = toy_centers()
    return fit_centers(showers, offsets)


def test_scale_bias_and_pull_come_back(model):
    showers, _, scale = toy_centers(seed=2)
    assert np.median(np.abs(np.log(model.scale(showers) / scale))) < 0.05
    wide = model.bias_knots[1:]
    assert np.sqrt(np.mean((model.bias[1:] - 0.8 * wide) ** 2)) < 0.06
    assert model.pull[0].mean() == pytest.approx(-0.3, abs=0.03)
    assert model.pull[1].mean() == pytest.approx(0.0, abs=0.03)


def test_drawn_centres_have_the_law_of_the_showers(model):
    showers, offsets, scale = toy_centers(seed=3)
    noise = np.random.default_rng(4).normal(size=(N_SHOWERS, 2))
    drawn = model.sample(showers, noise)
    for axis in range(2):
        for low in (8, 12, 16):
            chosen = (showers.log_energy >= low) & (showers.log_energy < low + 4)
            real, ours = (values[chosen, axis] / scale[chosen] for values in (offsets, drawn))
            assert ours.std() == pytest.approx(real.std(), rel=0.05)
            assert ours.mean() == pytest.approx(real.mean(), abs=0.1)
            ours, real = ours - ours.mean(), real - real.mean()
            moments = showers.moments[chosen, 0, axis] / scale[chosen]
            assert (ours * moments).mean() == pytest.approx((real * moments).mean(), abs=0.1)


def test_the_shipped_centres_are_near_their_photons_whatever_the_shower():
    # one simulated photon of 256 MeV among 200 000 has no energy and a large normal number
    n = 200
    rng = np.random.default_rng(1)
    showers = CenterShowers(
        log_energy=np.full(n, 8.0),
        abs_eta=rng.uniform(0.0, 1.35, n),
        total=np.where(np.arange(n) % 2, 0.0, 1e-6),
        presampler=rng.uniform(0.0, 1.0, n),
        moments=rng.normal(scale=1e4, size=(n, 2, 2)),
    )
    model = CenterModel.read(Path(__file__).parents[3] / "sample" / "centers.json")
    offsets = model.sample(showers, rng.normal(scale=8.0, size=(n, 2)))
    assert np.abs(offsets).max() < RADIUS


def test_files_keep_the_numbers(model, tmp_path):
    model.write(tmp_path / "centers.json")
    back = CenterModel.read(tmp_path / "centers.json")
    showers, _, _ = toy_centers(20, seed=5)
    noise = np.random.default_rng(6).normal(size=(20, 2))
    assert back.sample(showers, noise) == pytest.approx(model.sample(showers, noise), abs=1e-3)
    with pytest.raises(FileExistsError):
        model.write(tmp_path / "centers.json")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": "other"}, "is no file of shower centres"),
        ({"version": 2}, "expected version 1"),
        ({"bias": [1.0]}, "damaged"),
        ({"bias": [float("nan")] * 14}, "damaged: CenterModel: expected `bias`"),
        ({"scale_total": [0.0, -1e3]}, "`scale_total` of numbers up to 10"),
        ({"levels": [1.0] * 29}, "`levels` must be two or more rising numbers"),
        ({"pull": "x"}, "damaged"),
        ({"provenance": None}, "damaged"),
    ],
)
def test_damaged_files_are_refused(model, tmp_path, change, match):
    path = tmp_path / "centers.json"
    model.write(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(CenterFileError, match=match):
        CenterModel.read(path)


def test_files_that_are_no_json_are_refused(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xff\x00")
    with pytest.raises(CenterFileError, match="is no file of shower centres"):
        CenterModel.read(tmp_path / "a.json")


def test_few_showers_are_refused():
    showers, offsets, _ = toy_centers(100)
    with pytest.raises(ValueError, match="expected 500 showers or more, got 100"):
        fit_centers(showers, offsets)


def test_barycentres_are_those_of_the_voxels():
    voxels = hits_to_voxels(toy_showers(5), VoxelGrid.optimal())
    showers = CenterShowers.from_voxels(voxels)
    assert showers.total == pytest.approx(voxels.total_fraction)
    part = voxels.grid.layer_slice(2)
    for event in range(5):
        total, along = 0.0, 0.0
        for voxel in range(part.start, part.stop):
            r = 0.5 * (voxels.grid.r_min[voxel] + voxels.grid.r_max[voxel])
            alpha = 0.5 * (voxels.grid.alpha_min[voxel] + voxels.grid.alpha_max[voxel])
            total += voxels.energy[event, voxel]
            along += voxels.energy[event, voxel] * r * np.cos(alpha)
        assert showers.moments[event, 1, 0] == pytest.approx(along / total, abs=1e-4)


def test_other_layers_are_refused():
    grid = VoxelGrid.optimal()
    bare = Voxels(grid, np.ones((1, 382), np.float32), np.ones(1), np.zeros(1))
    with pytest.raises(ValueError, match="expected the photons' directions"):
        CenterShowers.from_voxels(bare)
