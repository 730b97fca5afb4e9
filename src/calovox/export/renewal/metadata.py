"""What an ONNX file says of the parts of its model, which `model.json` says as well."""

import json
from collections.abc import Mapping
from typing import Any

import onnx

__all__ = ["describe_part"]


def describe_part(model: onnx.ModelProto, part: str, described: Mapping[str, Any]) -> None:
    """Say something else of one part of a model.

    Args:
        model: The model; its metadata are changed.
        part: Name of the part in `model.json`.
        described: What is to be said of it.
    """
    for entry in model.metadata_props:
        if entry.key == "card":
            card = json.loads(entry.value) | {part: described}
            entry.value = json.dumps(card, sort_keys=True)
