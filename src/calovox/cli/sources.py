"""Where `calovox simulate` takes its showers from: a library of showers, or trained models.

A source has voxels, or hits with their voxels.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovox.arrays import Array
from calovox.binned_shower import ShowerLibrary
from calovox.cli.commands.simulate_settings import SimulateSettings
from calovox.dataset import DatasetReader
from calovox.files.whole import file_hash
from calovox.models.parametric.file import is_parametric_file
from calovox.models.parametric.model import ParametricModel
from calovox.photons import Photons, draw_photons, event_indices, parse_energies, parse_etas
from calovox.simulation.photon_files import read_photons
from calovox.simulation.sampling import BATCH, HitShowers, photons_to_hits, photons_to_voxels
from calovox.simulation.simulate import match_photons
from calovox.voxelization import VoxelGrid, Voxels

__all__ = ["Source", "open_source"]


@dataclass(frozen=True)
class Source:
    """Showers, and what goes with them.

    Attributes:
        grid: Their voxels.
        number: How many there are.
        showers: Batches of them; None if they are drawn as hits.
        hits: Batches of showers drawn as hits; None if there are voxels.
        provenance: Where they come from, for the result.
        modulation: What is known of the phi modulation in them; see
            `calovox.phi_modulation.state`.
        sub_voxels: File that says where hits lie in voxels; None for anywhere.
        phi_modulation: File of the curves to be put into the hits; None for none.
        calibration: Calibration of the cluster energy, if there is one.
    """

    grid: VoxelGrid
    number: int
    showers: Iterator[Voxels] | None
    hits: Iterator[HitShowers] | None
    provenance: dict[str, Any]
    modulation: Mapping[str, Any] | None
    sub_voxels: Path | None
    phi_modulation: Path | None
    calibration: Mapping[str, Array] | None


def open_source(settings: SimulateSettings) -> Source:
    """Open the model of the settings, a library of showers or trained models.

    Args:
        settings: Settings of the command.

    Returns:
        Its showers for the photons of the settings.

    Raises:
        ValueError: If options contradict each other, or photons are outside the trained range.
    """
    path = Path(settings.model)
    is_other_file = path.is_file() and path.suffix != ".onnx"
    is_hdf5 = is_other_file or path.suffix in (".h5", ".hdf5")
    if is_hdf5 and not is_parametric_file(path):
        return _open_library(settings, path)
    return _open_models(settings)


def _open_library(settings: SimulateSettings, path: Path) -> Source:
    if settings.allow_extrapolation:
        raise ValueError("--allow-extrapolation is for trained models: leave it out")
    library = DatasetReader(path)
    number, showers = _library_showers(settings, library)
    modulation = library.provenance.get("phi_modulation")
    return Source(
        grid=library.grid,
        number=number,
        showers=showers,
        hits=None,
        provenance={"library": library.provenance},
        modulation=modulation,
        sub_voxels=_file_or_default(settings.sub_voxels, None),
        phi_modulation=_file_or_default(settings.phi_modulation, None),
        calibration=library.attached("calibration"),
    )


def _open_models(settings: SimulateSettings) -> Source:
    if settings.matching is not None:
        raise ValueError("--matching is for libraries of showers: leave it out")
    # onnxruntime is slow to import, and a library does not need it
    from calovox.runtime import load_models

    models = load_models(settings.model)
    photons = _new_photons(settings, f"--model {settings.model}")
    if isinstance(models, ParametricModel):
        return _open_parametric(settings, models, photons)
    showers = photons_to_voxels(
        models, photons, seed=settings.seed, allow_extrapolation=settings.allow_extrapolation
    )
    sub_voxels = _file_or_default(settings.sub_voxels, models.sub_voxels)
    curve = _file_or_default(settings.phi_modulation, models.phi_modulation)
    files = [*(model.path for model in models.models), *filter(None, (sub_voxels, curve))]
    return Source(
        grid=models.grid,
        number=len(photons),
        showers=showers,
        hits=None,
        provenance={"model_files": {path.name: file_hash(path) for path in files}},
        modulation=None if models.phi_modulation is None else {"state": "removed"},
        sub_voxels=sub_voxels,
        phi_modulation=curve,
        calibration=None,
    )


def _open_parametric(
    settings: SimulateSettings, model: ParametricModel, photons: Photons
) -> Source:
    makes_hits = f"is for models of voxels, and {settings.model} makes hits: leave it out"
    _refuse({"--sub-voxels": settings.sub_voxels, "--e-hit": settings.e_hit}, makes_hits)
    grid = VoxelGrid.optimal()
    hits = photons_to_hits(
        model,
        photons,
        grid,
        seed=settings.seed,
        allow_extrapolation=settings.allow_extrapolation,
    )
    curve = _file_or_default(settings.phi_modulation, None)
    files = filter(None, (model.path, curve))
    return Source(
        grid=grid,
        number=len(photons),
        showers=None,
        hits=hits,
        provenance={"model_files": {path.name: file_hash(path) for path in files}},
        modulation=model.phi_modulation,
        sub_voxels=None,
        phi_modulation=curve,
        calibration=None,
    )


def _file_or_default(option: str | None, default: Path | None) -> Path | None:
    if option is None:
        return default
    if option == "none":
        return None
    if not Path(option).is_file():
        raise FileNotFoundError(f"{option}: no such file")
    return Path(option)


def _new_photons(settings: SimulateSettings, asking: str) -> Photons:
    drawn = {"--energy": settings.energy, "--eta": settings.eta}
    if settings.photons is not None:
        _refuse(drawn, "is not for the photons of a file: leave it out")
        return read_photons(settings.photons, settings.number)
    for option, value in {**drawn, "-n": settings.number}.items():
        if value is None:
            raise ValueError(f"{asking} needs {option}, or --photons: which photons?")
    assert settings.number is not None
    return draw_photons(
        event_indices(0, settings.number),
        energy=parse_energies(str(settings.energy)),
        eta=parse_etas(str(settings.eta)),
        seed=settings.seed,
    )


def _refuse(options: Mapping[str, object], reason: str) -> None:
    for option, value in options.items():
        if value is not None:
            raise ValueError(f"{option} {reason}")


def _library_showers(
    settings: SimulateSettings, library: DatasetReader
) -> tuple[int, Iterator[Voxels]]:
    """Return the number of showers and the batches of their voxels."""
    matching = settings.matching or "perfect"
    if matching in ("nearest", "random"):
        photons = _new_photons(settings, f"--matching {matching}")
        showers = ShowerLibrary(library.read(), phi_mod=library.phi_mod())
        matched = match_photons(showers, photons, matching=matching, seed=settings.seed)
        return len(photons), matched
    new = {"--energy": settings.energy, "--eta": settings.eta, "--photons": settings.photons}
    _refuse(new, "is for new photons: leave it out, or use --matching nearest")
    if matching == "displaced":
        number = settings.number or len(library)
        return number, _displaced_showers(library, number, settings.seed)
    number = min(len(library), settings.number or len(library))
    return number, _first_showers(library, number)


def _first_showers(library: DatasetReader, number: int) -> Iterator[Voxels]:
    for start in range(0, number, BATCH):
        yield library.read(slice(start, min(start + BATCH, number)))


def _displaced_showers(library: DatasetReader, number: int, seed: int) -> Iterator[Voxels]:
    showers = ShowerLibrary(library.read()).match_displaced(number, seed=seed)
    for start in range(0, number, BATCH):
        yield showers[start : start + BATCH]
