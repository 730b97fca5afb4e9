"""What an exported model says about itself, inside its file.

The custom metadata of the ONNX file are texts: `format`, `version`, `grid` (rings as TOML),
`places` (order of the voxels, empty if it is that of the rings), `energy_range` (MeV),
`eta_range` and `card`, all but the first as JSON or TOML, and `detector`, as files of hits and
voxels have it (JSON), if its layers are not those of the built-in barrel. One file alone can
therefore be used. `particle` (JSON) is there if it is no photon.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from calovox.geometry.detector_files.mark import DetectorMark
from calovox.photons import Particle, parse_particle
from calovox.voxelization import VoxelGrid
from calovox.voxelization.grid_toml import parse_rings

__all__ = ["LOWEST_RUNTIME", "ModelFileError", "ModelMetadata"]

FORMAT: Final = "calovox model"
VERSION: Final = 1
LOWEST_RUNTIME: Final = "1.15.1"
"""Oldest ONNX Runtime in which exported models have been loaded and compared."""


class ModelFileError(ValueError):
    """A file or folder that is no exported model, or a damaged one."""


@dataclass(frozen=True, eq=False)
class ModelMetadata:
    """What is known about a model beside its weights.

    Attributes:
        grid: The voxels it gives.
        energy_range: Lowest and highest kinetic energy trained for, MeV.
        eta_range: Lowest and highest abs(eta) trained for.
        card: Data, recipe and metrics: anything that JSON can hold.
        detector: What its showers say of their detector; None for the layers of the barrel.
        particle: What made them.
    """

    grid: VoxelGrid
    energy_range: tuple[float, float]
    eta_range: tuple[float, float]
    card: dict[str, Any] = field(default_factory=dict)
    detector: DetectorMark | None = None
    particle: Particle = "photon"

    def __post_init__(self) -> None:
        for name, (low, high) in (("energy", self.energy_range), ("eta", self.eta_range)):
            if not 0.0 <= low < high < np.inf:
                raise ValueError(
                    f"ModelMetadata: expected a rising `{name}_range`, got {low:g} to {high:g}"
                )

    def to_texts(self) -> dict[str, str]:
        """Write the metadata as texts."""
        places = None if self.grid.places is None else self.grid.places.tolist()
        mark = self.detector
        return {
            "format": FORMAT,
            "version": str(VERSION),
            "grid": self.grid.to_toml(),
            "places": json.dumps(places),
            "energy_range": json.dumps(self.energy_range),
            "eta_range": json.dumps(self.eta_range),
            "card": json.dumps(self.card, sort_keys=True),
            **({} if mark is None else {"detector": json.dumps(mark.to_dict())}),
            **({} if self.particle == "photon" else {"particle": json.dumps(self.particle)}),
        }

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> "ModelMetadata":
        """Read what `to_texts` wrote.

        Args:
            texts: The texts by name.

        Returns:
            The metadata.

        Raises:
            ModelFileError: If they are not those of a model, or of another version.
        """
        if texts.get("format") != FORMAT:
            raise ModelFileError("no model of calovox: export one with calovox export")
        if texts.get("version") != str(VERSION):
            raise ModelFileError(f"expected version {VERSION}, got {texts.get('version')}")
        try:
            text = parse_rings(texts["grid"])
            places = json.loads(texts["places"])
            order = None if places is None else np.asarray(places, dtype=np.int64)
            return cls(
                VoxelGrid(text.rings, text.name, order, text.names),
                _pair(texts["energy_range"]),
                _pair(texts["eta_range"]),
                json.loads(texts["card"]),
                DetectorMark.from_dict(json.loads(texts.get("detector", "null"))),
                parse_particle(json.loads(texts.get("particle", "null"))),
            )
        except KeyError as problem:
            raise ModelFileError(f"the metadata lack {problem}") from None
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as problem:
            raise ModelFileError(f"the metadata are damaged: {problem}") from None


def _pair(text: str) -> tuple[float, float]:
    low, high = json.loads(text)
    return float(low), float(high)
