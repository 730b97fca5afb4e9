"""Training: batches from datasets, one loop, checkpoints that continue exactly, run folders."""

from calovox.training.loop import train
from calovox.training.recipe import Recipe
from calovox.training.run_state import Step
from calovox.training.showers import ShowerFiles, voxels_to_showers
from calovox.training.stream import Batch, ShowerStream

__all__ = ["Batch", "Recipe", "ShowerFiles", "ShowerStream", "Step", "train", "voxels_to_showers"]
