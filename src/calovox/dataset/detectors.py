"""The detector that a file of hits or voxels is of, and the particles of several files."""

from collections.abc import Sequence
from pathlib import Path

from calovox.dataset.reader import DatasetReader
from calovox.files.formats import detect_format
from calovox.geometry import Detector
from calovox.geometry.detector_files import choose_detector
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.hits.file import HitsReader
from calovox.photons import Particle
from calovox.voxelization import VoxelGrid

__all__ = ["check_grid", "detector_of", "detector_of_datasets", "particle_of_datasets"]


def check_grid(grid: VoxelGrid, detector: Detector) -> None:
    """Refuse a grid of other layers than those of the detector.

    Args:
        grid: The voxels.
        detector: The layers.

    Raises:
        ValueError: If a layer of the grid is not in the detector.
    """
    if not set(grid.numbers) <= set(detector.numbers):
        raise ValueError(
            f"grid {grid.name!r}: expected layers out of {detector.numbers}, those of the "
            f"detector {detector.name!r}, got {grid.numbers}"
        )


def detector_of(path: Path, given: Detector | None = None) -> Detector:
    """Give the detector of a file.

    Args:
        path: A hits file or a dataset; other files say nothing.
        given: A detector that is given; None for that of the file.

    Returns:
        The detector; the built-in barrel if nothing says otherwise.

    Raises:
        ValueError: If the file is of another detector than the given one, has energies in other
            cells, or does not say all of its detector.
    """
    kind = detect_format(path)
    if kind == "hits":
        return choose_detector(given, {path: HitsReader(path, takes_weights=True).detector})
    if kind == "dataset":
        reader = DatasetReader(path, takes_weights=True)
        has_cells = reader.cell_table is not None
        return choose_detector(given, {path: reader.detector}, cells=has_cells)
    return choose_detector(given, {})


def detector_of_datasets(readers: Sequence[DatasetReader]) -> DetectorMark | None:
    """Give what datasets say of their common detector.

    Args:
        readers: One or more datasets.

    Returns:
        The mark of the first one; None for the layers of the built-in barrel.

    Raises:
        ValueError: If they are of different detectors.
    """
    marks = {reader.path: reader.detector for reader in readers}
    first = readers[0]
    for path, mark in marks.items():
        own, other = (None if m is None else m.layers for m in (mark, first.detector))
        if own != other:
            names = (
                "the built-in barrel" if m is None else m.name for m in (first.detector, mark)
            )
            raise ValueError(
                f"{path}: expected the detector of {first.path}, {next(names)}, got {next(names)}"
            )
    return first.detector


def particle_of_datasets(readers: Sequence[DatasetReader]) -> Particle:
    """Give what made the showers of datasets.

    Args:
        readers: One or more datasets.

    Returns:
        The particle.

    Raises:
        ValueError: If they are of different particles.
    """
    first = readers[0]
    for reader in readers[1:]:
        if reader.particle != first.particle:
            raise ValueError(
                f"{reader.path}: expected showers of {first.particle}s as in {first.path}, got "
                f"those of {reader.particle}s"
            )
    return first.particle
