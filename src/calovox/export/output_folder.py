"""The folder of an exported model as a whole: it appears when all of it is written."""

import json
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from calovox.export.card import model_card
from calovox.export.provenance import gather_provenances
from calovox.files.whole import check_folder, file_hash, whole_folder
from calovox.models.centers import CenterModel
from calovox.runtime.model_set import MODEL_FILE

__all__ = ["CARD", "copy_centers", "describe_folder", "new_folder"]

CARD = "MODEL_CARD.md"
_CENTERS = "centers.json"


def new_folder(folder: Path, *, overwrite: bool) -> AbstractContextManager[Path]:
    """Give a temporary folder beside the final one, which it replaces at the end.

    Args:
        folder: The final folder.
        overwrite: Whether an existing exported model may be replaced.

    Returns:
        The temporary folder, to be used in a `with` statement.

    Raises:
        FileExistsError: If the folder exists and may not be replaced, or is something else.
    """
    check_folder(folder, marker=MODEL_FILE, kind="exported model", overwrite=overwrite)
    return whole_folder(folder)


def copy_centers(centers: Path, folder: Path) -> str:
    """Copy a file of shower centres into a folder.

    Args:
        centers: The file.
        folder: The folder.

    Returns:
        The name of the copy.

    Raises:
        CenterFileError: If it is another file, or damaged.
    """
    CenterModel.read(centers)
    shutil.copyfile(centers, folder / _CENTERS)
    return _CENTERS


def describe_folder(folder: Path, content: dict[str, Any]) -> None:
    """Write `model.json` and the model card of a folder that holds all other files.

    Args:
        folder: The folder.
        content: What `model.json` says; the hash of each file is added, and where each dataset
            comes from is said once, in `provenances`.
    """
    content["files"] = {path.name: file_hash(path) for path in sorted(folder.iterdir())}
    card = model_card(content)
    content["models"], content["provenances"] = gather_provenances(content["models"])
    (folder / MODEL_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / CARD).write_text(card, encoding="utf-8")
