"""Training of the classifier that tries to tell simulated showers from Geant4.

The network is that of the CaloChallenge: an input layer of 512 neurons and two hidden layers of
512, with leaky ReLU and no dropout. It minimises the cross entropy of the labels. Training stops
early when the cross entropy of a validation set rises, and keeps the weights of the lowest. The
CaloChallenge trains 50 epochs of batches of 1000 at the learning rate 2e-4 without weight decay,
and keeps the weights of the highest accuracy; our settings need fewer showers. One thread does it
all, so that numbers do not depend on the processor. No other file of the evaluation needs torch.

References:
    CaloChallenge, `evaluate.py` and its class `DNN`, https://github.com/CaloChallenge/homepage
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Final

import numpy as np
import torch
from jaxtyping import Float as TensorFloat
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from calovox.arrays import Array, Float32
from calovox.nn.mlp import MLP

__all__ = ["HIDDEN", "classifier_scores"]

HIDDEN: Final = (512, 512, 512)
"""Neurons of the input layer and of the two hidden layers behind it."""

_LABELS: Final = np.array([0, 1], dtype=np.float32)
_LEARNING_RATE: Final = 5e-4
_WEIGHT_DECAY: Final = 1e-2
_BATCH: Final = 256
_MOST_EPOCHS: Final = 60
_PATIENCE: Final = 4


def classifier_scores(
    reference: Sequence[Float32[Array, "_ feature"]],
    simulated: Sequence[Float32[Array, "_ feature"]],
    *,
    seed: int,
) -> list[tuple[Float32[Array, " _"], Float32[Array, " _"]]]:
    """Train a classifier and let it judge showers that it has not been trained with.

    Args:
        reference: Inputs of reference showers: those to train with, to stop with, to judge.
        simulated: The same of simulated showers.
        seed: Of initial weights and batches.

    Returns:
        Scores of reference and simulated showers, of those that stop the training and of those
        to judge: logits of being simulated.
    """
    mean, scale = _standardisation(np.concatenate([reference[0], simulated[0]]))
    parts = [
        (
            torch.from_numpy((np.concatenate(pair) - mean) / scale),
            torch.from_numpy(np.repeat(_LABELS, [len(rows) for rows in pair])),
        )
        for pair in zip(reference, simulated, strict=True)
    ]
    with _one_thread():
        network = _train(*parts[0], *parts[1], seed=seed)
        with torch.no_grad():
            scores = [network(x).squeeze(1).numpy() for x, _ in parts[1:]]
    return [
        (found[: len(rows)], found[len(rows) :])
        for found, rows in zip(scores, reference[1:], strict=True)
    ]


@contextmanager
def _one_thread() -> Iterator[None]:
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def _standardisation(
    features: Float32[Array, "event feature"],
) -> tuple[Float32[Array, " feature"], Float32[Array, " feature"]]:
    scale = features.std(axis=0)
    return features.mean(axis=0), np.where(scale > 0, scale, np.float32(1))


def _train(
    x: TensorFloat[Tensor, "event feature"],
    y: TensorFloat[Tensor, " event"],
    x_stop: TensorFloat[Tensor, "other feature"],
    y_stop: TensorFloat[Tensor, " other"],
    *,
    seed: int,
) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MLP([x.shape[1], *HIDDEN, 1], activation=nn.LeakyReLU)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    lowest, best, waited = math.inf, deepcopy(network), 0
    for _ in range(_MOST_EPOCHS):
        for rows in _batches(len(x), generator):
            optimizer.zero_grad()
            loss = binary_cross_entropy_with_logits(network(x[rows]).squeeze(1), y[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        with torch.no_grad():
            found = float(binary_cross_entropy_with_logits(network(x_stop).squeeze(1), y_stop))
        waited = 0 if found < lowest else waited + 1
        if found < lowest:
            lowest, best = found, deepcopy(network)
        if waited == _PATIENCE:
            break
    return best


def _batches(n_rows: int, generator: torch.Generator) -> Iterator[Tensor]:
    yield from torch.split(torch.randperm(n_rows, generator=generator), _BATCH)
