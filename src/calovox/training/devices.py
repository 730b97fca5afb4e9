"""Devices, precision and processes, through lightning-fabric.

Processes are started by `torchrun`, by `srun` (one task per process), or by fabric itself if
several devices are asked for without them. A process started by hand inside an allocation of
SLURM is one process, however many tasks the allocation has. Every process sees the same batches
and takes its share of each; gradients are averaged.

References:
    Lightning AI, *Lightning Fabric*, https://lightning.ai/docs/fabric/stable
    P. Micikevicius et al., *Mixed precision training*, 2017, https://arxiv.org/abs/1710.03740
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

from calovox.training.recipe import Accelerator, Precision

__all__ = ["Accelerator", "Fabric", "Precision", "limited_threads", "make_fabric"]


def make_fabric(
    accelerator: Accelerator = "cpu", *, devices: int = 1, precision: Precision = "32-true"
) -> Fabric:
    """Prepare devices.

    Args:
        accelerator: Which kind.
        devices: How many on this machine, one process each; `torchrun` and `srun` know better.
        precision: Numbers of the networks.

    Returns:
        The fabric, launched: with several devices, this is one of several processes from here on.

    Raises:
        ValueError: If `srun` has started several tasks and does not say how many per machine.
    """
    n_local, n_all, environment = _processes(devices)
    fabric = Fabric(
        accelerator=accelerator,
        devices=n_local,
        num_nodes=n_all // n_local,
        strategy="ddp" if n_all > 1 else "auto",
        precision=precision,
        plugins=environment,
    )
    fabric.launch()
    return fabric


def _processes(devices: int) -> tuple[int, int, ClusterEnvironment | None]:
    """Count the processes on this machine and on all, and say who has started them."""
    if "LOCAL_WORLD_SIZE" in os.environ:
        n_local = int(os.environ["LOCAL_WORLD_SIZE"])
        return n_local, int(os.environ.get("WORLD_SIZE", n_local)), None
    # set for the tasks of srun alone; SLURM_NTASKS also for what is started by hand
    n_tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", 1))
    if n_tasks == 1:
        return devices, devices, LightningEnvironment()
    n_local = int(os.environ.get("SLURM_NTASKS_PER_NODE", 0))
    if n_local == 0 or n_tasks % n_local:
        raise ValueError(
            f"srun: expected as many tasks on every node, got {n_tasks} tasks and "
            f"SLURM_NTASKS_PER_NODE {n_local or 'unset'}: start it with --ntasks-per-node"
        )
    return n_local, n_tasks, SLURMEnvironment(auto_requeue=False)


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
