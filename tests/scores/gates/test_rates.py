"""Whole samples through scores and gates: how often do equal ones fail, what do others fail?"""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest

from calovox.samples.bins import ALL
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import read_samples
from calovox.scores.gates.files import read_gates
from calovox.scores.gates.gates import Gate, check_gates
from calovox.scores.scoring import score_samples
from tests.toy_calochallenge import toy_challenge, write_binning, write_showers

pytestmark = pytest.mark.slow

N_PAIRS = 40
N_EVENTS = 300
NEEDS_MORE_FILES = ("auc", "copying", "training_distance")
RELEASE = tuple(
    gate
    for gate in read_gates(Path(__file__).parents[3] / "gates" / "release.toml")
    if gate.metric not in NEEDS_MORE_FILES
)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Scores of pairs of samples of one distribution, and of as many with energy moved."""
    folder = tmp_path_factory.mktemp("pairs")
    binning = write_binning(folder / "binning.xml")
    found = []
    for pair in range(N_PAIRS):
        paths = {}
        for place, (name, shift) in enumerate({"a": 0.0, "same": 0.0, "moved": 0.05}.items()):
            showers = toy_challenge(N_EVENTS, seed=3 * pair + place, shift=shift)
            paths[name] = write_showers(folder / f"{name}.hdf5", *showers)
            if name == "moved" and pair >= 5:
                del paths[name]
        reference = paths.pop("a")
        samples = {name: [path] for name, path in paths.items()}
        files = EvaluationFiles(reference=[reference], simulated=samples, binning=binning)
        found.append(score_samples(read_samples(files)).scores)
    return found


def outcomes(tables, sample, *gates):
    return [
        [entry for entry in check_gates(gates, table) if entry.sample == sample]
        for table in tables
    ]


def test_samples_of_one_distribution_fail_release_gates_no_more_often_than_stated(tables):
    verdicts = [entry.verdict for table in outcomes(tables, "same", *RELEASE) for entry in table]
    n_judged = len(verdicts) - verdicts.count("not judged")
    expected = 0.00135 * n_judged
    assert n_judged > 10 * N_PAIRS
    assert verdicts.count("failed") <= expected + 4 * max(expected, 1.0) ** 0.5


@pytest.mark.parametrize(
    ("metric", "feature"),
    [
        ("chi2_ndf", "e_layer_0"),
        ("ks", "e_layer_0"),
        ("wasserstein", "width_r_2"),
        ("correlation", "layer energies"),
        ("kernel", "high-level"),
        ("frechet", "high-level"),
        ("coverage", "high-level"),
        ("density", "high-level"),
    ],
)
def test_p_values_of_whole_samples_are_uniform(tables, metric, feature):
    wanted = {"metric": metric, "feature": feature, "energy_bin": ALL, "eta_bin": ALL}
    p_values = [table.select(sample="same", **wanted).rows[0].p_value for table in tables]
    assert kstest(p_values, "uniform").pvalue > 1e-3


def test_a_p_value_gate_of_many_rows_fails_at_most_at_its_rate(tables):
    gate = Gate(metric="chi2_ndf", p_value=0.2)
    rate = np.mean(
        [any(not entry.keeps for entry in table) for table in outcomes(tables, "same", gate)]
    )
    assert rate <= 0.2 + 4 * (0.2 * 0.8 / N_PAIRS) ** 0.5


def test_a_sample_with_energy_moved_fails_the_gates_of_energies_and_no_others(tables):
    for table in outcomes(tables[:5], "moved", *RELEASE):
        failed = {entry.score.feature for entry in table if entry.verdict == "failed"}
        assert failed >= {"e_layer_0", "e_layer_2"}
        assert not any(name.startswith(("center", "width")) for name in failed)
