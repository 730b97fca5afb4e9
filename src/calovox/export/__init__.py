"""Export: a trained model as an ONNX graph, with the files that belong to it."""
