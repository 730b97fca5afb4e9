"""What a shower costs: time and memory of models, as in the note's Table B.1."""

from calovox.benchmarking.costs import PASSES, ROUNDS, Cost, Times, measure_costs
from calovox.benchmarking.memory import measure_memory
from calovox.benchmarking.timing import Timing

__all__ = ["PASSES", "ROUNDS", "Cost", "Times", "Timing", "measure_costs", "measure_memory"]
