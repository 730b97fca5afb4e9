"""The folder of an exported model as a whole: it appears when all of it is written."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calovox.export.card import model_card
from calovox.files import check_writable, file_hash
from calovox.runtime.model_set import MODEL_FILE

__all__ = ["CARD", "describe_folder", "whole_folder"]

CARD = "MODEL_CARD.md"


@contextmanager
def whole_folder(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a temporary folder beside the final one, renamed at the end and removed on error.

    Args:
        folder: The final folder.
        overwrite: Whether an existing exported model may be replaced.

    Yields:
        The temporary folder.

    Raises:
        FileExistsError: If the folder exists and may not be replaced, or is something else.
    """
    check_writable(folder, overwrite=overwrite)
    if folder.exists() and not (folder / MODEL_FILE).is_file():
        raise FileExistsError(f"{folder} exists and is no exported model: choose another output")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def describe_folder(folder: Path, content: dict[str, Any]) -> None:
    """Write `model.json` and the model card of a folder that holds all other files.

    Args:
        folder: The folder.
        content: What `model.json` says; the hash of each file is added.
    """
    content["files"] = {path.name: file_hash(path) for path in sorted(folder.iterdir())}
    (folder / MODEL_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / CARD).write_text(model_card(content), encoding="utf-8")
