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

u and v are the uncertainties of value and floor, k is `n_sigma` (3 unless told otherwise), and n
the number of rows that the gate judges of a sample. So a model that just keeps a bound fails a row
with the probability 1 - Phi(k), 0.13 % for k = 3, and one whose showers are those of the reference
fails a `p_value` gate with at most the probability A (Bonferroni).

References:
    C. E. Bonferroni, *Teoria statistica delle classi e calcolo delle probabilita* (1936);
    R. G. Miller, *Simultaneous Statistical Inference*, Springer (1981), section 1.4.
"""

import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from calovox.evaluation.scores import Score, Scores
from calovox.evaluation.two_samples import N_SPLITS

__all__ = ["Failure", "Gate", "check_gates", "read_gates"]

_BOUNDS: Final = ("at_most", "at_least", "above_floor", "below_floor", "p_value")
_SAMPLED: Final = ("separation", "wasserstein", "ks", "frechet", "correlation")
"""Metrics whose p-values are counted out of `N_SPLITS` splits of the reference."""


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

    @property
    def kind(self) -> str:
        """Name of the bound."""
        return next(name for name in _BOUNDS if getattr(self, name) is not None)

    @property
    def bound(self) -> float:
        """The bound."""
        return float(getattr(self, self.kind))

    def judges(self, score: Score) -> bool:
        """Tell whether a row matches the patterns."""
        return score.metric == self.metric and all(
            fnmatchcase(text, pattern)
            for pattern, text in (
                (self.feature, score.feature),
                (self.energy, score.energy_bin),
                (self.eta, score.eta_bin),
                (self.sample, score.sample),
            )
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
class Failure:
    """A row that does not keep a gate.

    Attributes:
        gate: The gate.
        score: The row.
        n_rows: Rows of this sample that the gate judges.
    """

    gate: Gate
    score: Score
    n_rows: int

    def __str__(self) -> str:
        row = self.score
        bound = f"{self.gate.kind} {self.gate.bound:g}"
        if self.gate.kind == "p_value":
            bound = f"a p-value above {self.gate.bound:g} / {self.n_rows}, got {row.p_value:.2g}"
        return (
            f"{row.sample}: {row.metric} of {row.feature} in {row.bin}: {row.value:.4g} "
            f"± {row.uncertainty:.2g}, expected {bound}; "
            f"floor {row.floor:.4g} ± {row.floor_uncertainty:.2g}"
        )


def read_gates(path: Path) -> tuple[Gate, ...]:
    """Read a gate file.

    Args:
        path: TOML file.

    Returns:
        Its gates.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no TOML, has an unknown key, or a gate without a single bound.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ValueError(f"{path} is not a TOML file: {problem}") from None
    unknown = sorted(set(table) - {"gate"})
    if unknown or not table.get("gate"):
        raise ValueError(f"{path}: expected tables [[gate]], got {', '.join(unknown) or 'none'}")
    return tuple(
        _parse(path, number, entry) for number, entry in enumerate(table["gate"], start=1)
    )


def check_gates(gates: tuple[Gate, ...], scores: Scores) -> tuple[Failure, ...]:
    """Judge all samples.

    Args:
        gates: The gates.
        scores: Scores of one sample or more.

    Returns:
        The rows that do not keep a gate.

    Raises:
        ValueError: If a gate finds no row of a sample, or cannot judge one.
    """
    samples = list(dict.fromkeys(row.sample for row in scores))
    if not samples:
        raise ValueError("gates: expected scores to judge, got none")
    return tuple(
        failure for gate in gates for sample in samples for failure in _check(gate, sample, scores)
    )


def _check(gate: Gate, sample: str, scores: Scores) -> Iterator[Failure]:
    if not fnmatchcase(sample, gate.sample):
        return
    rows = [row for row in scores if row.sample == sample and gate.judges(row)]
    if not rows:
        raise ValueError(
            f"gate on {gate.metric}: {sample} has no such score; give the files it needs, as "
            "--classifier or --training, or leave the gate out"
        )
    if gate.metric in _SAMPLED and gate.kind == "p_value":
        smallest = 1.0 / (N_SPLITS + 1)
        if gate.bound / len(rows) < smallest:
            raise ValueError(
                f"gate on {gate.metric}: expected p_value >= {len(rows) * smallest:g} for "
                f"{len(rows)} rows, got {gate.bound:g}; p-values of this metric are never below "
                f"{smallest:g}"
            )
    for row in rows:
        needed = [row.p_value] if gate.kind == "p_value" else [row.value, row.uncertainty]
        if gate.kind.endswith("floor"):
            needed += [row.floor, row.floor_uncertainty]
        if any(math.isnan(number) for number in needed):
            raise ValueError(
                f"gate on {gate.metric}: {gate.kind} cannot judge {row.feature} in {row.bin} of "
                f"{sample}: a number it needs is not known"
            )
        if not gate.keeps(row, len(rows)):
            yield Failure(gate, row, len(rows))


def _parse(path: Path, number: int, entry: dict[str, Any]) -> Gate:
    known = {field.name: field.type for field in fields(Gate)}
    for key, value in entry.items():
        if key not in known:
            raise ValueError(
                f"{path}: gate {number} has an unknown key `{key}`: valid keys are "
                f"{', '.join(known)}"
            )
        wanted = str if known[key] is str else (int, float)
        if not isinstance(value, wanted) or isinstance(value, bool):
            kind = "text" if wanted is str else "a number"
            raise ValueError(f"{path}: gate {number}: expected {kind} for `{key}`, got {value!r}")
    if "metric" not in entry:
        raise ValueError(f"{path}: gate {number}: expected the key `metric`, got none")
    try:
        values: dict[str, Any] = {
            key: value if isinstance(value, str) else float(value) for key, value in entry.items()
        }
        return Gate(**values)
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from None
