"""Exported models that are changed afterwards: for newer programs, or with other parts."""

from calovox.export.renewal.copying import add_fixed_shapes, renew_models

__all__ = ["add_fixed_shapes", "renew_models"]
