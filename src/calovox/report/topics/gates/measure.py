"""What the gates say, gate by gate and sample by sample."""

from collections.abc import Sequence

from calovox.report.topic import NotShown
from calovox.scores.gates.gates import GateOutcome
from calovox.scores.gates.summary import GateSummary, summarise_gates

__all__ = ["measure_gates"]


def measure_gates(outcomes: Sequence[GateOutcome]) -> tuple[GateSummary, ...] | NotShown:
    """Sum up what the gates say of each score; without gates, nothing is missing."""
    return summarise_gates(outcomes) if outcomes else NotShown(())
