"""Passes over the ONNX graph: what is computed stays the same, how it is written changes."""
