"""Training: batches from datasets, one loop, checkpoints that continue exactly, run folders."""

from calovox.training.data.showers import ShowerFiles, voxels_to_showers
from calovox.training.data.stream import Batch, ShowerStream
from calovox.training.loop import train
from calovox.training.recipe import Recipe
from calovox.training.runs.state import Step

__all__ = ["Batch", "Recipe", "ShowerFiles", "ShowerStream", "Step", "train", "voxels_to_showers"]
