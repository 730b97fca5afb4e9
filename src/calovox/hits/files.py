"""Several hits files as one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from calovox.geometry.detector_files.mark import DetectorMark
from calovox.hits.file import HitsReader
from calovox.hits.hits import Hits
from calovox.photons import Particle, Photons
from calovox.tracking import Track, silently

__all__ = ["HitsFiles"]


class HitsFiles:
    """Several hits files as one.

    Args:
        paths: The files, in order.
        takes_weights: Whether the caller knows what to do with showers that have weights. Showers
            of files without weights weigh 1 beside them.

    Attributes:
        weighted: Whether showers of any file have weights.

    Raises:
        ValueError: If they hold no showers, or two events have the same index and would share
            their random numbers.
    """

    def __init__(self, paths: Sequence[Path], *, takes_weights: bool = False) -> None:
        self._readers = [HitsReader(path, takes_weights=takes_weights) for path in paths]
        self.weighted = any("weight" in reader.optional for reader in self._readers)
        self._radii = all("interaction_radius" in reader.optional for reader in self._readers)
        if len(self) == 0:
            raise ValueError(f"{self}: expected showers, got none")
        self._check_indices()
        for reader in self._readers[1:]:
            if reader.particle != self.particle:
                raise ValueError(
                    f"{self}: expected showers of one kind of particle, got {self.particle}s and "
                    f"{reader.particle}s"
                )

    def __len__(self) -> int:
        """Return the number of showers."""
        return sum(len(reader) for reader in self._readers)

    def __str__(self) -> str:
        return ", ".join(str(reader.path) for reader in self._readers)

    @property
    def paths(self) -> list[Path]:
        """The files, in order."""
        return [reader.path for reader in self._readers]

    @property
    def particle(self) -> Particle:
        """What made the showers."""
        return self._readers[0].particle

    @property
    def detectors(self) -> dict[Path, DetectorMark | None]:
        """What each file says of its detector."""
        return {reader.path: reader.detector for reader in self._readers}

    @property
    def provenance(self) -> list[dict[str, Any]]:
        """How the hits of each file were made."""
        return [reader.provenance for reader in self._readers]

    @property
    def phi_modulation(self) -> list[Mapping[str, Any] | None]:
        """What is known of the phi modulation in the hits of each file."""
        return [reader.phi_modulation for reader in self._readers]

    def photons(self) -> list[Photons]:
        """Read the photons of each file, without their hits."""
        return [reader.photons() for reader in self._readers]

    def batches(
        self, title: str, track: Track = silently, rows: slice = slice(None)
    ) -> Iterator[Hits]:
        """Read showers in batches.

        Args:
            title: What is done with them.
            track: Shows the progress.
            rows: Which showers, counted through all files; all by default.

        Returns:
            Batches in the order of the files.
        """
        start, stop, _ = rows.indices(len(self))
        return track(map(self._alike, self._between(start, stop)), title, stop - start)

    def _between(self, start: int, stop: int) -> Iterator[Hits]:
        first = 0
        for reader in self._readers:
            own = slice(max(0, start - first), max(0, min(len(reader), stop - first)))
            yield from reader.batches(rows=own)
            first += len(reader)

    def _alike(self, hits: Hits) -> Hits:
        """Give the photons of all files the same columns."""
        photons = hits.photons
        if self.weighted and photons.weight is None:
            photons = replace(photons, weight=np.ones(len(photons)))
        if not self._radii:
            photons = replace(photons, interaction_radius=None)
        return replace(hits, photons=photons)

    def _check_indices(self) -> None:
        columns = [photons.index for photons in self.photons()]
        indices, counts = np.unique(np.concatenate(columns), return_counts=True)
        if np.any(counts > 1):
            raise ValueError(
                f"{self}: event {indices[counts > 1][0]} occurs more than once; "
                "make the files with different --first-event"
            )
