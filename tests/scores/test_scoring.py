from dataclasses import replace

import numpy as np
import pytest

from calovox.dataset import DatasetWriter, read_dataset
from calovox.samples.bins import ALL
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import read_samples
from calovox.samples.source import open_sample
from calovox.scores.gates.gates import Gate, check_gates
from calovox.scores.scoring import score_samples
from calovox.voxelization import concatenate_voxels
from tests.toy_calochallenge import toy_challenge, write_binning, write_showers

N_EVENTS = 800


def score(reference, simulated, **files):
    return score_samples(
        read_samples(EvaluationFiles(reference=reference, simulated=simulated, **files))
    )


@pytest.fixture(scope="module")
def challenge(tmp_path_factory):
    """A reference, a sample like it, and one with energy moved between the layers."""
    folder = tmp_path_factory.mktemp("challenge")
    write_binning(folder / "binning.xml")
    for seed, (name, shift) in enumerate({"reference": 0.0, "same": 0.0, "moved": 0.03}.items()):
        write_showers(folder / f"{name}.hdf5", *toy_challenge(N_EVENTS, seed=seed, shift=shift))
    return folder


@pytest.fixture(scope="module")
def scoring(challenge):
    samples = {name: [challenge / f"{name}.hdf5"] for name in ("same", "moved")}
    binning = challenge / "binning.xml"
    return score([challenge / "reference.hdf5"], samples, binning=binning)


def failing(scores, **gate):
    return {
        outcome.sample for outcome in check_gates((Gate(**gate),), scores) if not outcome.keeps
    }


@pytest.mark.parametrize(
    "gate",
    [
        {"metric": "chi2_ndf", "p_value": 0.001},
        {"metric": "separation", "above_floor": 0.0},
        {"metric": "wasserstein", "above_floor": 0.0},
        {"metric": "ks", "above_floor": 0.0},
        {"metric": "frechet", "above_floor": 0.0},
        {"metric": "coverage", "below_floor": 0.02},
    ],
)
def test_a_sample_like_the_reference_keeps_every_gate(scoring, gate):
    assert "same" not in failing(scoring.scores, **gate)


def test_a_moved_sample_fails_the_gate_of_what_was_moved(scoring):
    scores = scoring.scores
    for metric in ("chi2_ndf", "ks", "separation", "wasserstein"):
        bound = {"p_value": 0.001} if metric == "chi2_ndf" else {"above_floor": 0.0}
        assert failing(scores, metric=metric, feature="e_layer_*", **bound) == {"moved"}, metric
        assert failing(scores, metric=metric, feature="center_*", **bound) == set(), metric
    moved = scores.select(sample="moved", metric="frechet", energy_bin=ALL).rows[0]
    assert moved.p_value == 1 / 200


def test_scores_are_integrated_and_in_bins(scoring):
    bins = {(row.energy_bin, row.eta_bin) for row in scoring.scores}
    assert (ALL, ALL) in bins
    assert ("1.5 GeV < E < 12 GeV", ALL) in bins
    assert {eta for _, eta in bins} == {ALL}
    metrics = {row.metric for row in scoring.scores.select(energy_bin=ALL)}
    assert metrics >= {"chi2_ndf", "separation", "wasserstein", "ks", "correlation", "frechet"}
    assert metrics >= {"kernel", "precision", "recall", "density", "coverage"}
    assert scoring.missing == ()


def test_scores_do_not_depend_on_how_a_sample_is_spread_over_files(challenge, tmp_path):
    energy, showers = toy_challenge(N_EVENTS, seed=1)
    parts = [
        write_showers(tmp_path / f"{k}.hdf5", energy[rows], showers[rows])
        for k, rows in enumerate((slice(0, 500), slice(500, None)))
    ]
    whole = write_showers(tmp_path / "whole.hdf5", energy, showers)
    one, other = (
        score([challenge / "reference.hdf5"], {"x": paths}, binning=challenge / "binning.xml")
        for paths in (parts, [whole])
    )
    for first, second in zip(one.scores, other.scores, strict=True):
        assert (first.metric, first.feature, first.bin) == (
            second.metric,
            second.feature,
            second.bin,
        )
        numbers = [
            [entry.value, entry.uncertainty, entry.floor, entry.p_value]
            for entry in (first, second)
        ]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-6, abs=1e-9, nan_ok=True)


def test_copies_of_the_training_set_are_caught(challenge, tmp_path):
    energy, showers = toy_challenge(600, seed=7)
    training = write_showers(tmp_path / "training.hdf5", energy, showers)
    rows = np.random.default_rng(8).integers(0, len(energy), 600)
    copy = write_showers(tmp_path / "copy.hdf5", energy[rows], showers[rows])
    scores = score(
        [challenge / "reference.hdf5"],
        {"copy": [copy], "same": [challenge / "same.hdf5"]},
        binning=challenge / "binning.xml",
        training=[training],
    ).scores
    for metric in ("copying", "training_distance"):
        assert failing(scores, metric=metric, p_value=0.001) == {"copy"}


