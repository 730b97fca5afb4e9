"""Simulation of the photons of a reference, to compare both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calovox.dataset import DatasetReader
from calovox.geometry import Detector
from calovox.geometry.detector_files import choose_detector
from calovox.simulation.files import simulate_to_files
from calovox.simulation.photon_choice import PhotonChoice
from calovox.simulation.placement import place_source
from calovox.simulation.sources import open_source
from calovox.tracking import Track, silently

__all__ = ["simulate_alike"]


def simulate_alike(
    model: str,
    reference: Path,
    output: Path,
    *,
    detector: Detector | None = None,
    seed: int = 1,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    track: Track = silently,
) -> None:
    """Simulate the photons of a dataset with any model; with cells, if the dataset has cells.

    Args:
        model: What `calovox.simulation.sources.open_source` takes.
        reference: The dataset.
        output: Dataset of the simulation.
        detector: The detector; None for that of the dataset.
        seed: Seed of the run.
        provenance: How the file is made, but for the model.
        overwrite: Whether an existing file may be replaced.
        track: Shows the progress.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ValueError: If the reference is no dataset, or the model is not for its photons.
    """
    source = open_source(model, PhotonChoice(file=reference), seed=seed)
    reader = DatasetReader(reference)
    has_cells = reader.cells(slice(0, 0)) is not None
    marks = {reference: reader.detector, source.path: source.detector}
    detector = choose_detector(detector, marks, cells=has_cells)
    simulate_to_files(
        place_source(source),
        output,
        seed=seed,
        table=detector.cells if has_cells else None,
        detector=detector,
        provenance=provenance,
        overwrite=overwrite,
        track=track,
    )
