"""Sampling from exported models, with ONNX Runtime alone."""

from calovox.runtime.metadata import ModelFileError
from calovox.runtime.model_set import ModelSet, load_models
from calovox.runtime.onnx_model import OnnxModel

__all__ = ["ModelFileError", "ModelSet", "OnnxModel", "load_models"]
