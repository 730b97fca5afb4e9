r"""Gates: bounds on scores that a model must keep, as statistical tests.

A gate file is TOML with one table `[[gate]]` per gate. `metric` names the metric; `feature`,
`energy` and `eta` are patterns (`*` stands for anything) of the rows that it judges, all of them
unless told otherwise; `sample` likewise. One of five bounds follows:

| bound | a row fails if |
| --- | --- |
| `at_most = B` | value - k u > B |
| `at_least = B` | value + k u < B |
| `above_floor = B` | value - k hypot(u, v) > floor + B |
| `below_floor = B` | value + k hypot(u, v) < floor - B |
| `p_value = A` | p < A / n |

A bound may be an aim that no model reaches yet. `known_failure` is then the value that models have
now: a row between it and the bound is a known failure. It does not pass, but it does not break the
gate. A row beyond `known_failure`, by the same number of standard deviations, fails.

u and v are the uncertainties of value and floor, k is `n_sigma` (3 unless told otherwise), and n
the number of rows that the gate judges of a sample. A model that lies exactly on a bound fails a
row with the probability 1 - Phi(k), 0.13 % for k = 3. A model with the reference's distribution
fails a `p_value` gate with at most the probability A (Bonferroni). Bounds from the floor fail less
often: v is the scatter of single draws, but the floor is their mean, so that the room left is too
large by up to hypot(u, v) / u.

What cannot be judged is never passed over: bins with too few showers are listed as not judged, and
a gate that judges no row at all of a sample is not kept.

References:
    C. E. Bonferroni, *Teoria statistica delle classi e calcolo delle probabilita* (1936);
    R. G. Miller, *Simultaneous Statistical Inference*, Springer (1981), section 1.4.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from calovox.samples.bins import ALL
from calovox.scores.statistics import N_EXCHANGES
from calovox.scores.table import NotScored, Score, Scores, bin_name

__all__ = ["Gate", "GateOutcome", "Verdict", "check_gates"]

Verdict = Literal["passed", "failed", "known failure", "not judged"]

_BOUNDS: Final = ("at_most", "at_least", "above_floor", "below_floor", "p_value")
_SAMPLED: Final = (
    *("separation", "wasserstein", "ks", "correlation", "frechet", "kernel"),
    *("precision", "recall", "density", "coverage"),
)
"""Metrics whose p-values are counted out of `N_EXCHANGES` exchanges."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One bound on all rows that match its patterns.

    Attributes:
        metric: Name of the metric.
        feature: Pattern of features.
        energy: Pattern of bins in energy.
        eta: Pattern of bins in abs(eta).
        sample: Pattern of samples.
        at_most: Highest value allowed.
        at_least: Lowest value allowed.
        above_floor: Highest value allowed, measured from the floor.
        below_floor: How far below the floor a value may be.
        p_value: Probability to fail for showers like the reference's.
        known_failure: Value that is known to fail the bound; not for `p_value`.
        n_sigma: k: standard deviations by which a row may miss a bound; not for `p_value`.
    """

    metric: str
    feature: str = "*"
    energy: str = "*"
    eta: str = "*"
    sample: str = "*"
    at_most: float | None = None
    at_least: float | None = None
    above_floor: float | None = None
    below_floor: float | None = None
    p_value: float | None = None
    known_failure: float | None = None
    n_sigma: float = 3.0

    def __post_init__(self) -> None:
        given = [name for name in _BOUNDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"gate on {self.metric}: expected one of {', '.join(_BOUNDS)}, "
                f"got {' and '.join(given) or 'none'}"
            )
        if self.n_sigma < 0:
            raise ValueError(f"gate on {self.metric}: expected n_sigma >= 0, got {self.n_sigma:g}")
        if self.p_value is not None and not 0 < self.p_value < 1:
            raise ValueError(
                f"gate on {self.metric}: expected 0 < p_value < 1, got {self.p_value:g}"
            )
        if self.known_failure is not None and self.kind == "p_value":
            raise ValueError(f"gate on {self.metric}: expected no known_failure beside p_value")

    @property
    def kind(self) -> str:
        """Name of the bound."""
        return next(name for name in _BOUNDS if getattr(self, name) is not None)

    @property
    def bound(self) -> float:
        """The bound."""
        return float(getattr(self, self.kind))

    def __str__(self) -> str:
        """Name the gate: metric, patterns that choose its rows, and bound."""
        patterns = {"": self.feature, "energy ": self.energy, "eta ": self.eta}
        chosen = [f"{name}{text}" for name, text in patterns.items() if text != "*"]
        name = f"{self.metric} of {', '.join(chosen)}" if chosen else self.metric
        known = "" if self.known_failure is None else f", {self.known_failure:g} known to fail"
        return f"{name}: {self.kind} {self.bound:g}{known}"

    def verdict(self, score: Score, n_rows: int) -> Verdict:
        """Judge a row.

        Args:
            score: A row that the gate judges.
            n_rows: Rows of this sample that it judges.
        """
        if self.keeps(score, n_rows):
            return "passed"
        if self.known_failure is None:
            return "failed"
        bound: dict[str, Any] = {self.kind: self.known_failure, "known_failure": None}
        known = replace(self, **bound)
        return "known failure" if known.keeps(score, n_rows) else "failed"

    def judges(self, row: Score | NotScored) -> bool:
        """Tell whether a row, or a bin without scores, matches the patterns."""
        texts = {"sample": row.sample}
        # a sample without scores of all events has none in any bin
        if isinstance(row, Score) or row.bin != ALL:
            texts |= {"energy": row.energy_bin, "eta": row.eta_bin}
        if isinstance(row, Score):
            texts["feature"] = row.feature
        return row.metric in (self.metric, "*") and all(
            fnmatchcase(text, getattr(self, name)) for name, text in texts.items()
        )

    def keeps(self, score: Score, n_rows: int) -> bool:
        """Tell whether a row keeps the bound.

        Args:
            score: A row that the gate judges.
            n_rows: Rows of this sample that it judges.
        """
        if self.kind == "p_value":
            return score.p_value >= self.bound / n_rows
        room = self.n_sigma * score.uncertainty
        if self.kind == "at_most":
            return score.value - room <= self.bound
        if self.kind == "at_least":
            return score.value + room >= self.bound
        room = self.n_sigma * math.hypot(score.uncertainty, score.floor_uncertainty)
        if self.kind == "above_floor":
            return score.value - room <= score.floor + self.bound
        return score.value + room >= score.floor - self.bound


@dataclass(frozen=True)
class GateOutcome:
    """What one gate says of one row of one sample, or of a bin that has none.

    Attributes:
        gate: The gate.
        sample: Name of the sample.
        energy_bin: Bin in kinetic energy.
        eta_bin: Bin in abs(eta).
        verdict: Whether the row passed, failed, failed as is known, or could not be judged.
        score: The row; none if there is none.
        n_rows: Rows of this sample that the gate judges.
        reason: Why the row could not be judged; empty otherwise.
    """

    gate: Gate
    sample: str
    energy_bin: str
    eta_bin: str
    verdict: Verdict
    score: Score | None
    n_rows: int
    reason: str = ""

    @property
    def keeps(self) -> bool:
        """Whether nothing new fails: False as well if the gate judges no row of the sample."""
        return self.verdict != "failed" and self.n_rows > 0

    @property
    def bin(self) -> str:
        """Energy and pseudorapidity as one text."""
        return bin_name(self.energy_bin, self.eta_bin)

    def __str__(self) -> str:
        row = self.score
        if row is None or self.reason:
            return f"{self.sample}: {self.gate} in {self.bin}: not judged: {self.reason}"
        bound = f"{self.gate.kind} {self.gate.bound:g}"
        if self.gate.kind == "p_value":
            bound = f"a p-value above {self.gate.bound:g} / {self.n_rows}, got {row.p_value:.2g}"
        return (
            f"{row.sample}: {row.metric} of {row.feature} in {row.bin}: {row.value:.4g} "
            f"± {row.uncertainty:.2g}, expected {bound}; "
            f"floor {row.floor:.4g} ± {row.floor_uncertainty:.2g}"
        )

    def to_row(self) -> dict[str, Any]:
        """Return the outcome as one row of a table; what is not known is None."""
        known = ("value", "uncertainty", "floor", "floor_uncertainty", "p_value")
        numbers = {
            name: math.nan if self.score is None else getattr(self.score, name) for name in known
        }
        return {
            "gate": str(self.gate),
            "sample": self.sample,
            "metric": self.gate.metric,
            "feature": self.gate.feature if self.score is None else self.score.feature,
            "energy_bin": self.energy_bin,
            "eta_bin": self.eta_bin,
            "bound": self.gate.kind,
            "limit": self.gate.bound,
            "known_failure": self.gate.known_failure,
            "n_sigma": self.gate.n_sigma,
            **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
            "n_rows": self.n_rows,
            "verdict": self.verdict,
            "kept": self.keeps,
            "reason": self.reason,
        }


def check_gates(gates: tuple[Gate, ...], scores: Scores) -> tuple[GateOutcome, ...]:
    """Judge all samples.

    Args:
        gates: The gates.
        scores: Scores of any number of samples.

    Returns:
        Gate by gate and sample by sample, what each says of every row that it judges, and of
        every bin that it would judge if there were enough showers.
    """
    return tuple(outcome for gate in gates for outcome in _check(gate, scores))


def _check(gate: Gate, scores: Scores) -> Iterator[GateOutcome]:
    samples = [name for name in scores.samples if fnmatchcase(name, gate.sample)]
    if not samples:
        reason = "there are no scores of such a sample"
        yield GateOutcome(gate, gate.sample, ALL, ALL, "not judged", None, 0, reason)
    for sample in samples:
        rows = [row for row in scores.rows if row.sample == sample and gate.judges(row)]
        without = [row for row in scores.not_scored if row.sample == sample and gate.judges(row)]
        if not rows and not without:
            reason = (
                "there is no such score; give the files it needs, as --classifier or --training, "
                "or leave the gate out"
            )
            without = [NotScored(sample, gate.metric, ALL, ALL, reason)]
        reasons = [_reason_not_to_judge(gate, row, len(rows)) for row in rows]
        n_rows = reasons.count("")
        for row, reason in zip(rows, reasons, strict=True):
            verdict = gate.verdict(row, len(rows))
            yield GateOutcome(
                *(gate, sample, row.energy_bin, row.eta_bin),
                *("not judged" if reason else verdict, row, n_rows, reason),
            )
        for entry in without:
            where = entry.energy_bin, entry.eta_bin
            yield GateOutcome(gate, sample, *where, "not judged", None, n_rows, entry.reason)


def _reason_not_to_judge(gate: Gate, row: Score, n_rows: int) -> str:
    """Say why a gate cannot judge a row; empty if it can."""
    smallest = 1.0 / (N_EXCHANGES + 1)
    if gate.kind == "p_value":
        if gate.metric in _SAMPLED and gate.bound / n_rows < smallest:
            return (
                f"expected p_value >= {n_rows * smallest:g} for {n_rows} rows, got "
                f"{gate.bound:g}; p-values of this metric are never below {smallest:g}"
            )
        needed = [row.p_value]
    else:
        needed = [row.value, row.uncertainty]
    if gate.kind.endswith("floor"):
        needed += [row.floor, row.floor_uncertainty]
    return "a number it needs is not known" if any(map(math.isnan, needed)) else ""
