"""Exported models copied as they would be exported today, without the runs they came from.

Their graphs are rewritten for older runtimes and in faster nodes, and voxels get exact zeros; the
curves of the phi modulation reach as far as hits do, and files for FastCaloSim are made anew.
`model.json` keeps how the models were trained and compared, and says which files the graphs were
before.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from calovox import __version__
from calovox.export.card import PARTS, model_card
from calovox.export.fastcalosim import why_not_fastcalosim
from calovox.export.output_folder import copy_centers, describe_folder, new_folder
from calovox.export.passes.exact_zeros import add_exact_zeros, has_exact_zeros
from calovox.export.passes.fixed_shapes import fix_batch, save_onnx
from calovox.export.passes.flow_detours import has_detours, leave_out_detours
from calovox.export.passes.lean import is_lean, make_lean
from calovox.export.passes.portable import is_portable, make_portable
from calovox.export.provenance import name_files_once, spread_provenances
from calovox.export.renewal.centroid import add_centroid, fit_centroids
from calovox.export.renewal.correction import match_corrections, put_correction
from calovox.export.renewal.energies import match_runs, replace_energies
from calovox.files.damage import reading
from calovox.files.whole import file_hash
from calovox.models.shapes.centroid import VoxelCentroid
from calovox.phi_modulation.curve_file import read_curve, write_curve_root
from calovox.runtime import OnnxModel
from calovox.runtime.metadata import LOWEST_RUNTIME, ModelFileError
from calovox.runtime.model_set import MODEL_FILE, check_files, read_description
from calovox.runtime.onnx_model import INPUTS
from calovox.runtime.whole_onnx import check_whole
from calovox.training.runs.model import TrainedModel

__all__ = ["add_fixed_shapes", "renew_models"]


def renew_models(
    exported: Path,
    folder: Path,
    *,
    energies: Sequence[TrainedModel] = (),
    corrections: Sequence[Path] = (),
    centroid_from: Sequence[Path] = (),
    centers: Path | None = None,
    fastcalosim: bool = True,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Copy an exported model as it would be exported today.

    Args:
        exported: Folder of an exported model.
        folder: The copy; it appears when all of it is written.
        energies: Trained models of the energies, one CaloINN for each model, in place of theirs;
            none to keep those.
        corrections: Run folders of `calovox correct`, each of another one of the models.
        centroid_from: Datasets of training showers, of which models learn where the energy centre
            of the voxels lies; none to leave it where it is.
        centers: JSON file of shower centres about photons, in place of the model's; None to keep
            that.
        fastcalosim: Whether each model is also written with fixed shapes, for FastCaloSim.
        overwrite: Whether an existing exported model may be replaced.

    Returns:
        The content of its `model.json`.

    Raises:
        FileExistsError: If the folder exists and may not be replaced, or is something else.
        ModelFileError: If there is no exported model, or a damaged one.
        ValueError: If a graph cannot be written for older runtimes, or energies, corrections or
            training showers do not fit the models.
    """
    content = read_description(exported)
    check_files(exported, content, list(content["files"]))
    for model in content["models"]:
        check_whole(exported / model["file"])
    content["onnxruntime"] = f">={LOWEST_RUNTIME}"  # models of 0.1.0 do not say it
    with reading(exported / MODEL_FILE, ModelFileError, "is damaged"):
        content["models"] = spread_provenances(content["models"], content.get("provenances", []))
        model_card(content)
    runs = match_runs(energies, content, exported) if energies else ()
    corrected = match_corrections(corrections, content, exported)
    centroids: Sequence[VoxelCentroid | None] = [None] * len(content["models"])
    if centroid_from:
        centroids = fit_centroids(
            centroid_from, content, OnnxModel(exported / content["models"][0]["file"]).grid
        )
    with new_folder(folder, overwrite=overwrite) as partial:
        for name in _kept_files(content):
            shutil.copyfile(exported / name, partial / name)
        before = {
            model["file"]: digest
            for model, centroid in zip(content["models"], centroids, strict=True)
            if (digest := _renew_file(partial / model["file"], centroid)) is not None
        }
        if before:
            content["rewritten"] = {"program": f"calovox {__version__}", "from": before}
        for model in content["models"]:
            if model["file"] in corrected:
                part = "showers" if "showers" in model else "shapes"
                run = corrected[model["file"]]
                model[part] = put_correction(partial / model["file"], run, model[part], part)
        for model, energy_run in zip(content["models"], runs, strict=False):
            model["energies"] = replace_energies(partial / model["file"], energy_run)
        for model in content["models"]:
            for part in PARTS.keys() & model.keys():
                model[part]["data"] = name_files_once(model[part]["data"])
        if "phi_modulation" in content:
            write_curve_root(partial, read_curve(partial / content["phi_modulation"]))
        if centers is not None:
            content["centers"] = copy_centers(centers, partial)
        add_fixed_shapes(partial, content, wanted=fastcalosim)
        describe_folder(partial, content)
    return content


def add_fixed_shapes(folder: Path, content: dict[str, Any], *, wanted: bool) -> None:
    """Write the files for FastCaloSim, or say why there are none.

    Args:
        folder: Folder with the ONNX files.
        content: The content of `model.json`; it is changed.
        wanted: Whether files are to be written where there may be some.
    """
    content.pop("no_fastcalosim", None)
    for model in content["models"]:
        model.pop("fastcalosim_file", None)
        path = folder / model["file"]
        loaded = OnnxModel(path)
        reason = why_not_fastcalosim(loaded.grid, loaded.n_shape_noise)
        if reason is not None:
            content["no_fastcalosim"] = reason
        elif wanted:
            model["fastcalosim_file"] = f"{path.stem}_fcs.onnx"
            fix_batch(path, folder / model["fastcalosim_file"])


def _kept_files(content: dict[str, Any]) -> list[str]:
    """Name the files that are not made anew."""
    made = {model.get("fastcalosim_file") for model in content["models"]}
    return [
        name
        for name in content["files"]
        if name not in made and not name.startswith("phi_modulation_layer_")
    ]


def _renew_file(path: Path, centroid: VoxelCentroid | None) -> str | None:
    """Rewrite a file; return the hash that it had, None if it is as it would be today."""
    check_whole(path)
    with reading(path, ModelFileError, "is no ONNX file, or a damaged one"):
        model = onnx.load(path, load_external_data=False)
        onnx.checker.check_model(model, full_check=True)  # the passes rely on it
    if centroid is None and is_portable(model) and has_exact_zeros(model) and is_lean(model):
        return None
    digest = file_hash(path)
    if has_detours(model):
        leave_out_detours(model)
    make_portable(model)
    make_lean(model)
    add_exact_zeros(model, INPUTS[1])
    if centroid is not None:
        add_centroid(model, centroid)
    save_onnx(model, path)
    return digest
