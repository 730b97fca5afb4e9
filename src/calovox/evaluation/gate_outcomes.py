"""What came of each gate for each sample: for the page and the numbers of a report."""

from collections.abc import Sequence
from dataclasses import dataclass

from calovox.evaluation.gates import Gate, check_gates
from calovox.evaluation.scores import Scores

__all__ = ["GateOutcome", "judge_gates"]


@dataclass(frozen=True)
class GateOutcome:
    """One gate and one sample.

    Attributes:
        gate: The gate.
        sample: Name of the sample.
        n_rows: Scores of the sample that the gate judges.
        failures: One line for each that does not keep it.
        problem: Why the gate cannot judge the sample; empty if it can.
    """

    gate: Gate
    sample: str
    n_rows: int
    failures: tuple[str, ...] = ()
    problem: str = ""

    @property
    def kept(self) -> bool:
        """Whether the sample keeps the gate."""
        return not self.failures and not self.problem


def judge_gates(gates: Sequence[Gate], scores: Scores) -> tuple[GateOutcome, ...]:
    """Check each gate on each sample.

    Args:
        gates: The gates.
        scores: Scores of one sample or more.

    Returns:
        One outcome per gate and sample that it is for.
    """
    samples = dict.fromkeys(score.sample for score in scores)
    tables = {name: scores.select(sample=name) for name in samples}
    outcomes = (_judge(gate, name, table) for gate in gates for name, table in tables.items())
    return tuple(outcome for outcome in outcomes if outcome is not None)


def _judge(gate: Gate, sample: str, scores: Scores) -> GateOutcome | None:
    n_rows = sum(gate.judges(score) for score in scores)
    try:
        failures = check_gates((gate,), scores)
    except ValueError as problem:
        return GateOutcome(gate, sample, n_rows, problem=str(problem))
    if n_rows == 0:
        return None  # the gate is for other samples
    return GateOutcome(gate, sample, n_rows, tuple(str(failure) for failure in failures))
