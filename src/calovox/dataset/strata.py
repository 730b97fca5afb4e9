"""Weights of a dataset: those of its hits, scaled by the known shares of first interactions.

The start radii of all files cut the first interactions into classes (`calovox.geant4.strata`).
Files without weights do not take part, nor files of late showers alone, whose weights add up to
the share of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geant4.detector import DetectorModel
from calovox.geant4.start import StartRadius
from calovox.geant4.strata import CELL_SHOWERS, stratified_weights
from calovox.geant4.survival import survival_probability
from calovox.hits.files import HitsFiles
from calovox.photons import Photons, concatenate_photons

__all__ = ["ScaledWeights", "scale_weights"]


@dataclass(frozen=True)
class ScaledWeights:
    """Weights of all showers of some hits files.

    Attributes:
        values: The weights, in the order of the files.
        radii: Start radii at which classes of first interactions meet, in mm, rising.
        factors: Smallest and largest factor by which a weight was scaled.
    """

    values: Float64[Array, " event"]
    radii: tuple[float, ...]
    factors: tuple[float, float]

    def __str__(self) -> str:
        return "weights scaled by strata, by {:.3g} to {:.3g}".format(*self.factors)

    @property
    def provenance(self) -> dict[str, Any]:
        """How the weights were scaled."""
        return {"radii": list(self.radii), "showers_of_a_cell": CELL_SHOWERS}


def scale_weights(files: HitsFiles) -> ScaledWeights | None:
    """Scale the weights of showers some of which start inside the detector.

    Args:
        files: The hits files.

    Returns:
        Weights of all their showers; None if there is no file in which some of the photons start
        inside the detector, and some do not.

    Raises:
        ValueError: If a file does not say where its photons start, and in which detector.
    """
    photons = files.photons()
    starts = [
        None if own.weight is None else _start(path, provenance)
        for path, provenance, own in zip(files.paths, files.provenance, photons, strict=True)
    ]
    radii = np.unique([start.radius for start, _ in filter(None, starts)])
    if not len(radii):
        return None
    taking = [
        (own, _survival(own, radii, start[1]))
        for own, start in zip(photons, starts, strict=True)
        if start is not None
    ]
    joined = concatenate_photons([own for own, _ in taking])
    scaled = stratified_weights(joined, radii, np.concatenate([table for _, table in taking]))
    chosen = np.repeat([start is not None for start in starts], [len(own) for own in photons])
    values = concatenate_photons(photons).weight
    assert values is not None  # those of the files with a start
    assert joined.weight is not None
    values[chosen] = scaled
    factors = scaled / joined.weight
    return ScaledWeights(
        values, tuple(radii.tolist()), (float(factors.min()), float(factors.max()))
    )


def _start(path: Path, provenance: Mapping[str, Any]) -> tuple[StartRadius, DetectorModel] | None:
    """Read where some photons of a file start, unless it says nothing, or all of them do."""
    if "start" not in provenance:
        return None
    try:
        start = StartRadius(**provenance["start"])
        detector = DetectorModel(**_tuples(provenance["detector"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: expected the start radius and the detector of `calovox geant4` in the "
            f"provenance, got something else ({error}): make the file anew"
        ) from None
    return None if start.share == 1 else (start, detector)


def _tuples(value: Any) -> Any:
    """Make tuples of the lists that JSON has in place of them."""
    if isinstance(value, dict):
        return {name: _tuples(entry) for name, entry in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _survival(
    photons: Photons, radii: Float64[Array, " radius"], detector: DetectorModel
) -> Float64[Array, "event radius"]:
    tables = [survival_probability(photons, float(r), detector=detector) for r in radii]
    return np.stack(tables, axis=1)
