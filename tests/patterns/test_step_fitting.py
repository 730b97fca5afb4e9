from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from calovox.hits import Hits
from calovox.patterns import DensityStep, PatternMaker, voxels_to_pattern_hits
from calovox.patterns.step_fitting import LEAST_SHOWERS, StepFit, WantedStep, collect_patterns
from calovox.photons import Photons
from calovox.voxelization import Ring, VoxelGrid, hits_to_voxels

GRID = VoxelGrid({layer: (Ring(0.0, 200.0, 200.0, 4),) for layer in (2, 3)})


@cache
def showers_at(eta, *, n_events=60, ratio=1.0, seed=1, n_hits=2000):
    """Showers at one |eta|, 40 mm wide, with a step of the density at 0.8 in layer 3."""
    rng = np.random.default_rng(seed)
    signs, phi = rng.choice([-1.0, 1.0], n_events), rng.uniform(-3.0, 3.0, n_events)
    photons = Photons(np.full(n_events, 65e3), eta * signs, phi, np.arange(n_events))
    layer = np.tile(np.array([2, 3], dtype=np.uint8), n_events * n_hits // 2)
    d_eta, d_phi = rng.normal(scale=40.0 / 1900.0, size=(2, len(layer)))
    hit_eta = np.repeat(photons.eta, n_hits) + d_eta
    beyond = (layer == 3) & (np.abs(hit_eta) >= 0.8)
    scale = np.repeat(rng.uniform(0.3, 3.0, n_events), n_hits)
    energy = scale * rng.exponential(size=len(layer)) * np.where(beyond, ratio, 1.0)
    radius = np.full(len(layer), 1900.0)
    hit_phi = np.repeat(photons.phi, n_hits) + d_phi
    columns = [column.astype(np.float32) for column in (hit_eta, hit_phi, radius, energy)]
    return Hits(layer, *columns, n_hits * np.arange(n_events + 1), photons)


def make():
    return PatternMaker(GRID, center="photon")


@cache
def library():
    maker = make()
    maker.add(showers_at(0.3, n_events=300, seed=2))
    return maker.library()


@pytest.mark.parametrize("ratio", [0.15, 4.0])
def test_the_step_of_showers_is_found(ratio):
    fit = StepFit(3, 0.8, center="photon")
    for eta in (0.785, 0.8, 0.81):
        fit.add(showers_at(eta, ratio=ratio), library())
    fit.add(showers_at(0.3), library())  # too far away to count
    step = fit.step()
    assert (step.layer, step.abs_eta, fit.n_showers) == (3, 0.8, 180)
    assert step.ratio == pytest.approx(ratio, rel=0.1)


def test_showers_of_few_hits_are_placed_as_they_were():
    maker, fit = make(), StepFit(3, 0.8, center="photon")
    maker.add(showers_at(0.3, n_events=3000, n_hits=6, seed=4))
    hits = showers_at(0.79, ratio=0.15, n_events=3000, n_hits=6, seed=3)
    fit.add(hits, maker.library())
    library = replace(maker.library(), steps=(fit.step(),))
    voxels = hits_to_voxels(hits, GRID, center="photon")
    placed, _ = voxels_to_pattern_hits(voxels, library, seed=1)
    found, expected = (
        one.energy[(one.layer == 3) & (np.abs(one.eta) >= 0.8)].sum() for one in (placed, hits)
    )
    assert found == pytest.approx(expected, rel=0.1)


def test_showers_count_by_their_weights():
    light, heavy = showers_at(0.79, ratio=0.2), showers_at(0.79, ratio=3.0)
    fits = [StepFit(3, 0.8, center="photon") for _ in range(2)]
    for fit, weight in zip(fits, (1e-6, 1e6), strict=True):
        fit.add(light, library())
        weights = np.full(len(heavy), weight)
        fit.add(replace(heavy, photons=replace(heavy.photons, weight=weights)), library())
    assert fits[0].step().ratio == pytest.approx(0.2, rel=0.15)
    assert fits[1].step().ratio == pytest.approx(3.0, rel=0.15)


def test_steps_of_a_library_are_those_of_its_showers():
    parts = [showers_at(0.3, n_events=300, seed=2), showers_at(0.785, ratio=0.15)]
    made = collect_patterns(lambda title: parts, make, [WantedStep(3, 0.8), WantedStep(2, 0.8)])
    assert [step.layer for step in made.steps] == [3, 2]
    assert made.steps[0].ratio == pytest.approx(0.15, rel=0.3)  # some patterns know of it
    assert made.steps[1].ratio == pytest.approx(1.0, rel=0.1)
    assert made.meta["step_showers"] == [{"n_showers": 60}, {"n_showers": 60}]
    maker = make()
    for part in parts:
        maker.add(part)
    assert np.array_equal(made.energy, maker.library().energy)
    assert collect_patterns(lambda title: parts, make).steps == ()


def test_a_given_ratio_is_taken_as_it_is():
    parts = [showers_at(0.3, n_events=300, seed=2), showers_at(0.785, ratio=0.15)]
    made = collect_patterns(
        lambda title: parts, make, [WantedStep(2, 0.8, 0.5), WantedStep(3, 0.8)]
    )
    alone = collect_patterns(lambda title: parts, make, [WantedStep(3, 0.8)])
    assert made.steps == (DensityStep(2, 0.8, 0.5), *alone.steps)
    assert made.meta["step_showers"] == [{"n_showers": 0}, {"n_showers": 60}]


def test_too_few_showers_near_a_step_are_refused():
    fit = StepFit(3, 0.8, center="photon")
    fit.add(showers_at(0.79)[: LEAST_SHOWERS - 1], library())
    with pytest.raises(ValueError, match=r"layer 3 at .eta. 0.8: expected 20 showers .*, got 19"):
        fit.step()


@pytest.mark.parametrize(("eta", "ratio"), [(0.79, 0.0), (0.72, 0.0)])
def test_showers_without_energy_beyond_a_step_are_refused(eta, ratio):
    fit = StepFit(3, 0.8, center="photon")
    fit.add(showers_at(eta, ratio=ratio), library())
    with pytest.raises(ValueError, match=r"got none that leaves .* % of the energy beyond it"):
        fit.step()


def test_steps_are_dataclasses_of_places():
    assert str(DensityStep(3, 0.8, 0.12)) == "0.12 times the density in layer 3 beyond |eta| 0.8"
