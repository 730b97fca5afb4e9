"""Models with fixed shapes, of one event, as FastCaloSim loads them."""

import shutil
from pathlib import Path
from typing import Any

import onnx

from calovox.damage import reading
from calovox.export.card import model_card
from calovox.export.output_folder import describe_folder, new_folder
from calovox.files import whole_file
from calovox.runtime.metadata import ModelFileError
from calovox.runtime.model_set import MODEL_FILE, check_files, read_description
from calovox.runtime.whole_onnx import check_whole

__all__ = ["export_fixed", "fix_batch", "save_onnx"]


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


def export_fixed(exported: Path, folder: Path, *, overwrite: bool = False) -> dict[str, Any]:
    """Copy an exported model, and add a file with fixed shapes for each of its models.

    Args:
        exported: Folder of an exported model.
        folder: The copy; it appears when all of it is written.
        overwrite: Whether an existing exported model may be replaced.

    Returns:
        The content of its `model.json`.

    Raises:
        FileExistsError: If the folder exists and may not be replaced, or is something else.
        ModelFileError: If there is no exported model, or a damaged one.
    """
    content = read_description(exported)
    check_files(exported, content, list(content["files"]))
    for name in content["files"]:
        if name.endswith(".onnx"):
            check_whole(exported / name)
    with reading(exported / MODEL_FILE, ModelFileError, "is damaged"):
        model_card(content)
    with new_folder(folder, overwrite=overwrite) as partial:
        for name in content["files"]:
            shutil.copyfile(exported / name, partial / name)
        for model in content["models"]:
            model["fastcalosim_file"] = f"{Path(model['file']).stem}_fcs.onnx"
            fix_batch(partial / model["file"], partial / model["fastcalosim_file"])
        describe_folder(partial, content)
    return content
