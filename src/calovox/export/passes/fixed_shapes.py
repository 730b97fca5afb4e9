"""Models with fixed shapes, of one event, as FastCaloSim loads them."""

from pathlib import Path

import onnx

from calovox.files.damage import reading
from calovox.files.whole import whole_file
from calovox.runtime.metadata import ModelFileError
from calovox.runtime.whole_onnx import check_whole

__all__ = ["fix_batch", "save_onnx"]


def fix_batch(path: Path, fixed: Path) -> None:
    """Copy a model and make its batches of one event, as FastCaloSim needs it.

    Args:
        path: An exported model for batches of any size.
        fixed: The copy; replaced if it exists.

    Raises:
        ModelFileError: If it is damaged, or not whole in itself.
    """
    check_whole(path)
    with reading(path, ModelFileError):
        model = onnx.load(path, load_external_data=False)
        for tensor in (*model.graph.input, *model.graph.output):
            tensor.type.tensor_type.shape.dim[0].dim_value = 1
    del model.graph.value_info[:]
    save_onnx(model, fixed)


def save_onnx(model: onnx.ModelProto, path: Path) -> None:
    """Write a model, whole or not at all; an existing file is replaced.

    Args:
        model: The model.
        path: The file.
    """
    with whole_file(path, overwrite=True) as partial:
        onnx.save_model(model, partial)
