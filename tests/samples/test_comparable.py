from pathlib import Path

import numpy as np
import pytest

from calovox.dataset import DatasetWriter, read_dataset
from calovox.hits import Hits
from calovox.photons import Photons
from calovox.samples.comparable import find_common_photons
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import read_samples
from calovox.samples.source import open_sample
from calovox.scores.gates.gates import Gate, check_gates
from calovox.scores.judge import JOINT_METRICS
from calovox.scores.scoring import Scoring, score_samples
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers

N_EVENTS = 900


def toys(seed: int) -> Hits:
    rng = np.random.default_rng(seed)
    photons = Photons(
        energy=rng.uniform(50e3, 95e3, N_EVENTS),
        eta=rng.choice([-1.0, 1.0], N_EVENTS) * rng.uniform(0.1, 0.4, N_EVENTS),
        phi=rng.uniform(-3.0, 3.0, N_EVENTS),
        index=np.arange(N_EVENTS),
    )
    return toy_showers(N_EVENTS, n_hits=60, photons=photons)


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A reference, and a sample of the same photons with showers in two slices only."""
    folder = tmp_path_factory.mktemp("slices")
    voxels = hits_to_voxels(toys(1), VoxelGrid.optimal())
    abs_eta = np.abs(voxels.eta_center)
    inside = ((abs_eta >= 0.15) & (abs_eta < 0.2)) | ((abs_eta >= 0.25) & (abs_eta < 0.3))
    chosen = {"reference": np.arange(N_EVENTS), "slices": np.flatnonzero(inside)}
    for name, rows in chosen.items():
        with DatasetWriter(folder / f"{name}.h5", voxels.grid, provenance={}) as writer:
            writer.append(voxels[rows])
    return {name: folder / f"{name}.h5" for name in chosen}


def test_common_photons_are_those_of_the_slices_that_both_have(slices):
    reference, other = (open_sample([slices[name]]) for name in ("reference", "slices"))
    common = find_common_photons(reference, other)
    assert common is not None
    assert common.eta_ranges == ((0.15, 0.2), (0.25, 0.3))
    assert (
        str(common) == "abs(eta) of 0.15 to 0.2, 0.25 to 0.3 and energies of 32.8 GeV to 131 GeV"
    )
    assert len(common.reference) == len(common.other) == len(other)
    batches = list(common.reference.batches(100))
    np.testing.assert_array_equal(
        np.concatenate([batch.incident_energy for batch in batches]), other.incident_energy()
    )
    fraction = np.concatenate([batch.fraction for batch in batches])
    np.testing.assert_allclose(fraction, read_dataset(slices["slices"]).energy, rtol=1e-6)


def test_common_photons_are_those_of_the_energies_that_both_have(slices, tmp_path):
    low = read_dataset(slices["reference"])
    rows = np.flatnonzero(low.incident_energy < 2.0**16)
    with DatasetWriter(tmp_path / "low.h5", low.grid, provenance={}) as writer:
        writer.append(low[rows])
    common = find_common_photons(
        open_sample([slices["reference"]]), open_sample([tmp_path / "low.h5"])
    )
    assert common is not None
    assert common.energy_ranges == ((2.0**15, 2.0**16),)
    assert len(common.reference) == len(common.other) == len(rows)


@pytest.fixture(scope="module")
def scoring(slices: dict[str, Path]) -> Scoring:
    files = EvaluationFiles(reference=[slices["reference"]], simulated={"gan": [slices["slices"]]})
    return score_samples(read_samples(files))


def test_a_model_of_some_slices_is_scored_where_it_has_showers(scoring, slices):
    (note,) = scoring.missing
    assert "gan: its photons are those of the reference at abs(eta) of 0.15 to 0.2" in note
    assert f"of {N_EVENTS} showers of the reference are compared with it" in note
    n_events = len(read_dataset(slices["slices"]))
    rows = scoring.scores.select(metric="wasserstein", feature="e_tot", energy_bin="all").rows
    assert (rows[0].n_reference, rows[0].n_simulated, rows[0].value) == (n_events, n_events, 0.0)
    gate = Gate(metric="wasserstein", feature="e_tot", above_floor=0.05)
    assert all(outcome.keeps for outcome in check_gates((gate,), scoring.scores))


def test_bins_with_few_showers_are_named(scoring, slices):
    n_events = len(read_dataset(slices["slices"]))
    without = {entry.metric: entry for entry in scoring.scores.not_scored}
    assert set(without) == set(JOINT_METRICS)
    assert f"features of {n_events} showers of the reference" in without["frechet"].reason
    gate = Gate(metric="frechet", above_floor=0.0)
    assert not any(outcome.keeps for outcome in check_gates((gate,), scoring.scores))


def test_scores_of_a_sample_do_not_depend_on_the_others(scoring, slices):
    simulated = {"whole": [slices["reference"]], "gan": [slices["slices"]]}
    copy = slices["reference"].with_name("copy.h5")
    copy.write_bytes(slices["reference"].read_bytes())
    files = EvaluationFiles(reference=[copy], simulated=simulated)
    together = score_samples(read_samples(files)).scores
    assert str(together.select(sample="gan").rows) == str(scoring.scores.rows)
    alone = EvaluationFiles(reference=[copy], simulated={"whole": [slices["reference"]]})
    expected = score_samples(read_samples(alone)).scores
    assert str(together.select(sample="whole").rows) == str(expected.rows)
