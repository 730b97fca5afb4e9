"""CaloFast: whole showers by two small networks, one evaluation each, taught by another model."""

from calovox.models.fast.model import CaloFast
from calovox.models.fast.training import FastTraining

__all__ = ["CaloFast", "FastTraining"]
