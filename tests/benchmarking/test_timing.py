import time
from functools import partial

import numpy as np

from calovox.benchmarking import Timing
from calovox.benchmarking.timing import Stopwatch


def test_timing_is_that_of_all_passes_and_of_the_rounds_means():
    processor = np.array([[1.0, 3.0], [2.0, 6.0]])
    timing = Timing.from_rounds(processor, 2.0 * processor)
    assert timing.mean == 3.0
    assert timing.std == 1.0
    assert timing.p50 == 2.5
    assert timing.p50 < timing.p95 < timing.p99 < 6.0
    assert timing.wall_p50 == 5.0


def test_a_stopwatch_counts_the_time_it_was_told_to():
    waiting, working = Stopwatch("wall"), Stopwatch()
    for watch in (waiting, working):
        watch.time(partial(time.sleep, 0.05))
    assert waiting.timing(1).p50 == waiting.timing(1).wall_p50 >= 50.0
    assert working.timing(1).p50 < 25.0
