"""Models of shapes: the shares of the voxels in the energy of their layer."""
