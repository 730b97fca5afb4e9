"""Targets: which files are changed, and what reads them."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from calovox.files.whole import file_hash
from fuzz import readers
from fuzz.corpus import CONFIGS
from fuzz.mutations import mutate_file

__all__ = ["TARGETS", "Target", "make_input"]

Reader = Callable[[Path, Path], None]

_REPAIRED: Final = 0.85
_MODEL_JSON: Final = "model.json"


@dataclass(frozen=True)
class Target:
    """Files of one kind, and what reads them.

    Attributes:
        folder: Folder of the corpus.
        changed: The files of which one is changed.
        reads: What reads them: one of these per input.
        keep: Files that the readers need beside these; all by default.
    """

    folder: str
    changed: tuple[str, ...]
    reads: tuple[Reader, ...]
    keep: tuple[str, ...] | None = None


def make_input(
    target: Target, corpus: Path, folder: Path, rng: np.random.Generator
) -> tuple[Reader, str]:
    """Make an input.

    Args:
        target: What kind of input.
        corpus: The folder of all seed files.
        folder: Where the files of the input go; must not exist.
        rng: Decides everything.

    Returns:
        What reads the input, and what was changed.
    """
    source = corpus / target.folder
    changed = target.changed[rng.integers(len(target.changed))]
    if target.keep is None:
        shutil.copytree(source, folder)
    else:
        folder.mkdir()
        for name in {changed, *target.keep}:
            copy = shutil.copytree if (source / name).is_dir() else shutil.copyfile
            copy(source / name, folder / name)
    done = mutate_file(folder / changed, rng)
    if (folder / _MODEL_JSON).is_file() and rng.random() < _REPAIRED:
        _repair_hashes(folder)
    return target.reads[rng.integers(len(target.reads))], f"{changed}: {done}"


def _repair_hashes(folder: Path) -> None:
    """Make the hashes in `model.json` those of the changed files, or they alone are refused."""
    path = folder / _MODEL_JSON
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for name in content["files"]:
            if (folder / name).is_file():
                content["files"][name] = file_hash(folder / name)
        path.write_text(json.dumps(content), encoding="utf-8")
    except (ValueError, TypeError, KeyError, AttributeError, OSError, RecursionError):
        return  # it is `model.json` itself that was changed


_CHALLENGE: Final[tuple[Reader, ...]] = (
    *[readers.read_challenge] * 6,
    *[readers.read_foreign_showers] * 6,
    readers.run_import_showers,
)

TARGETS: Final[dict[str, Target]] = {
    "hits": Target(
        "hits",
        ("hits.h5",),
        (
            *[readers.read_hits] * 12,
            *(readers.run_info_on_hits, readers.run_voxelize, readers.run_reconstruct_hits),
        ),
    ),
    "dataset": Target(
        "dataset",
        ("photons.h5",),
        (
            *[readers.read_dataset, readers.read_sample] * 6,
            *(readers.run_info_on_dataset, readers.run_simulate_library),
            *(readers.run_reconstruct_dataset, readers.run_write_cells),
            readers.run_show,
        ),
        keep=(),
    ),
    "library": Target(
        "dataset",
        ("library.h5",),
        (*[readers.read_library] * 12, readers.run_simulate_nearest),
        keep=(),
    ),
    "foreign hits": Target(
        "foreign",
        (
            *("hits.csv", "hits.parquet", "hits.h5"),
            *("hits.root", "sim.root"),
        ),
        (*[readers.read_foreign_hits] * 12, readers.run_import),
        keep=("import.toml", "primaries.csv"),
    ),
    "description": Target(
        "foreign",
        ("import.toml",),
        (*[readers.read_description_of_hits] * 12, readers.run_import_described),
    ),
    "challenge": Target("challenge", ("showers.h5",), _CHALLENGE),
    "binning": Target("challenge", ("binning.xml",), _CHALLENGE),
    "lemurs": Target(
        "lemurs",
        ("lemurs.h5",),
        (*[readers.read_foreign_showers] * 12, readers.run_import_showers),
    ),
    "curve": Target(
        "curve",
        ("curve.h5",),
        (*[readers.read_curves] * 12, readers.run_info_on_curves),
        keep=(),
    ),
    "curve for FastCaloSim": Target(
        "curve",
        tuple(f"phi_modulation_layer_{layer}_eta_0.00_2.50.root" for layer in range(4)),
        (readers.read_root_curve,),
        keep=(),
    ),
    "sub-voxels": Target(
        "sub_voxels",
        ("sub_voxels.root",),
        (
            *[readers.read_sub_voxel_file] * 12,
            *(readers.run_info_on_root, readers.run_simulate_sub_voxels),
        ),
    ),
    "cells": Target(
        "cells",
        ("CaloCells.root",),
        (
            *[readers.read_cells] * 12,
            *(readers.run_info_on_root, readers.run_reconstruct_cells),
        ),
    ),
    "detector": Target(
        "detector",
        ("detector.toml", "table.toml", "cells.csv"),
        (*[readers.read_detectors] * 12, readers.run_info_on_detector, readers.run_detector),
    ),
    "files of a detector": Target(
        "detector",
        ("hits.h5", "photons.h5"),
        (*[readers.read_marks] * 12, readers.run_info_on_marks, readers.run_with_marks),
        keep=(),
    ),
    "photons": Target("photons", ("photons.csv", "photons.parquet"), (readers.read_photons,)),
    "shapes": Target(
        "shapes",
        ("shapes.parquet",),
        (*[readers.read_shapes] * 12, readers.run_info_on_shapes),
    ),
    "parametrisation": Target(
        "parametrisation",
        ("parametrisation.h5",),
        (
            *[readers.read_parametrisation] * 12,
            *(readers.run_info_on_parametrisation, readers.run_simulate_parametrisation),
        ),
    ),
    "model": Target(
        "model",
        (
            *("model.json", "model.json", "low.onnx", "low.onnx", "high.onnx"),
            *("sub_voxels.root", "phi_modulation.h5"),
        ),
        (
            *[readers.read_model] * 12,
            *(readers.run_simulate_model, readers.run_export_model, readers.run_export_model),
            *(readers.run_info_on_model,),
        ),
    ),
    "run": Target(
        "run",
        (
            *("inn/run.json", "inn/weights.safetensors"),
            *("cfm/run.json", "cfm/weights.safetensors"),
        ),
        (readers.read_runs,),
    ),
    "paused run": Target(
        "run",
        ("paused/run.json", "paused/checkpoint.pt", "paused/checkpoint.pt", "paused/config.toml"),
        (readers.run_train,),
    ),
    "centres": Target(
        "centers",
        ("centers.json",),
        (*[readers.read_centers] * 12, readers.run_simulate_centers),
    ),
    "patterns": Target(
        "patterns",
        ("patterns.h5",),
        (
            *[readers.read_pattern_file] * 12,
            *(readers.run_info_on_patterns, readers.run_simulate_patterns),
        ),
    ),
    "grid": Target(
        "grid",
        ("grid.toml",),
        (*[readers.read_grid] * 12, readers.run_info_on_toml, readers.run_voxelize),
    ),
    "gates": Target("gates", ("gates.toml",), (readers.read_gate_file,)),
    "settings": Target(
        "configs",
        tuple(f"{command.replace(' ', '_')}.toml" for command in CONFIGS),
        (readers.run_dry,),
        keep=("photons.h5", "hits.h5", "curve.h5", "inn"),
    ),
    "report": Target("report", ("report.json",), (readers.run_info_on_report,)),
    "scores": Target("scores", ("scores.json", "scores.parquet"), (readers.read_scores,)),
    "shards": Target(
        "shards",
        ("hits.h5.shards/settings.json", "hits.h5.shards/000000.h5"),
        (readers.read_shards,),
    ),
}
"""All targets by name."""
