import numpy as np

from calovox.benchmarking import Timing


def test_timing_is_that_of_all_passes_and_of_the_rounds_means():
    processor = np.array([[1.0, 3.0], [2.0, 6.0]])
    timing = Timing.from_rounds(processor, 2.0 * processor)
    assert timing.mean == 3.0
    assert timing.std == 1.0
    assert timing.p50 == 2.5
    assert timing.p50 < timing.p95 < timing.p99 < 6.0
    assert timing.wall_p50 == 5.0
