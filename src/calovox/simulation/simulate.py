"""Simulation: photons become voxels, voxels become hits, hits become cells.

Models that draw hits leave the first step out.

Showers come in batches, so that memory does not grow with their number. An event's random numbers
depend on the seed and on the event's index alone: the batch size changes nothing but the speed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from calovox.binned_shower import (
    HitEnergy,
    ShowerLibrary,
    SubVoxelProbabilities,
    voxels_to_hits,
)
from calovox.geometry import CellTable, Detector
from calovox.geometry.cell_energies import CellEnergies
from calovox.hits import Hits
from calovox.models.centers import CenterModel
from calovox.patterns import (
    PatternLibrary,
    PlacementCounts,
    voxels_to_cells,
    voxels_to_pattern_hits,
)
from calovox.phi_modulation import PhiModulation, apply_phi_modulation
from calovox.phi_modulation.phases import has_ideal_centers
from calovox.photons import Photons
from calovox.reconstruction import hits_to_cells
from calovox.simulation.centers import draw_centers
from calovox.simulation.sampling import BATCH, HitShowers, PhotonModels, photons_to_voxels
from calovox.voxelization import Voxels

__all__ = [
    "SimulatedShowers",
    "match_photons",
    "simulate_hits",
    "simulate_library",
    "simulate_photons",
    "simulate_voxels",
]


@dataclass(frozen=True)
class SimulatedShowers:
    """A batch of simulated showers, at every stage.

    Attributes:
        voxels: What the model gave, or the voxels of the hits that it gave.
        hits: What BinnedShower made of the voxels, or the model itself; with the phi modulation,
            if it was put in. None where patterns gave the cells at once.
        cells: What the calorimeter saw of the hits; None if no cell table was given.
        placement: How voxels were placed by patterns; None if they were not.
    """

    voxels: Voxels
    hits: Hits | None
    cells: CellEnergies | None
    placement: PlacementCounts | None = None

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.voxels)


def simulate_library(
    library: ShowerLibrary,
    photons: Photons,
    probabilities: SubVoxelProbabilities | None,
    *,
    matching: Literal["nearest", "random"],
    seed: int,
    table: CellTable | None = None,
    hit_energy: HitEnergy | None = None,
    detector: Detector | None = None,
    batch_size: int = BATCH,
) -> Iterator[SimulatedShowers]:
    """Simulate photons with showers from a library.

    Args:
        library: Voxelised showers.
        photons: What to simulate.
        probabilities: Where hits lie inside their voxel; None for anywhere.
        matching: How each photon finds its shower.
        seed: Seed of the run.
        table: The cells of the detector; None to stop at hits.
        hit_energy: Mean energy of a hit; None for the note's.
        detector: Where the layers lie; the built-in barrel by default.
        batch_size: Photons per batch.

    Returns:
        Batches in the order of the photons.
    """
    showers = match_photons(library, photons, matching=matching, seed=seed, batch_size=batch_size)
    return simulate_voxels(
        showers, probabilities, seed=seed, table=table, hit_energy=hit_energy, detector=detector
    )


def match_photons(
    library: ShowerLibrary,
    photons: Photons,
    *,
    matching: Literal["nearest", "random"],
    seed: int,
    batch_size: int = BATCH,
) -> Iterator[Voxels]:
    """Give each photon a shower of a library.

    The position in the cell in phi counts for the nearest one wherever the library knows it.

    Args:
        library: Voxelised showers.
        photons: What to simulate.
        matching: How each photon finds its shower.
        seed: Seed of the run.
        batch_size: Photons per batch.

    Yields:
        Batches in the order of the photons.
    """
    for start in range(0, len(photons), batch_size):
        batch = photons[start : start + batch_size]
        if matching == "nearest":
            yield library.match_nearest(batch, in_cell=library.phi_mod is not None)
        else:
            yield library.match_random(batch, seed=seed)


def simulate_photons(
    models: PhotonModels,
    photons: Photons,
    probabilities: SubVoxelProbabilities | None,
    *,
    seed: int,
    table: CellTable | None = None,
    hit_energy: HitEnergy | None = None,
    detector: Detector | None = None,
    phi_modulation: PhiModulation | None = None,
    centers: CenterModel | None = None,
    patterns: PatternLibrary | None = None,
    with_hits: bool = True,
    allow_extrapolation: bool = False,
    batch_size: int = BATCH,
) -> Iterator[SimulatedShowers]:
    """Simulate photons with generative models.

    Args:
        models: What draws the voxels.
        photons: What to simulate.
        probabilities: Where hits lie inside their voxel; None for anywhere.
        seed: Seed of the run.
        table: The cells of the detector; None to stop at hits.
        hit_energy: Mean energy of a hit; None for the note's.
        detector: Where the layers lie; the built-in barrel by default.
        phi_modulation: Curves that are put into the hits; None for none.
        centers: Where showers lie about the impacts of photons; None for at the photons.
        patterns: Patterns to place by, in place of `probabilities` and `hit_energy`; None for the
            note's placement.
        with_hits: Whether hits are wanted beside the cells; see `simulate_voxels`.
        allow_extrapolation: Whether photons that the models were not trained for are simulated.
        batch_size: Photons per batch.

    Returns:
        Batches in the order of the photons.

    Raises:
        ValueError: As in `photons_to_voxels`.
    """
    showers = photons_to_voxels(
        models,
        photons,
        seed=seed,
        allow_extrapolation=allow_extrapolation,
        batch_size=batch_size,
    )
    if centers is not None:
        showers = draw_centers(showers, centers, seed=seed)
    return simulate_voxels(
        showers,
        probabilities,
        seed=seed,
        table=table,
        hit_energy=hit_energy,
        detector=detector,
        phi_modulation=phi_modulation,
        patterns=patterns,
        with_hits=with_hits,
    )


def simulate_voxels(
    showers: Iterable[Voxels],
    probabilities: SubVoxelProbabilities | None,
    *,
    seed: int,
    table: CellTable | None = None,
    hit_energy: HitEnergy | None = None,
    detector: Detector | None = None,
    phi_modulation: PhiModulation | None = None,
    patterns: PatternLibrary | None = None,
    with_hits: bool = True,
) -> Iterator[SimulatedShowers]:
    """Simulate what the calorimeter sees of voxelised showers.

    With the showers of a dataset as they are, this is BinnedShower with perfect matching.

    Args:
        showers: Batches of voxelised showers.
        probabilities: Where hits lie inside their voxel; None for anywhere.
        seed: Seed of the run.
        table: The cells of the detector; None to stop at hits.
        hit_energy: Mean energy of a hit; None for the note's.
        detector: Where the layers lie; the built-in barrel by default.
        phi_modulation: Curves that are put into the hits; None for none.
        patterns: Patterns to place by, in place of `probabilities` and `hit_energy`; None for the
            note's placement.
        with_hits: Whether hits are wanted beside the cells. Without them patterns give the cells
            at once, which is faster.

    Yields:
        Batches in the same order.

    Raises:
        ValueError: If there are patterns, and probabilities or a hit energy as well.
    """
    if patterns is not None and not (probabilities is None and hit_energy is None):
        raise ValueError(
            "simulate_voxels: expected patterns, or probabilities and a hit energy, got both"
        )
    phases = table if detector is None else detector.cells
    at_once = not with_hits and (
        phi_modulation is None or phases is None or has_ideal_centers(phases)
    )
    for voxels in showers:
        counts = None
        if patterns is None:
            hits = voxels_to_hits(
                voxels, probabilities, seed=seed, hit_energy=hit_energy, detector=detector
            )
        elif at_once and table is not None:
            cells, counts = voxels_to_cells(
                voxels,
                patterns,
                table,
                seed=seed,
                detector=detector,
                phi_modulation=phi_modulation,
            )
            yield SimulatedShowers(voxels, None, cells, counts)
            continue
        else:
            hits, counts = voxels_to_pattern_hits(voxels, patterns, seed=seed, detector=detector)
        detected = _detect(voxels, hits, table, phi_modulation, detector)
        yield replace(detected, placement=counts)


def simulate_hits(
    showers: Iterable[HitShowers],
    *,
    table: CellTable | None = None,
    detector: Detector | None = None,
    phi_modulation: PhiModulation | None = None,
) -> Iterator[SimulatedShowers]:
    """Simulate what the calorimeter sees of showers that a model drew as hits.

    Args:
        showers: Batches of `calovox.simulation.sampling.photons_to_hits`.
        table: The cells of the detector; None to stop at hits.
        detector: Where the cells lie; the built-in barrel by default.
        phi_modulation: Curves that are put into the hits; None for none.

    Yields:
        Batches in the same order.
    """
    for shower in showers:
        yield _detect(shower.voxels, shower.hits, table, phi_modulation, detector)


def _detect(
    voxels: Voxels,
    hits: Hits,
    table: CellTable | None,
    phi_modulation: PhiModulation | None,
    detector: Detector | None,
) -> SimulatedShowers:
    if phi_modulation is not None:
        cells = table if detector is None else detector.cells
        hits = apply_phi_modulation(hits, phi_modulation, cells)
    return SimulatedShowers(voxels, hits, None if table is None else hits_to_cells(hits, table))
