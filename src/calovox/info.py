"""What is in a file or a folder of calovox, in a few lines."""

import json
import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.dataset import DatasetReader
from calovox.files.damage import reading
from calovox.files.formats import Format, UnknownFormatError, detect_format
from calovox.files.root import open_root
from calovox.files.toml import read_toml
from calovox.geometry import Detector, atlas_barrel, read_barrel
from calovox.geometry.detector_files import read_detector
from calovox.hits.file import HitsReader
from calovox.hits.shares import EnergyShares, ShareCounter
from calovox.models.parametric.file import read_parametric
from calovox.models.parametric.model import ParametricModel
from calovox.patterns.file import read_patterns
from calovox.phi_modulation.curve_file import read_curve
from calovox.phi_modulation.state import modulation_state
from calovox.reconstruction import read_shapes_file
from calovox.samples.calochallenge import describe_calochallenge
from calovox.units import format_energy
from calovox.voxelization import VoxelGrid

__all__ = ["describe_file"]

_FIRST: Final = slice(0, 1000)
"""Showers of a dataset whose mean energies are shown."""


def describe_file(path: Path) -> dict[str, str]:
    """Say what is in a file or a folder, whatever it is.

    Args:
        path: Hits, dataset, shapes, grid, settings, curves, parametrisation, patterns, tables of
            cells, sub-voxel probabilities, showers of the CaloChallenge, the folder of a report or
            of an exported model.

    Returns:
        Lines for a reader, by their titles.

    Raises:
        UnknownFormatError: If it is none of ours, or damaged.
    """
    return _DESCRIBE[detect_format(path)](path)


def _describe_shapes(path: Path) -> dict[str, str]:
    content = read_shapes_file(path)
    lines = {"format": "shower shapes", "events": f"{len(content)}"}
    if content.shapes is None:
        lines["shapes"] = "of layers alone: no strips or no middle layer"
        return lines | _made_with(content.provenance)
    for name in ("e_raw", "e_cal", "f1", "r_eta", "r_phi"):
        values = getattr(content.shapes, name)
        if values is not None and len(values):
            lines[f"mean of {name}"] = f"{values.mean():.5g}"
    lines["calibration"] = "none" if content.calibration is None else repr(content.calibration)
    return lines | _made_with(content.provenance)


def _describe_hits(path: Path) -> dict[str, str]:
    reader = HitsReader(path, takes_weights=True)
    lines = _without_provenance(reader.summary())
    hits = next(reader.batches(), None)
    # a detector whose cells are in a table is not in the file
    detector = atlas_barrel() if reader.detector is None else reader.detector.detector()
    if detector is None or hits is None:
        return lines | _made_with(reader.provenance)
    if np.isin(hits.layer, detector.numbers).all():
        counter = ShareCounter(detector, detector.cells)
        counter.add(hits)
        lines |= _describe_shares(counter.shares(), len(reader))
    return lines | _made_with(reader.provenance)


def _describe_dataset(path: Path) -> dict[str, str]:
    reader = DatasetReader(path, takes_weights=True)
    lines = _without_provenance(reader.summary())
    voxels = reader.read(_FIRST)
    if len(voxels):
        layers = np.average(voxels.layer_energy, axis=0, weights=voxels.weight)
        by_number = dict(zip(reader.grid.numbers, layers.tolist(), strict=True))
        lines |= _describe_shares(EnergyShares(len(voxels), by_number), len(reader))
    return lines | _made_with(reader.provenance)


def _describe_shares(shares: EnergyShares, n_events: int) -> dict[str, str]:
    lines = {"mean E_tot/E_kin": f"{shares}"}
    if shares.n_events < n_events:
        lines["mean E_tot/E_kin"] += f", of the first {shares.n_events} showers"
    warnings = shares.warnings()
    return lines | ({"warning": "; ".join(warnings)} if warnings else {})


def _describe_parametrisation(path: Path) -> dict[str, str]:
    model = read_parametric(path)
    (low, high), (low_eta, high_eta) = model.energy_range, model.eta_range
    return {
        "format": "parametrisation (FastCaloSimV2)",
        "stored energies": f"{len(model.energies)}, {format_energy(low)} to {format_energy(high)}",
        "slices in |eta|": f"{model.n_bins.shape[1]}, {low_eta:g} to {high_eta:g}",
        "showers in a sample": f"{model.n_showers.min()} to {model.n_showers.max()}",
        "bins of the first PCA": f"{model.n_bins.min()} to {model.n_bins.max()}",
        "parameters": f"{model.n_parameters}",
        "phi modulation": modulation_state(model.phi_modulation),
    } | _made_with(model.provenance)


def _describe_patterns(path: Path) -> dict[str, str]:
    library = read_patterns(path)
    low, high = map(format_energy, library.energies[[0, -1]])
    edges = [0.0, *library.eta_borders.tolist(), math.inf]
    return {
        "format": "library of patterns",
        "grid": f"{library.grid.name}: {library.grid.n_voxels} voxels",
        "stored energies": f"{len(library.energies)}, {low} to {high}",
        "ranges of |eta|": ", ".join(f"{low:g} to {high:g}" for low, high in pairwise(edges)),
        "steps of the density": ", ".join(map(str, library.steps)) or "none",
        "showers of an energy": f"{library.n_showers.min()} to {library.n_showers.max()}",
        "patterns": f"{len(library)}, with {library.n_deposits.mean():.3g} deposits on average",
        "phi modulation": modulation_state(library.meta.get("phi_modulation")),
    } | _made_with(library.meta.get("provenance") or {})


