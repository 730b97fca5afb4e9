"""The referee on samples: one law at the floor, each fault in its row, photons matched."""

from dataclasses import replace

import numpy as np
import pytest

from calovox.samples.observables.pairs import ObservedPair, common_rows, pair_showers
from calovox.scores.referee import DEPTHS, judge_samples, score_largest, score_referee, trees
from calovox.scores.referee.kinds import KINDS, NOISE_SEEDS, inputs_of, observables_of
from calovox.scores.table import Scores
from tests.toy_observed import ToySource, lossy, shifted, toy_cells, toy_observed


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch):
    pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'calovox[plot]'")
    monkeypatch.setitem(trees.TREES, "max_features", 1.0)


def judge(*samples, noise=False, **changes):
    depth = replace(DEPTHS["quick"], **{"n_trees": 15, "seen_trees": 15, "n_alone": 0, **changes})
    observed = {"Geant4": samples[0]} | {f"{k}": s for k, s in enumerate(samples[1:], start=1)}
    sources = {label: ToySource(showers) for label, showers in observed.items()}
    return judge_samples(observed, sources, depth, noise=noise)


@pytest.fixture(scope="module")
def cells():
    return toy_cells(1), toy_cells(2)


def pair(first, second):
    found = pair_showers(first, second, (ToySource(first), ToySource(second)))
    assert isinstance(found, ObservedPair), found
    return found


def test_seeds_of_one_model_are_at_the_floor():
    result = judge(toy_observed(1), toy_observed(2), toy_observed(3))
    rows = score_referee(result).rows
    assert {(row.sample, row.feature) for row in rows} == {
        (sample, "voxel observables") for sample in "12"
    }
    for row in rows:
        assert abs(row.value - 0.5) < 3.5 * row.uncertainty
        assert abs(row.floor - 0.5) < 3.5 * row.floor_uncertainty
    assert all("all cells, noise" in line for line in result.missing)


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (shifted, ("center_eta_2", "asymmetry_eta_2", "move_eta")),
        (lossy, ("n_above", "roughness")),
    ],
)
def test_a_spoilt_model_is_caught_by_the_right_row(spoil, names):
    result = judge(toy_observed(1), toy_observed(2, spoil=spoil))
    (bound,) = score_largest(score_referee(result))
    assert bound.feature == "trees: voxel observables"
    assert bound.value > 0.65
    assert bound.p_value < 1e-6
    (seen,) = result.samples[0].seen
    assert any(entry.observable.name.startswith(names) for entry in seen.observables[:3])
    drawn = {worst.observable.name for worst in result.worst}
    assert seen.observables[0].observable.name in drawn


def test_cells_have_a_test_of_each_kind(cells):
    few = {"curves": (), "n_trees": 2, "seen_trees": 2, "n_alone": 0}
    result = judge(*cells, noise=True, kinds=KINDS, **few)
    (verdict,) = result.samples
    assert [test.inputs for test in verdict.tests] == list(KINDS)
    assert result.floors == {}  # of so few showers there are no halves
    quiet = judge(*cells, kinds=("cell observables, noise", "voxel observables"), **few)
    assert [test.inputs for test in quiet.samples[0].tests] == ["voxel observables"]


def test_parts_of_inputs_lack_what_they_are_named_after(cells):
    def table(kind):
        return observables_of(kind, cells[0], threshold=1.0, noise_seed=1)

    whole, part = table("voxels"), table("voxels without D")
    assert set(part.names) < set(whole.names)
    assert not any("center" in name or "asymmetry" in name for name in part.names)
    shapes = {"f1", "delta_e", "e_ratio", "w_eta1", "fracs1", "r_phi", "r_eta", "cells_e_all"}
    assert set(table("shower shapes").names) == shapes


def test_parts_of_inputs_have_no_floor_and_are_not_the_largest():
    kinds = ("voxel observables", "voxels without D")
    rows = score_referee(judge(toy_observed(1), toy_observed(2, spoil=lossy), kinds=kinds))
    whole, part = (row for kind in kinds for row in rows.select(feature=kind))
    assert np.isfinite(whole.floor)
    assert np.isnan(part.floor)
    better = Scores((whole, replace(part, value=1.0)))
    (bound,) = score_largest(better)
    assert bound.feature == "trees: voxel observables"


def test_noise_differs_between_the_samples_even_of_the_same_showers(cells):
    same, seeds = pair(cells[0], cells[0]), NOISE_SEEDS
    for kind in ("all cells, noise", "all cells"):
        first, second = (
            inputs_of(kind, part, same.photon_numbers[0], threshold=1.0, noise_seed=seed)
            for part, seed in zip((same.reference, same.simulated), seeds, strict=True)
        )
        equal = np.array_equal(first.features, second.features)
        assert equal == (kind == "all cells")


def test_samples_are_matched_by_photon_whatever_their_order(cells):
    order = np.random.default_rng(1).permutation(120)
    found = pair(cells[0], cells[1][order])
    assert found.same_photons
    np.testing.assert_array_equal(found.simulated.index, found.reference.index)
    np.testing.assert_array_equal(found.simulated.fraction, cells[1].fraction)
    numbers = found.photon_numbers
    np.testing.assert_array_equal(numbers[0], numbers[1])


def test_of_a_sample_with_some_of_the_photons_these_are_compared(cells):
    part, other = cells[1][np.arange(30, 120)], cells[1][np.arange(100)]
    pairs = [pair(cells[0], part), pair(cells[0], other)]
    assert [len(found.reference) for found in pairs] == [90, 100]
    common = common_rows(cells[0], pairs)
    np.testing.assert_array_equal(common, np.arange(30, 100))
    for found in pairs:
        chosen = found.simulated.index[found.inside(common)]
        np.testing.assert_array_equal(chosen, cells[0].index[common])


def test_the_same_photons_are_drawn_from_samples_of_other_sizes(cells):
    whole, part = pair(cells[0], cells[1]), pair(cells[0], cells[1][np.arange(80)])
    drawn = whole.at_most(40)
    assert len(drawn.reference) == len(drawn.simulated) == 40
    np.testing.assert_array_equal(drawn.reference.index, drawn.simulated.index)
    wanted = set(drawn.reference.index) & set(range(80))
    assert wanted <= set(part.at_most(40).reference.index)


def test_independent_photons_of_one_spectrum_are_compared_as_they_are():
    other = toy_observed(2)
    other = replace(other, index=other.index + 1000)
    found = pair(toy_observed(1), other)
    assert not found.same_photons
    assert len(set(np.concatenate(found.photon_numbers))) == 800


def test_photons_of_another_spectrum_are_named_not_judged():
    other = toy_observed(2)
    other = replace(other, index=other.index + 1000, energy=2.0 * other.energy)
    result = judge(toy_observed(1), other)
    assert result.samples == ()
    (line,) = result.missing
    assert line.startswith("Referee: 1: expected the distribution of energy of its reference")


def test_a_direction_is_that_of_the_reference_for_its_own_photons(cells):
    first = cells[0]
    moved = replace(cells[1], photons=replace(cells[1].photons, eta=cells[1].photons.eta + 0.01))
    assert pair(first, moved).simulated.photons is not None
    np.testing.assert_array_equal(pair(first, moved).simulated.photons.eta, first.photons.eta)
