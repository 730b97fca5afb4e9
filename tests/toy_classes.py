"""Two classes of events that a classifier can tell apart as far as theory allows."""

import numpy as np

N_FEATURES = 6


def gaussian(n_showers, shift, seed):
    sample = np.random.default_rng(seed).normal(size=(n_showers, N_FEATURES))
    sample[:, 2] += shift
    return sample.astype(np.float32)
