"""Which models FastCaloSim can run: its class has one layout of voxels built in."""

from typing import Final

from calovox.voxelization import VoxelGrid

__all__ = ["LAYERS", "LAYER_BORDERS", "why_not_fastcalosim"]

LAYER_BORDERS: Final = (0, 36, 200, 310, 346, 382)
"""Where the voxels of each layer begin and the last ones end, in `TFCSBinnedShowerONNX`."""

LAYERS: Final = (0, 1, 2, 3, 12)
"""Numbers of the layers that it fills."""


def why_not_fastcalosim(grid: VoxelGrid, n_noise: int) -> str | None:
    """Say why FastCaloSim cannot run a model.

    It copies 382 numbers into `cfm_z_shape` and reads 382 voxels, whatever the sizes are: another
    model corrupts its memory, or is read wrongly without a word.

    Args:
        grid: The voxels of the model.
        n_noise: How many normal numbers its shapes take.

    Returns:
        The reason in one clause; None if it can run the model.
    """
    if grid.numbers != LAYERS:
        return f"its layers are {LAYERS}, those of this grid {grid.numbers}"
    borders = grid.layer_boundaries.tolist()
    if borders != list(LAYER_BORDERS):
        return f"its layers have voxels {list(LAYER_BORDERS)}, those of this grid {borders}"
    if n_noise != LAYER_BORDERS[-1]:
        return f"it draws {LAYER_BORDERS[-1]} numbers for the voxels, this model takes {n_noise}"
    return None
