"""Hits of files whose phi modulation is taken out while they are read."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from calovox.geometry import CellTable
from calovox.hits import Hits
from calovox.hits.files import HitsFiles
from calovox.phi_modulation.curve import remove_phi_modulation
from calovox.phi_modulation.curve_file import read_curve
from calovox.phi_modulation.state import modulation_state, state_after_removing
from calovox.tracking import Track, silently

__all__ = ["BareHits"]


class BareHits:
    """Several hits files as one, and the phi modulation that is taken out of their hits.

    Args:
        paths: The files, in order.
        curve: File of the curves that are removed from the hits; None for none.
        cells: The cells of the detector; None for the built-in barrel.
        takes_weights: Whether the caller knows what to do with showers that have weights.

    Attributes:
        files: The files as one, with the hits as they are.
        cells: The cells that the hits are in; None for the built-in barrel.
        phi_modulation: What is known of the modulation in the bare hits.

    Raises:
        ValueError: If the files do not go together, hold no showers, or lack the modulation.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        curve: Path | None = None,
        cells: CellTable | None = None,
        *,
        takes_weights: bool = False,
    ) -> None:
        self.cells = cells
        self.files = HitsFiles(paths, takes_weights=takes_weights)
        self._modulation = None if curve is None else read_curve(curve)
        stored = self.files.phi_modulation
        if curve is not None:
            stored = [
                state_after_removing(entry, path)
                for entry, path in zip(stored, paths, strict=True)
            ]
        known = [{**(entry or {}), "state": modulation_state(entry)} for entry in stored]
        if any(entry != known[0] for entry in known):
            raise ValueError(
                f"{self.files}: expected files with the same phi modulation; use them apart"
            )
        self.phi_modulation = stored[0]

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self.files)

    @property
    def provenance(self) -> list[dict[str, Any]]:
        """How the hits of each file were made."""
        return self.files.provenance

    def bare(self, hits: Hits) -> Hits:
        """Return hits without the modulation, if curves were given, or as they are."""
        if self._modulation is None:
            return hits
        return remove_phi_modulation(hits, self._modulation, self.cells)

    def batches(self, title: str, track: Track = silently) -> Iterator[Hits]:
        """Read all showers in batches, without the modulation.

        Args:
            title: What is done with them.
            track: Shows the progress.

        Yields:
            Batches in the order of the files.
        """
        for hits in self.files.batches(title, track):
            yield self.bare(hits)
