"""Simulation: photons to voxels, hits and cells, with any sampler."""
