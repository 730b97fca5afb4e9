"""Devices, precision and processes, through lightning-fabric.

Processes are started by `torchrun`, or by fabric itself if several devices are asked for without
it. Every process sees the same batches and takes its share of each; gradients are averaged.

References:
    Lightning AI, *Lightning Fabric*, https://lightning.ai/docs/fabric/stable
    P. Micikevicius et al., *Mixed precision training*, 2017, https://arxiv.org/abs/1710.03740
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning_fabric import Fabric

from calovox.training.recipe import Accelerator, Precision

__all__ = ["Accelerator", "Fabric", "Precision", "limited_threads", "make_fabric"]


def make_fabric(
    accelerator: Accelerator = "cpu", *, devices: int = 1, precision: Precision = "32-true"
) -> Fabric:
    """Prepare devices.

    Args:
        accelerator: Which kind.
        devices: How many on this machine, one process each; `torchrun` knows better.
        precision: Numbers of the networks.

    Returns:
        The fabric, launched: with several devices, this is one of several processes from here on.
    """
    n_local = int(os.environ.get("LOCAL_WORLD_SIZE", devices))
    n_all = int(os.environ.get("WORLD_SIZE", n_local))
    fabric = Fabric(
        accelerator=accelerator,
        devices=n_local,
        num_nodes=n_all // n_local,
        strategy="ddp" if n_all > 1 else "auto",
        precision=precision,
    )
    fabric.launch()
    return fabric


@contextmanager
def limited_threads(number: int) -> Iterator[None]:
    """Let torch use so many threads on the CPU, for a while.

    Args:
        number: How many.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
