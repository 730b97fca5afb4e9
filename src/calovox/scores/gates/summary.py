"""The gates at a glance: one line per gate and sample, for the page and for `report.json`."""

from collections.abc import Sequence
from dataclasses import dataclass

from calovox.scores.gates.gates import Gate, GateOutcome

__all__ = ["GateSummary", "summarise_gates"]


@dataclass(frozen=True)
class GateSummary:
    """What one gate says of one sample.

    Attributes:
        gate: The gate.
        sample: Name of the sample.
        kept: Whether all scores that it judges pass, and there are any.
        n_passed: Scores that pass.
        n_failed: Scores that do not.
        n_known: Scores that fail as is known.
        n_not_judged: Scores, or bins, that it cannot judge.
        lines: One line for each that does not keep the gate, or is known to fail it.
    """

    gate: Gate
    sample: str
    kept: bool
    n_passed: int
    n_failed: int
    n_known: int
    n_not_judged: int
    lines: tuple[str, ...]


def summarise_gates(outcomes: Sequence[GateOutcome]) -> tuple[GateSummary, ...]:
    """Count what the gates say.

    Args:
        outcomes: What they say of each score.

    Returns:
        One summary per gate and sample, in the order of the outcomes.
    """
    groups: dict[tuple[int, str], list[GateOutcome]] = {}
    for outcome in outcomes:
        groups.setdefault((id(outcome.gate), outcome.sample), []).append(outcome)
    return tuple(_summarise(group) for group in groups.values())


def _summarise(outcomes: Sequence[GateOutcome]) -> GateSummary:
    verdicts = [outcome.verdict for outcome in outcomes]
    return GateSummary(
        outcomes[0].gate,
        outcomes[0].sample,
        all(outcome.keeps for outcome in outcomes),
        *(verdicts.count("passed"), verdicts.count("failed")),
        *(verdicts.count("known failure"), verdicts.count("not judged")),
        tuple(
            str(outcome)
            for outcome in outcomes
            if not outcome.keeps or outcome.verdict == "known failure"
        ),
    )
