"""Training: batches from datasets, one loop, checkpoints that continue exactly, run folders.

The modules are imported one by one: `calovox.training.recipe` and `calovox.training.sizes.options`
need no torch.
"""
