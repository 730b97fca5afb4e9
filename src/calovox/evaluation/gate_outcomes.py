"""What the gates say of every score that they judge."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from calovox.evaluation.gates import Gate, check_gates
from calovox.evaluation.scores import Scores

__all__ = ["GateOutcome", "judge_gates"]


@dataclass(frozen=True)
class GateOutcome:
    """What one gate says of one score of a sample.

    Attributes:
        gate: The gate.
        sample: Name of the sample.
        verdict: Whether the score passed, failed, or could not be judged.
        n_rows: Scores of this sample that the gate judges.
        text: Why it did not pass; empty if it did.
    """

    gate: Gate
    sample: str
    verdict: Literal["passed", "failed", "not judged"]
    n_rows: int
    text: str = ""

    @property
    def keeps(self) -> bool:
        """Whether the gate is kept: False as well if it judges no score of the sample."""
        return self.verdict != "failed" and self.n_rows > 0

    def __str__(self) -> str:
        return self.text


def judge_gates(gates: Sequence[Gate], scores: Scores) -> tuple[GateOutcome, ...]:
    """Check each gate on each sample.

    Args:
        gates: The gates.
        scores: Scores of one sample or more.

    Returns:
        One outcome per gate and score, or one per gate and sample that it cannot judge.
    """
    samples = dict.fromkeys(score.sample for score in scores)
    tables = {name: scores.select(sample=name) for name in samples}
    return tuple(
        outcome
        for gate in gates
        for name, table in tables.items()
        for outcome in _judge(gate, name, table)
    )


def _judge(gate: Gate, sample: str, scores: Scores) -> Iterator[GateOutcome]:
    rows = [score for score in scores if gate.judges(score)]
    try:
        failures = {id(failure.score): str(failure) for failure in check_gates((gate,), scores)}
    except ValueError as problem:
        yield GateOutcome(gate, sample, "not judged", 0, f"{sample}: {problem}")
        return
    for row in rows:
        text = failures.get(id(row), "")
        yield GateOutcome(gate, sample, "failed" if text else "passed", len(rows), text)
