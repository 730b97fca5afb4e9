"""Several hits files that a command reads as one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from calovox.cli.progress import track
from calovox.cli.settings import FileIn
from calovox.hits import Hits
from calovox.hits.file import HitsReader
from calovox.phi_modulation import remove_phi_modulation
from calovox.phi_modulation.curve_file import read_curve
from calovox.phi_modulation.state import modulation_state, state_after_removing

__all__ = ["CurveToRemove", "HitsFiles", "HitsIn"]

HitsIn = Annotated[
    list[Path],
    typer.Argument(metavar="HITS", exists=True, dir_okay=False, help="Hits files, in order."),
    FileIn(),
]
CurveToRemove = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Curves to be removed from the hits before."),
    FileIn(),
]


class HitsFiles:
    """Several hits files as one, and the phi modulation that is taken out of their hits.

    Args:
        paths: The files, in order.
        curve: File of the curves that are removed from the hits; None for none.

    Attributes:
        phi_modulation: What is known of the modulation in the bare hits.

    Raises:
        ValueError: If the files do not go together, hold no showers, or lack the modulation.
    """

    def __init__(self, paths: Sequence[Path], curve: Path | None) -> None:
        self._readers = [HitsReader(path) for path in paths]
        self._modulation = None if curve is None else read_curve(curve)
        stored = [reader.phi_modulation for reader in self._readers]
        if curve is not None:
            stored = [
                state_after_removing(entry, path)
                for entry, path in zip(stored, paths, strict=True)
            ]
        known = [{**(entry or {}), "state": modulation_state(entry)} for entry in stored]
        if any(entry != known[0] for entry in known):
            raise ValueError(
                f"{', '.join(map(str, paths))}: expected files with the same phi modulation; "
                f"use them apart"
            )
        self.phi_modulation = stored[0]
        if len(self) == 0:
            raise ValueError(f"{', '.join(map(str, paths))}: expected showers, got none")
        _check_indices(self._readers)

    def __len__(self) -> int:
        """Return the number of showers."""
        return sum(len(reader) for reader in self._readers)

    @property
    def provenance(self) -> list[dict[str, Any]]:
        """How the hits of each file were made."""
        return [reader.provenance for reader in self._readers]

    def bare(self, hits: Hits) -> Hits:
        """Return hits without the modulation, if curves were given, or as they are."""
        if self._modulation is None:
            return hits
        return remove_phi_modulation(hits, self._modulation)

    def batches(self, title: str) -> Iterator[Hits]:
        """Read all showers in batches, as they are, and show the progress under a title."""
        parts = (batch for reader in self._readers for batch in reader.batches())
        return track(parts, title, len(self))


def _check_indices(readers: Sequence[HitsReader]) -> None:
    """Refuse events that would share their random numbers."""
    columns = [reader.photons().index for reader in readers]
    indices, counts = np.unique(np.concatenate(columns), return_counts=True)
    if np.any(counts > 1):
        paths = ", ".join(str(reader.path) for reader in readers)
        raise ValueError(
            f"{paths}: event {indices[counts > 1][0]} occurs more than once; "
            "make the files with different --first-event"
        )
