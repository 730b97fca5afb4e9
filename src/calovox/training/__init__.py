"""Training: batches from a dataset, one loop, and checkpoints that continue exactly."""

from calovox.training.loop import Recipe, Step, train
from calovox.training.stream import Batch, ShowerStream, voxels_to_showers

__all__ = ["Batch", "Recipe", "ShowerStream", "Step", "train", "voxels_to_showers"]
