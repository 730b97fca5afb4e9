"""Where a simulation takes its showers from: a library of showers, or trained models.

A source has voxels, or hits with their voxels.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from calovox.arrays import Array
from calovox.binned_shower import ShowerLibrary
from calovox.dataset import DatasetReader
from calovox.dataset.bare import complete_voxels, say_what_is_drawn
from calovox.files.whole import file_hash
from calovox.geometry import CellTable
from calovox.geometry.detector_files import DetectorMark, choose_detector
from calovox.models.centers import CenterModel
from calovox.models.parametric.file import is_parametric_file
from calovox.models.parametric.model import ParametricModel
from calovox.patterns import PatternLibrary
from calovox.photons import Particle, Photons
from calovox.simulation.centers import draw_centers
from calovox.simulation.own_models import OwnModel, load_model
from calovox.simulation.photon_choice import PhotonChoice, refuse_options
from calovox.simulation.sampling import BATCH, HitShowers, photons_to_hits, photons_to_voxels
from calovox.simulation.simulate import match_photons
from calovox.voxelization import VoxelGrid, Voxels

if TYPE_CHECKING:
    from calovox.runtime.accelerators import Accelerator

__all__ = ["Matching", "Source", "open_source"]

Matching = Literal["perfect", "displaced", "nearest", "random"]
"""Repeat the showers of a library, at their place or at new azimuths, or choose one for each new
photon."""


@dataclass(frozen=True)
class Source:
    """Showers, and what goes with them.

    Attributes:
        path: The library or the model, as it was named.
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
        is_ours: Whether it is a library of showers, or a model of a package by its name.
        patterns: Patterns by which voxels are placed; None for the note's placement.
        detector: What it says of its detector; None for the layers of the built-in barrel.
        particle: What makes the showers.
    """

    path: Path
    grid: VoxelGrid
    number: int
    showers: Iterator[Voxels] | None
    hits: Iterator[HitShowers] | None
    provenance: dict[str, Any]
    modulation: Mapping[str, Any] | None
    sub_voxels: Path | None
    phi_modulation: Path | None
    calibration: Mapping[str, Array] | None
    is_ours: bool
    patterns: PatternLibrary | None = None
    detector: DetectorMark | None = None
    particle: Particle = "photon"


def open_source(
    model: str,
    photons: PhotonChoice,
    *,
    seed: int,
    matching: Matching | None = None,
    sub_voxels: str | None = None,
    phi_modulation: str | None = None,
    allow_extrapolation: bool = False,
    center: str | None = None,
    cells: CellTable | None = None,
    accelerator: "Accelerator" = "cpu",
) -> Source:
    """Open a library of showers, or trained models.

    Args:
        model: A shipped model, the folder or file of an exported one, a parametrisation, a model
            of another package, or a dataset, which is a library of showers.
        photons: What to simulate; nothing but a number for the showers of a library themselves.
        seed: Seed of the run.
        matching: How photons find their showers in a library; None for "perfect".
        sub_voxels: File that says where hits lie in voxels, or "none"; None for the model's.
        phi_modulation: File of the curves to be put into the hits, or "none"; None for the
            model's.
        allow_extrapolation: Whether photons that the models were not trained for are simulated.
        center: File of the places of shower centres about photons, or "photon" for the photon's
            own; None for the model's.
        cells: The cells in which the nearest shower of a library is looked for; None for those of
            the library, or of the built-in barrel.
        accelerator: Where models draw voxels; all else runs on the CPU.

    Returns:
        The showers for the photons.

    Raises:
        ValueError: If arguments contradict each other, photons are outside the trained range, or
            the accelerator cannot be used.
        FileNotFoundError: If there is no such file.
    """
    wanted = _Wanted(model, photons, seed, matching, sub_voxels, phi_modulation, center, cells)
    path = Path(model)
    is_other_file = path.is_file() and path.suffix != ".onnx"
    is_hdf5 = is_other_file or path.suffix in (".h5", ".hdf5")
    if is_hdf5 and not is_parametric_file(path):
        if allow_extrapolation:
            raise ValueError("--allow-extrapolation is for trained models: leave it out")
        if accelerator != "cpu":
            # slow to import, and a library of showers does not need it
            from calovox.runtime.accelerators import AcceleratorError, not_for

            raise AcceleratorError(not_for(model, "a library of showers"))
        return _open_library(wanted, DatasetReader(path))
    return _open_models(wanted, accelerator, allow_extrapolation=allow_extrapolation)


@dataclass(frozen=True)
class _Wanted:
    """Arguments of `open_source`."""

    model: str
    photons: PhotonChoice
    seed: int
    matching: Matching | None
    sub_voxels: str | None
    phi_modulation: str | None
    center: str | None
    cells: CellTable | None


def _open_library(wanted: _Wanted, library: DatasetReader) -> Source:
    if wanted.center is not None:
        raise ValueError("--center is for trained models: leave it out")
    number, showers = _library_showers(wanted, library)
    return Source(
        path=library.path,
        grid=library.grid,
        number=number,
        showers=showers,
        hits=None,
        provenance={"library": library.provenance},
        modulation=library.provenance.get("phi_modulation"),
        sub_voxels=_file_or_default(wanted.sub_voxels, None),
        phi_modulation=_file_or_default(wanted.phi_modulation, None),
        calibration=library.attached("calibration"),
        is_ours=True,
        detector=library.detector,
        particle=library.particle,
    )


def _open_models(
    wanted: _Wanted, accelerator: "Accelerator", *, allow_extrapolation: bool
) -> Source:
    if wanted.matching is not None:
        raise ValueError("--matching is for libraries of showers: leave it out")
    models = load_model(wanted.model, accelerator)
    asking = f"--model {wanted.model}"
    if isinstance(models, ParametricModel):
        photons = wanted.photons.photons(asking, seed=wanted.seed, particle=models.particle)
        return _open_parametric(wanted, models, photons, allow_extrapolation=allow_extrapolation)
    sub_voxels = _file_or_default(wanted.sub_voxels, models.sub_voxels)
    curve = _file_or_default(wanted.phi_modulation, models.phi_modulation)
    center = _file_or_default(wanted.center, models.centers, none="photon")
    at_impact = center is not None
    photons = wanted.photons.photons(
        asking, seed=wanted.seed, at_impact=at_impact, particle=models.particle
    )
    showers = photons_to_voxels(
        models, photons, seed=wanted.seed, allow_extrapolation=allow_extrapolation
    )
    if center is not None:
        showers = draw_centers(showers, CenterModel.read(center), seed=wanted.seed)
    own: dict[str, Any] = {}
    graphs: list[Path] = []
    if isinstance(models, OwnModel):
        own = {"own_model": dict(models.provenance)}
    else:
        graphs = [model.path for model in models.models]
        # what the showers were made of: CaloFast learns from it
        own = {"n_shape_noise": models.models[0].n_shape_noise}
    files = [*graphs, *filter(None, (sub_voxels, curve, center))]
    return Source(
        path=Path(wanted.model),
        grid=models.grid,
        number=len(photons),
        showers=showers,
        hits=None,
        provenance={"model_files": {path.name: file_hash(path) for path in files}, **own},
        modulation=None if models.phi_modulation is None else {"state": "removed"},
        sub_voxels=sub_voxels,
        phi_modulation=curve,
        calibration=None,
        is_ours=not Path(wanted.model).exists(),
        detector=models.detector,
        particle=models.particle,
    )


def _open_parametric(
    wanted: _Wanted, model: ParametricModel, photons: Photons, *, allow_extrapolation: bool
) -> Source:
    for option, value in {"--sub-voxels": wanted.sub_voxels, "--center": wanted.center}.items():
        if value is not None:
            raise ValueError(
                f"{option} is for models of voxels, and {wanted.model} makes hits: leave it out"
            )
    grid = VoxelGrid.optimal()
    curve = _file_or_default(wanted.phi_modulation, None)
    files = filter(None, (model.path, curve))
    return Source(
        path=Path(wanted.model),
        grid=grid,
        number=len(photons),
        showers=None,
        hits=photons_to_hits(
            model, photons, grid, seed=wanted.seed, allow_extrapolation=allow_extrapolation
        ),
        provenance={"model_files": {path.name: file_hash(path) for path in files}},
        modulation=model.phi_modulation,
        sub_voxels=None,
        phi_modulation=curve,
        calibration=None,
        is_ours=False,
        particle=model.particle,
    )


def _file_or_default(given: str | None, default: Path | None, none: str = "none") -> Path | None:
    if given is None:
        return default
    if given == none:
        return None
    if not Path(given).is_file():
        raise FileNotFoundError(f"{given}: no such file")
    return Path(given)


def _library_showers(wanted: _Wanted, library: DatasetReader) -> tuple[int, Iterator[Voxels]]:
    """Return the number of showers and the batches of their voxels."""
    matching, choice = wanted.matching or "perfect", wanted.photons
    if matching in ("nearest", "random"):
        photons = choice.photons(
            f"--matching {matching}", seed=wanted.seed, particle=library.particle
        )
        cells = wanted.cells or choose_detector(None, {library.path: library.detector}).cells
        showers = ShowerLibrary(library.read(), library.phi_mod(), cells)
        matched = match_photons(showers, photons, matching=matching, seed=wanted.seed)
        return len(photons), matched
    new = {"--energy": choice.energy, "--eta": choice.eta, "--photons": choice.file}
    refuse_options(new, "is for new photons: leave it out, or use --matching nearest")
    if matching == "displaced":
        number = choice.number or len(library)
        return number, _displaced_showers(library, choice.first, number, wanted.seed)
    if choice.first >= len(library) > 0:
        raise ValueError(
            f"--first-event: expected a row of {library.path}, 0 to {len(library) - 1}, got "
            f"{choice.first}"
        )
    left = len(library) - choice.first
    number = min(left, choice.number or left)
    say_what_is_drawn(library)
    return number, _showers_of(library, choice.first, choice.first + number, wanted.seed)


def _showers_of(library: DatasetReader, first: int, stop: int, seed: int) -> Iterator[Voxels]:
    for start in range(first, stop, BATCH):
        voxels = library.read(slice(start, min(start + BATCH, stop)))
        yield complete_voxels(voxels, start, seed=seed)


def _displaced_showers(
    library: DatasetReader, first: int, number: int, seed: int
) -> Iterator[Voxels]:
    showers = ShowerLibrary(library.read()).match_displaced(number, seed=seed, first=first)
    for start in range(0, number, BATCH):
        yield showers[start : start + BATCH]
