from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovox.evaluation.gates import Gate, check_gates, read_gates
from calovox.evaluation.scores import ALL, Score, Scores

SCORE = Score("fast", "ks", "e_tot", ALL, ALL, 0.30, 0.02, 0.20, 0.01, 400, 300, 0.001)
OTHER = replace(SCORE, feature="width_r_1", energy_bin="E < 1.5 GeV", value=0.1, p_value=0.4)


def failed(score=SCORE, **gate):
    return len(check_gates((Gate(metric="ks", **gate),), Scores((score,)))) == 1


@pytest.mark.parametrize(
    ("gate", "fails"),
    [
        ({"at_most": 0.25}, False),
        ({"at_most": 0.25, "n_sigma": 2.0}, True),
        ({"at_least": 0.35}, False),
        ({"at_least": 0.37}, True),
        ({"above_floor": 0.04}, False),
        ({"above_floor": 0.02}, True),
        ({"p_value": 0.01}, False),
        ({"p_value": 0.5}, False),
    ],
)
def test_a_bound_may_be_missed_by_the_uncertainty(gate, fails):
    score = replace(SCORE, p_value=0.6) if "p_value" in gate else SCORE
    assert failed(score, **gate) == fails


def test_a_score_below_the_floor_fails():
    low = replace(SCORE, value=0.1)
    assert failed(low, below_floor=0.02)
    assert not failed(low, below_floor=0.05)
    assert not failed(SCORE, below_floor=0.0)


def test_p_values_are_corrected_for_the_number_of_rows():
    rows = tuple(
        replace(SCORE, metric="chi2_ndf", feature=f"f{k}", p_value=0.004) for k in range(5)
    )
    gate = Gate(metric="chi2_ndf", p_value=0.01)
    assert len(check_gates((gate,), Scores(rows))) == 0
    assert len(check_gates((gate,), Scores(rows[:2]))) == 2


def test_equal_samples_fail_a_p_value_gate_at_the_stated_rate():
    rng = np.random.default_rng(1)
    gate = Gate(metric="chi2_ndf", p_value=0.1)
    rows = [
        Scores(
            tuple(replace(SCORE, metric="chi2_ndf", p_value=p) for p in rng.random(10).tolist())
        )
        for _ in range(400)
    ]
    rate = np.mean([len(check_gates((gate,), table)) > 0 for table in rows])
    expected = 1 - (1 - 0.01) ** 10
    assert rate == pytest.approx(expected, abs=4 * (expected / len(rows)) ** 0.5)


def test_a_model_at_the_bound_fails_at_the_stated_rate():
    rng = np.random.default_rng(2)
    rate = np.mean(
        [
            failed(replace(SCORE, value=v), at_most=0.3, n_sigma=1.0)
            for v in rng.normal(0.3, 0.02, 800).tolist()
        ]
    )
    assert rate == pytest.approx(0.1587, abs=4 * (0.1587 / 800) ** 0.5)


def test_patterns_choose_the_rows():
    scores = Scores((SCORE, OTHER))
    for pattern, n_failures in (
        ({}, 2),
        ({"feature": "width_*"}, 1),
        ({"energy": "all"}, 1),
        ({"eta": "all"}, 2),
        ({"sample": "fast"}, 2),
    ):
        gate = Gate(metric="ks", at_most=0.0, **pattern)
        assert len(check_gates((gate,), scores)) == n_failures


def test_a_failure_names_metric_feature_bin_value_bound_and_floor():
    (failure,) = check_gates((Gate(metric="ks", at_most=0.1),), Scores((SCORE,)))
    text = "fast: ks of e_tot in all: 0.3 ± 0.02, expected at_most 0.1; floor 0.2 ± 0.01"
    assert str(failure) == text


def test_gates_that_cannot_judge_are_errors():
    with pytest.raises(ValueError, match="gate on auc: fast has no such score; give the files"):
        check_gates((Gate(metric="auc", at_most=0.6),), Scores((SCORE,)))
    with pytest.raises(ValueError, match="a number it needs is not known"):
        unknown = replace(SCORE, floor=float("nan"))
        check_gates((Gate(metric="ks", above_floor=0.6),), Scores((unknown,)))
    with pytest.raises(ValueError, match=r"expected p_value >= 0.005 for 1 rows, got 0.001"):
        check_gates((Gate(metric="ks", p_value=0.001),), Scores((SCORE,)))
    with pytest.raises(ValueError, match="expected scores to judge, got none"):
        check_gates((Gate(metric="ks", at_most=0.6),), Scores())


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", r"expected tables \[\[gate\]\], got none"),
        ("[[gates]]\nmetric = 'ks'", "got gates"),
        ("[[gate]]\nmetric = 'ks'", "expected one of at_most, .* got none"),
        ("[[gate]]\nmetric = 'ks'\nat_most = 1\nat_least = 0", "got at_most and at_least"),
        ("[[gate]]\nmetric = 'ks'\nat_mots = 1", "unknown key `at_mots`: valid keys are metric"),
        ("[[gate]]\nat_most = 1", "expected the key `metric`"),
        ("[[gate]]\nmetric = 'ks'\nat_most = 'x'", "expected a number for `at_most`, got 'x'"),
        ("[[gate]]\nmetric = 'ks'\np_value = 2.0", "expected 0 < p_value < 1, got 2"),
        ("[[gate]]\nmetric = 'ks'\nat_most = 1\nn_sigma = -1", "expected n_sigma >= 0"),
        ("[[gate", "is not a TOML file"),
    ],
)
def test_wrong_gate_files_are_refused(text, match, tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=match):
        read_gates(path)


def test_the_gates_of_releases_are_valid():
    gates = read_gates(Path(__file__).parents[2] / "gates" / "release.toml")
    assert {gate.metric for gate in gates} >= {"auc", "copying", "wasserstein", "coverage"}