def _without_provenance(lines: dict[str, str]) -> dict[str, str]:
    return {title: text for title, text in lines.items() if not title.startswith("made with ")}


def _made_with(provenance: Any, title: str = "made with") -> dict[str, str]:
    """Give each entry of a nested provenance a line of its own."""
    if isinstance(provenance, list) and any(isinstance(entry, Mapping) for entry in provenance):
        if len(provenance) == 1:
            return _made_with(provenance[0], title)
        provenance = dict(enumerate(provenance, start=1))
    if not isinstance(provenance, Mapping):
        return {title: f"{provenance}"}
    lines: dict[str, str] = {}
    for key, value in provenance.items():
        lines |= _made_with(value, f"{title} {key}")
    return lines


def _describe_root(path: Path) -> dict[str, str]:
    with open_root(path, UnknownFormatError) as file:
        classes = {name.partition(";")[0]: kind for name, kind in file.classnames().items()}
    if "caloDetCells" in classes:
        return {"format": "table of cells", "cells": repr(read_barrel(path).cells)}
    names = [name.split("_energy_") for name in classes if name.startswith("probabilities_layer_")]
    if not names:
        raise ValueError(f"{path}: neither a table of cells nor sub-voxel probabilities")
    with reading(path, UnknownFormatError):
        energies = sorted({float(energy) for _, energy in names})
        layers = sorted({int(name.removeprefix("probabilities_layer_")) for name, _ in names})
    return {
        "format": "sub-voxel probabilities",
        "layers": ", ".join(map(str, layers)),
        "energies": ", ".join(map(format_energy, energies)),
    }


def _describe_toml(path: Path) -> dict[str, str]:
    table = read_toml(path, UnknownFormatError)
    if isinstance(table.get("layers"), list):
        return _describe_detector(read_detector(path))
    if "rings" not in table:
        return {"format": "settings of a command"} | {k: f"{v}" for k, v in table.items()}
    grid = VoxelGrid.from_toml(path)
    return {"format": "voxel grid", "name": grid.name, "voxels": f"{grid.n_voxels}\n{grid}"}


def _describe_detector(detector: Detector) -> dict[str, str]:
    low, high = detector.eta_range
    radii = detector.radii(np.array([0.5 * (low + high)]))[0]
    lines = {
        "format": "detector",
        "name": detector.name,
        "layers": f"{len(detector.layers)}",
        "|eta|": f"{low:g} to {high:g}",
        "cells": f"{len(detector.cells)}",
    }
    for layer, radius in zip(detector.layers, radii, strict=True):
        n_eta, n_phi = detector.cells.grid_shape(layer.number)
        lines[f"layer {layer.number}"] = (
            f"{layer.name}, {layer.role}, at {radius:.1f} mm from the beam at |eta| "
            f"{0.5 * (low + high):g}, {n_eta} x {n_phi} cells"
        )
    return lines


def _describe_report(path: Path) -> dict[str, str]:
    lines = {"format": "report", "page": f"{path / 'index.html'}"}
    with reading(path / "report.json", UnknownFormatError):
        return lines | _describe_numbers(path)


def _describe_numbers(path: Path) -> dict[str, str]:
    numbers = json.loads((path / "report.json").read_text(encoding="utf-8"))
    if not isinstance(numbers, dict) or numbers.get("format") != "calovox report":
        raise UnknownFormatError(f"{path} is no report of calovox")
    lines = {}
    for sample in numbers["samples"]:
        lines[f"{sample['label']}"] = f"{sample['n_events']} showers, {sample['n_voxels']} voxels"
    for result in numbers["regions"]:
        for observable in result["observables"]:
            title = f"chi2/ndf of {observable['name']}, {result['region']['name']}"
            lines[title] = ", ".join(
                f"{_short(entry['chi2']['reduced'])} ({entry['label']})"
                for entry in observable["simulated"]
            )
    return lines


def _describe_model(path: Path) -> dict[str, str]:
    # onnxruntime is slow to import, and no other file needs it
    from calovox.runtime import load_models

    models = load_models(path)
    if isinstance(models, ParametricModel):
        assert models.path is not None  # loaded from there
        return _describe_parametrisation(models.path)
    lines = {"format": "exported model", "voxels": repr(models.grid)}
    for model in models.models:
        low, high = model.eta_range
        energies = " to ".join(map(format_energy, model.energy_range))
        parts = [part["model"] for part in model.card.values() if "model" in part]
        lines[f"{low:g} <= |eta| < {high:g}"] = f"{energies}: {', '.join(parts)}"
    lines["centres"] = "none" if models.centers is None else models.centers.name
    lines["sub-voxels"] = "none" if models.sub_voxels is None else models.sub_voxels.name
    curve = models.phi_modulation
    return lines | {"phi modulation": "none" if curve is None else curve.name}


def _short(number: float | None) -> str:
    return "none" if number is None else f"{number:.2f}"


_DESCRIBE: dict[Format, Callable[[Path], dict[str, str]]] = {
    "hits": _describe_hits,
    "dataset": _describe_dataset,
    "phi modulation": lambda path: {"format": "phi modulation", "curves": repr(read_curve(path))},
    "shapes": _describe_shapes,
    "ROOT": _describe_root,
    "TOML": _describe_toml,
    "report": _describe_report,
    "parametrisation": _describe_parametrisation,
    "patterns": _describe_patterns,
    "model": _describe_model,
    "CaloChallenge": describe_calochallenge,
}
