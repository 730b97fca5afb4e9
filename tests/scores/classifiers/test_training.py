import numpy as np
import torch

from calovox.scores.classifiers.training import classifier_scores
from tests.toy_classes import gaussian

torch.set_num_threads(1)


def test_training_repeats_and_leaves_the_global_generator_alone():
    reference, simulated = ([gaussian(200, shift, k) for k in range(3)] for shift in (0.0, 1.0))
    state = torch.get_rng_state()
    scores = [classifier_scores(reference, simulated, seed=7)[1][1] for _ in range(2)]
    np.testing.assert_array_equal(*scores)
    assert torch.equal(state, torch.get_rng_state())
