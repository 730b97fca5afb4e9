"""Exported models whose weights `calovox correct` has trained further."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx

from calovox.export.correction.graph import ExportedModel, put_weights
from calovox.export.correction.identity import graph_hash
from calovox.export.passes.fixed_shapes import save_onnx
from calovox.export.provenance import group_hits, name_files_once
from calovox.export.renewal.metadata import describe_part
from calovox.files.whole import file_hash
from calovox.training.runs.model import read_weights
from calovox.training.runs.record import read_record

__all__ = ["match_corrections", "put_correction"]


def match_corrections(
    runs: Sequence[Path], content: Mapping[str, Any], folder: Path
) -> dict[str, Path]:
    """Find what each run has corrected: the very file, or one that computes the same.

    Args:
        runs: Run folders of `calovox correct`.
        content: The content of `model.json`.
        folder: Folder of the exported models.

    Returns:
        Run folders by the names of ONNX files.

    Raises:
        ValueError: If one is no such folder, or has corrected another file or the same as another.
    """
    known = _hashes(content, folder) if runs else {}
    found: dict[str, Path] = {}
    for run in runs:
        record = read_record(run)
        if record.kind != "correction":
            raise ValueError(
                f"--correction: expected run folders of calovox correct, got a run of "
                f"{record.kind}: {run}"
            )
        file = known.get(record.sizes["sha256"]) or known.get(record.sizes.get("graph_sha256", ""))
        if file is None:
            raise ValueError(
                f"--correction: expected a run that corrected a file of {folder}, got one that "
                f"corrected another {record.sizes['file']}: {run}"
            )
        if file in found:
            raise ValueError(
                f"--correction: expected one run for {file}, got {found[file]} and {run}"
            )
        found[file] = run
    return found


def _hashes(content: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Give the names of ONNX files by their SHA-256, and by that of what they compute."""
    names = [model["file"] for model in content["models"]]
    of_files = {file_hash(folder / name): name for name in names}
    return {graph_hash(onnx.load(folder / name)): name for name in names} | of_files


def put_correction(
    path: Path, run: Path, described: Mapping[str, Any], part: str
) -> dict[str, Any]:
    """Give an exported model the weights of a run.

    Args:
        path: The ONNX file; it is changed.
        run: The run folder.
        described: What `model.json` says of the part with these weights.
        part: Its name there.

    Returns:
        What `model.json` says of it now.
    """
    record = read_record(run)
    model = onnx.load(path)
    corrected = ExportedModel(model, pace=record.sizes["pace"])
    corrected.load_state_dict(read_weights(run))
    put_weights(model, corrected.graph.current())
    correction = {
        "recipe": record.recipe,
        "data": name_files_once(group_hits(record.data)),
        "steps": record.step,
        "metrics": record.metrics,
    }
    told = dict(described) | {"corrections": [*described.get("corrections", []), correction]}
    describe_part(model, part, told)
    save_onnx(model, path)
    return told