def test_copies_are_found_among_the_showers_of_several_training_files(challenge, tmp_path):
    energy, showers = toy_challenge(600, seed=7)
    copy = write_showers(tmp_path / "copy.hdf5", energy[300:], showers[300:])
    parts = [
        write_showers(tmp_path / f"part_{k}.hdf5", energy[rows], showers[rows])
        for k, rows in enumerate((slice(0, 300), slice(300, None)))
    ]
    binning = challenge / "binning.xml"
    how = {"binning": binning, "training": parts}
    scores = score([challenge / "reference.hdf5"], {"copy": [copy]}, **how).scores
    assert failing(scores, metric="training_distance", p_value=0.001) == {"copy"}
    with pytest.raises(ValueError, match="is in the reference as well: give a reference that"):
        score([parts[0]], {"copy": [copy]}, **how)


def test_voxels_below_the_lowest_energy_count_as_empty(challenge):
    energy, showers = toy_challenge(N_EVENTS, seed=0)
    source = open_sample(
        [challenge / "reference.hdf5"], binning=challenge / "binning.xml", min_energy=50.0
    )
    (batch,) = source.batches(N_EVENTS)
    expected = np.where(showers < 50.0, 0.0, showers) / energy[:, None]
    np.testing.assert_allclose(batch.fraction, expected, rtol=1e-6)


def test_the_same_photons_in_any_order_are_exchanged_photon_by_photon(challenge, tmp_path):
    energy, _ = toy_challenge(N_EVENTS, seed=0)
    others, showers = toy_challenge(N_EVENTS, seed=11)
    order = np.random.default_rng(1).permutation(N_EVENTS)
    scaled = showers * (energy / others)[:, None]
    twins = write_showers(tmp_path / "twins.hdf5", energy[order], scaled[order])
    how = {"binning": challenge / "binning.xml"}
    samples = {"twins": [twins], "same": [challenge / "same.hdf5"]}
    scores = score([challenge / "reference.hdf5"], samples, **how).scores
    for name, source in (
        ("twins", "exchange within photons"),
        ("same", "exchange of showers"),
    ):
        assert {row.floor_source for row in scores.select(sample=name, metric="ks")} == {source}


def test_one_shower_far_out_is_a_row_of_the_scores(challenge, tmp_path):
    energy, showers = toy_challenge(N_EVENTS, seed=1)
    showers[7] *= 3.0
    spoilt = write_showers(tmp_path / "spoilt.hdf5", energy, showers)
    samples = {"spoilt": [spoilt], "same": [challenge / "same.hdf5"]}
    binning = challenge / "binning.xml"
    scores = score([challenge / "reference.hdf5"], samples, binning=binning).scores
    for name, found in (("spoilt", True), ("same", False)):
        rows = scores.select(sample=name, metric="outlier_distance", feature="e_layer_2").rows
        assert (rows[0].value > 1.0) == found
        assert (rows[0].p_value < 1e-3) == found


def test_small_samples_are_named(challenge, tmp_path):
    energy, showers = toy_challenge(N_EVENTS, seed=9)
    few = write_showers(tmp_path / "few.hdf5", energy[:50], showers[:50])
    binning = challenge / "binning.xml"
    found = score([challenge / "same.hdf5"], {"few": [few]}, binning=binning)
    assert len(found.scores) == 0
    assert found.missing == ("Scores of few: it has 50 showers, 100 are needed",)
    small = score([few], {"x": [challenge / "same.hdf5"]}, binning=binning)
    assert small.missing == ("Scores: the reference has 50 showers, 100 are needed",)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ((4.0, 4.0), "x: expected the distribution of energy of its reference, got another"),
        ((1e-3, 1e-3), r"x: expected the incident energies of its reference .* 0\.00\d+ times as"),
        ((1.0, 1e-3), r"x: expected the energies of voxels over that of the particle .* 0\.00"),
    ],
)
def test_other_energies_and_units_are_an_error(challenge, tmp_path, factors, message):
    energy, showers = toy_challenge(N_EVENTS, seed=9)
    other = write_showers(tmp_path / "x.hdf5", factors[0] * energy, factors[1] * showers)
    with pytest.raises(ValueError, match=message):
        score([challenge / "same.hdf5"], {"x": [other]}, binning=challenge / "binning.xml")


def test_datasets_on_other_voxels_share_layers_and_shapes(datasets, tmp_path):
    paths = {}
    for name in ("without_cells", "regular"):
        voxels = read_dataset(datasets[name])
        twice = concatenate_voxels([voxels, replace(voxels, index=voxels.index + len(voxels))])
        paths[name] = tmp_path / f"{name}.h5"
        with DatasetWriter(paths[name], voxels.grid, provenance={}) as writer:
            writer.append(twice)
    scores = score([paths["without_cells"]], {"regular": [paths["regular"]]}).scores
    compared = (*scores.select(metric="ks"), *scores.select(metric="off_mode"))
    features = {row.feature for row in compared}
    assert features == {"e_tot", *(f"e_layer_{layer}" for layer in (0, 1, 2, 3, 12))}
    assert len(scores.select(metric="frechet")) == 0
