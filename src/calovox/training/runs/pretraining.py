"""A network that has been trained already as the start of another training.

Only the network is taken; what is standardised is fitted to the new showers. A network can so be
carried on to more showers, other energies, or another detector with the same voxels.
"""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from torch import nn

from calovox.models.fast import CaloFast
from calovox.training.runs.model import read_weights
from calovox.training.runs.record import json_to_grid, read_record
from calovox.training.sizes.kinds import Sizes, read_sizes
from calovox.training.sizes.shapes import SampledSizes
from calovox.voxelization import VoxelGrid

__all__ = ["take_network"]


def take_network(model: nn.Module, sizes: Sizes, grid: VoxelGrid, folder: Path) -> None:
    """Give a model the network of a run, finished or not.

    Args:
        model: The model, whose network has random weights; these are replaced.
        sizes: Its sizes.
        grid: Its voxels.
        folder: The run folder.

    Raises:
        ValueError: If the folder is no run folder, or its network another one.
        FileNotFoundError: If the run has no weights yet.
    """
    record = read_record(folder)
    expected = _network_sizes(sizes)
    found = _network_sizes(read_sizes(record.kind, record.sizes))
    if found != expected:
        raise ValueError(f"pretrained: expected a run of {expected}, got one of {found}: {folder}")
    found_grid = json_to_grid(record.grid)
    if found_grid != grid:
        raise ValueError(
            f"pretrained: expected a run on {grid!r}, got one on {found_grid!r}: {folder}"
        )
    weights = read_weights(folder).items()
    if isinstance(model, CaloFast):  # all of it: what it sees of photons is fixed
        model.load_state_dict(dict(weights))
        return
    prefix = "network."
    network = {k.removeprefix(prefix): v for k, v in weights if k.startswith(prefix)}
    model.get_submodule("network").load_state_dict(network)


def _network_sizes(sizes: Sizes) -> dict[str, Any]:
    """Leave out what says how samples are made: the network is the same."""
    sampling = {field.name for field in fields(SampledSizes)}
    plain = json.loads(json.dumps(asdict(sizes)))
    return {"kind": sizes.kind} | {k: v for k, v in plain.items() if k not in sampling}
