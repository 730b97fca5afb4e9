"""The model card: what a reader must know before using an exported model.

References:
    M. Mitchell et al., *Model cards for model reporting*, 2019, https://arxiv.org/abs/1810.03993
"""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from calovox.units import format_energy

__all__ = ["PARTS", "model_card"]

PARTS: Final = {
    "energies": "Energies of the layers",
    "shapes": "Voxels",
    "showers": "Energies of the layers and voxels together",
}
"""What a model may consist of, and what each part gives."""


def model_card(content: Mapping[str, Any]) -> str:
    """Write the model card.

    Args:
        content: The content of `model.json`.

    Returns:
        Markdown.
    """
    grid = content["grid"]
    lines = [
        "# Photon showers",
        "",
        f"Exported by {content['program']}. The models give the energies of {grid['voxels']} "
        f"voxels (grid {grid['name']}) of photon showers in the ATLAS barrel calorimeter.",
        "Outside of the ranges below nobody has looked at what they give.",
        "How well showers can be told from those of Geant4 is said by `calovox evaluate`: the "
        "largest AUC of its classifiers is what to rest on, not the numbers below.",
        *_describe_gaps([model["eta_range"] for model in content["models"]]),
        *_describe_runtimes(content),
        "",
    ]
    for model in content["models"]:
        lines.extend(_describe_model(model))
    lines.extend(["## Files", "", "| file | SHA-256 |", "| --- | --- |"])
    lines.extend(f"| `{name}` | `{digest}` |" for name, digest in content["files"].items())
    return "\n".join(lines) + "\n"


def _describe_gaps(ranges: Sequence[Sequence[float]]) -> Iterator[str]:
    """Say where there is no model between others."""
    gaps = [
        f"{below[1]:g} to {above[0]:g}"
        for below, above in itertools.pairwise(ranges)
        if below[1] < above[0]
    ]
    if gaps:
        yield f"There is no model for |eta| from {', '.join(gaps)}: photons there are refused."


def _describe_runtimes(content: Mapping[str, Any]) -> Iterator[str]:
    """Say what runs the models, and whether they were rewritten for it."""
    yield f"They need ONNX Runtime {content['onnxruntime'].removeprefix('>=')} or newer."
    if "no_fastcalosim" in content:
        yield f"FastCaloSim cannot run these models: {content['no_fastcalosim']}."
    if "rewritten" in content:
        yield (
            f"{content['rewritten']['program']} rewrote the graphs for older runtimes, without "
            "the runs they came from, and set voxels below 1.3e-7 of the kinetic energy to 0; "
            "`model.json` has the SHA-256 of the files before."
        )
    if "centroid" in content:
        n_showers = sum(file["n_showers"] for file in content["centroid"])
        yield (
            "The energy centre of the voxels is drawn from the law of the training showers, "
            f"fitted to {n_showers} of them after the training."
        )


def _describe_model(model: Mapping[str, Any]) -> Iterator[str]:
    low, high = model["eta_range"]
    energies = " to ".join(map(format_energy, model["energy_range"]))
    parity = model["parity"]
    yield from (f"## {low:g} <= |eta| < {high:g}, {energies}", "")
    fixed = model.get("fastcalosim_file")
    yield f"`{model['file']}`" + (f", and `{fixed}` for FastCaloSim." if fixed else ".")
    trained = "the trained model"
    if model["half_weights"]:
        yield "The weights of the network that gives voxels are rounded to half precision."
        trained = "the trained model with rounded weights"
    yield (
        f"In voxels above {parity['floor']:g} of the kinetic energy, of {parity['n_showers']} "
        f"showers, relative differences from {trained}, computed in double precision, are "
        f"{parity['mean']:.1e} on average, above {parity['quantile_999']:.1e} for one voxel in a "
        f"thousand, and {parity['largest']:.1e} at most."
    )
    for part, title in PARTS.items():
        if part not in model:
            continue
        run = model[part]
        yield from ("", f"### {title}: {run['model']}", "")
        yield from ("| | |", "| --- | --- |")
        yield f"| weights | {run['parameters']} |"
        yield from (f"| {name} | {value:.5g} |" for name, value in run["metrics"].items())
        if "parity" in run:
            yield from ("", _describe_exchange(run["parity"]))
        for correction in run.get("corrections", []):
            yield from ("", *_describe_correction(correction))
        yield from ("", *_describe_data(run["data"]))
        yield from ("", "Recipe:", "", "```json", json.dumps(run["recipe"], indent=1), "```")
    yield ""


def _describe_exchange(parity: Mapping[str, Any]) -> str:
    """Say that this part was trained after the others, and how exact it is."""
    return (
        "They were exchanged after the export of the voxels. In layers above "
        f"{parity['floor']:g} of the kinetic energy, of {parity['n_showers']} showers, relative "
        f"differences from the trained model are {parity['mean']:.1e} on average and "
        f"{parity['largest']:.1e} at most."
    )


def _describe_correction(correction: Mapping[str, Any]) -> Iterator[str]:
    """Say that the weights were trained further in the exported graph."""
    found = "".join(
        f"; {name.replace('_', ' ')} {value:.3g}" for name, value in correction["metrics"].items()
    )
    yield (
        f"Its weights were corrected with showers of Geant4 after the export, in "
        f"{correction['steps']} steps{found}. How exact the graph is was measured before."
    )
    yield from ("", *_describe_data(correction["data"]))


def _describe_data(data: Mapping[str, Any]) -> Iterator[str]:
    """One row per file, with the seeds of the showers; `model.json` has their whole provenance."""
    used = ", ".join(f"{part['n_showers']} for {use}" for use, part in data.items())
    yield from (f"Showers in the range of the model: {used}.", "")
    yield "| use | file | showers in it | seeds | SHA-256 |"
    yield "| --- | --- | --- | --- | --- |"
    for use, part in data.items():
        for file in part["files"]:
            groups = file["provenance"].get("hits", [])
            hits = itertools.chain.from_iterable(group["files"] for group in groups)
            seeds = ", ".join(sorted({str(source["seed"]) for source in hits if "seed" in source}))
            times = f", {file['times']} times" if "times" in file else ""
            yield (
                f"| {use} | {file['name']}{times} | {file['n_showers']} | {seeds or 'unknown'} | "
                f"`{file['sha256']}` |"
            )
