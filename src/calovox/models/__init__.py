"""Models: energies of layers, and showers of voxels, for given photons.

`calovox.models.base` has the contracts and imports no torch; the models are in modules of their
own, which do.
"""
