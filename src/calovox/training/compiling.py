"""Compiled networks: torch writes C++ for the steps of a training, and a compiler makes kernels.

Kernels for other sizes of batches sum in another order. So networks are compiled for whole batches
alone; the smaller one at the end of an epoch and validations are computed as they are. Then the
kernels of a step depend on its batch alone, and a run that was interrupted and continued ends with
the weights of one that was not.

References:
    J. Ansel et al., *PyTorch 2: faster machine learning through dynamic Python bytecode
    transformation and graph compilation*, 2024, https://doi.org/10.1145/3620665.3640366
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from calovox.nn import DiffusionTransformer, VelocityNetwork

__all__ = ["compile_networks", "compiled", "uncompiled"]


def compile_networks(module: nn.Module) -> None:
    """Let the networks of what is trained be compiled when they are first evaluated.

    Args:
        module: The model, or what teaches it.
    """
    for network in module.modules():
        if isinstance(network, DiffusionTransformer | VelocityNetwork):
            network.compile(dynamic=False)


@contextmanager
def compiled(module: nn.Module) -> Iterator[None]:
    """Evaluate networks for a while by compiled kernels, where they are to be compiled.

    Args:
        module: What holds the networks.

    Raises:
        ValueError: If they cannot be compiled.
    """
    if not _is_compiled(module):
        yield
        return
    try:
        yield
    except torch._dynamo.exc.BackendCompilerFailed as error:
        raise ValueError(
            "compile: expected a C++ compiler (g++) and the headers of Python, got "
            f"'{_reason(error.inner_exception)}': install them, or train with --no-compile"
        ) from error


@contextmanager
def uncompiled(module: nn.Module) -> Iterator[None]:
    """Evaluate networks for a while as they are, compiled or not.

    Args:
        module: What holds the networks.
    """
    if not _is_compiled(module):
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


def _is_compiled(module: nn.Module) -> bool:
    return any(part._compiled_call_impl is not None for part in module.modules())


def _reason(error: Exception) -> str:
    """Find what a compiler complains of: its first error, or the first line of the message."""
    lines = str(error).splitlines() or [type(error).__name__]
    return next((line for line in lines if " error: " in line), lines[0])
