import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovox.samples.bins import ALL
from calovox.scores.gates.files import read_gates, write_outcomes
from calovox.scores.gates.gates import Gate, check_gates
from calovox.scores.gates.summary import summarise_gates
from calovox.scores.table import NotScored, Score, Scores

SCORE = Score("fast", "ks", "e_tot", ALL, ALL, 0.30, 0.02, 0.20, 0.01, 400, 300, 0.001)
OTHER = replace(SCORE, feature="width_r_1", energy_bin="E < 1.5 GeV", value=0.1, p_value=0.4)


def lost(gates, scores):
    return [outcome for outcome in check_gates(gates, scores) if not outcome.keeps]


def failed(score=SCORE, **gate):
    return len(lost((Gate(metric="ks", **gate),), Scores((score,)))) == 1


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
    assert len(lost((gate,), Scores(rows))) == 0
    assert len(lost((gate,), Scores(rows[:2]))) == 2


def test_equal_samples_fail_a_p_value_gate_at_the_stated_rate():
    rng = np.random.default_rng(1)
    gate = Gate(metric="chi2_ndf", p_value=0.1)
    rows = [
        Scores(
            tuple(replace(SCORE, metric="chi2_ndf", p_value=p) for p in rng.random(10).tolist())
        )
        for _ in range(400)
    ]
    rate = np.mean([len(lost((gate,), table)) > 0 for table in rows])
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
        assert len(lost((gate,), scores)) == n_failures


def test_a_failure_names_metric_feature_bin_value_bound_and_floor():
    (failure,) = lost((Gate(metric="ks", at_most=0.1),), Scores((SCORE,)))
    text = "fast: ks of e_tot in all: 0.3 ± 0.02, expected at_most 0.1; floor 0.2 ± 0.01"
    assert str(failure) == text


def unjudged(gate, scores):
    (outcome,) = check_gates((gate,), scores)
    assert outcome.verdict == "not judged"
    assert not outcome.keeps
    return str(outcome)


def test_a_gate_that_judges_nothing_is_not_kept_and_says_why():
    table = Scores((SCORE,))
    text = unjudged(Gate(metric="auc", at_most=0.6), table)
    assert text.startswith("fast: auc: at_most 0.6 in all: not judged: there is no such score")
    unknown = Scores((replace(SCORE, floor=float("nan")),))
    assert "a number it needs is not known" in unjudged(
        Gate(metric="ks", above_floor=1.0), unknown
    )
    small = unjudged(Gate(metric="ks", p_value=0.001), table)
    assert "expected p_value >= 0.005 for 1 rows, got 0.001" in small
    nobody = unjudged(Gate(metric="ks", at_most=0.6, sample="slow"), table)
    assert nobody.startswith("slow: ks: at_most 0.6 in all: not judged: there are no scores")
    assert unjudged(Gate(metric="ks", at_most=0.6), Scores())


def test_bins_with_too_few_showers_are_listed_and_lose_no_gate():
    few = NotScored("fast", "*", "E > 750 GeV", ALL, "40 showers of the reference")
    gate = Gate(metric="ks", at_most=0.6)
    judged, without = check_gates((gate,), Scores((SCORE,), (few,)))
    assert (judged.verdict, without.verdict) == ("passed", "not judged")
    assert (without.keeps, without.bin) == (True, "E > 750 GeV")
    assert str(without).endswith("in E > 750 GeV: not judged: 40 showers of the reference")
    assert len(check_gates((replace(gate, energy=ALL),), Scores((SCORE,), (few,)))) == 1


def test_a_sample_without_any_score_keeps_no_gate():
    without = NotScored("fast", "*", ALL, ALL, "it has 50 showers, 100 are needed")
    text = unjudged(Gate(metric="ks", at_most=0.6, energy="E*"), Scores((), (without,)))
    assert text == "fast: ks of energy E*: at_most 0.6 in all: not judged: " + without.reason


def test_outcomes_are_written_as_they_are(tmp_path):
    few = NotScored("fast", "ks", "E > 750 GeV", ALL, "40 showers")
    outcomes = check_gates((Gate(metric="ks", at_most=0.1),), Scores((SCORE,), (few,)))
    write_outcomes(outcomes, tmp_path / "gates.json")
    content = json.loads((tmp_path / "gates.json").read_text())
    assert content["kept"] is False
    first, second = content["outcomes"]
    assert (first["verdict"], first["value"], first["limit"]) == ("failed", 0.3, 0.1)
    assert (second["verdict"], second["value"], second["reason"]) == (
        "not judged",
        None,
        "40 showers",
    )


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", r"expected tables \[\[gate\]\], got none"),
        ("[[gates]]\nmetric = 'ks'", "got gates"),
        ("gate = ['ks']", r"expected tables \[\[gate\]\], got \['ks'\]"),
        ("gate = 3", r"expected tables \[\[gate\]\], got 3"),
        ("[[gate]]\nmetric = 'ks'", "expected one of at_most, .* got none"),
        ("[[gate]]\nmetric = 'ks'\nat_most = 1\nat_least = 0", "got at_most and at_least"),
        ("[[gate]]\nmetric = 'ks'\nat_mots = 1", "unknown key `at_mots`: valid keys are metric"),
        ("[[gate]]\nat_most = 1", "expected the key `metric`"),
        (
            "[[gate]]\nmetric = 'ks'\nat_most = 'x'",
            "expected a finite number for `at_most`, got 'x'",
        ),
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
    gates = read_gates(Path(__file__).parents[3] / "gates" / "release.toml")
    assert {gate.metric for gate in gates} >= {"auc", "copying", "wasserstein", "coverage"}


@pytest.mark.parametrize(
    ("gate", "verdict"),
    [
        ({"at_most": 0.25}, "passed"),
        ({"at_most": 0.1}, "failed"),
        ({"at_most": 0.1, "known_failure": 0.25}, "known failure"),
        ({"at_most": 0.1, "known_failure": 0.2}, "failed"),
        ({"at_least": 0.5, "known_failure": 0.28}, "known failure"),
        ({"above_floor": 0.01, "known_failure": 0.05}, "known failure"),
    ],
)
def test_an_aim_that_is_known_to_be_missed_is_told_from_a_new_failure(gate, verdict):
    (outcome,) = check_gates((Gate(metric="ks", **gate),), Scores((SCORE,)))
    assert outcome.verdict == verdict
    assert outcome.keeps == (verdict != "failed")
    assert outcome.to_row()["known_failure"] == gate.get("known_failure")


def test_a_known_failure_is_counted_and_named(tmp_path):
    outcomes = check_gates((Gate(metric="ks", at_most=0.1, known_failure=0.25),), Scores((SCORE,)))
    write_outcomes(outcomes, tmp_path / "gates.json")
    content = json.loads((tmp_path / "gates.json").read_text())
    assert (content["kept"], content["known_failures"]) == (True, 1)
    (summary,) = summarise_gates(outcomes)
    assert (summary.kept, summary.n_known, len(summary.lines)) == (True, 1, 1)


def test_a_p_value_has_no_known_failure():
    with pytest.raises(ValueError, match="expected no known_failure beside p_value"):
        Gate(metric="ks", p_value=0.01, known_failure=0.1)
