"""What a file of hits or voxels says of its detector.

Files of layers other than those of the built-in barrel have it as JSON in ``meta/detector``:
`name`, `names` of the layers by rising number, `layers` and `cells` (SHA-256 of
`Detector.layers_digest` and `Detector.cells_digest`), and `text`, the detector's TOML, if that has
all of it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py

from calovox.files.hdf5 import read_table
from calovox.geometry.barrel import atlas_barrel
from calovox.geometry.detector import Detector
from calovox.geometry.detector_files.description import parse_detector

__all__ = ["DetectorMark", "read_mark"]


@dataclass(frozen=True)
class DetectorMark:
    """The detector of a file.

    Attributes:
        name: What it is called.
        names: Names of its layers, by rising number.
        layers: Digest of its layers.
        cells: Digest of its cells.
        text: Its TOML, if that has all of it; empty otherwise.
    """

    name: str
    names: tuple[str, ...]
    layers: str
    cells: str
    text: str = ""

    @classmethod
    def of(cls, detector: Detector | None) -> "DetectorMark | None":
        """Describe a detector.

        Args:
            detector: The detector; None for the built-in barrel.

        Returns:
            What a file says of it; None for the layers of the built-in barrel, whatever the cells.
        """
        if detector is None or detector.layers_digest == atlas_barrel().layers_digest:
            return None
        names = tuple(layer.name for layer in detector.layers)
        digests = (detector.layers_digest, detector.cells_digest)
        return cls(detector.name, names, *digests, detector.text)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> "DetectorMark | None":
        """Read what `to_dict` gave.

        Args:
            values: The values; None if a file has none.

        Returns:
            The mark; None if there is none.

        Raises:
            ValueError: If the values are others.
        """
        if values is None:
            return None
        texts = {name: values.get(name) for name in ("name", "layers", "cells", "text")}
        names = values.get("names")
        if not isinstance(names, list) or any(
            not isinstance(text, str) for text in (*texts.values(), *names)
        ):
            raise ValueError(
                "expected texts `name`, `layers`, `cells`, `text` and `names` of the detector, "
                f"got {', '.join(map(str, values)) or 'nothing'}"
            )
        return cls(names=tuple(names), **{key: str(value) for key, value in texts.items()})

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for a file."""
        return asdict(self) | {"names": list(self.names)}

    def detector(self) -> Detector | None:
        """Make the detector of its text.

        Returns:
            The detector; None if the text does not have all of it.

        Raises:
            ValueError: If the text is damaged: it gives another detector.
        """
        return None if not self.text else _parse(self)


def read_mark(meta: h5py.Group | None, path: Path, error: type[ValueError]) -> DetectorMark | None:
    """Read what a file says of its detector.

    Args:
        meta: Its group ``meta``, if it has one.
        path: The file, for messages.
        error: What to raise.

    Returns:
        The mark; None for the layers of the built-in barrel.

    Raises:
        ValueError: Of the given type, if it is damaged.
    """
    try:
        return DetectorMark.from_dict(read_table(meta, "detector"))
    except (ValueError, TypeError) as problem:
        raise error(f"{path}: `meta/detector` is damaged: {problem}") from problem


@lru_cache(maxsize=4)
def _parse(mark: DetectorMark) -> Detector:
    """Parse once: every file of a run has the same detector."""
    detector = parse_detector(mark.text, mark.name)
    if (detector.layers_digest, detector.cells_digest) != (mark.layers, mark.cells):
        raise ValueError(
            f"detector {mark.name!r}: its text gives another detector than its digests say"
        )
    return detector
