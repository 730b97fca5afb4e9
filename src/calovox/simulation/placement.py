"""How the voxels of a source are placed: by patterns, or as in the note.

By default, patterns place libraries of showers and the models that come with the package or with
another one, if there are patterns for the grid, and if no option was given that only the note's
placement has. Models in files are placed as in the note, which is what FastCaloSim does with
exported models.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from calovox.files.whole import file_hash
from calovox.patterns import PatternLibrary
from calovox.patterns.file import read_patterns
from calovox.patterns.shipped import shipped_patterns
from calovox.simulation.sources import Source

__all__ = ["Placement", "place_source"]

Placement = Literal["patterns", "note"]
"""By patterns of Geant4 showers, or with the note's hits and sub-voxel probabilities."""


def place_source(
    source: Source,
    placement: Placement | None = None,
    *,
    patterns: Path | None = None,
    note_options: Mapping[str, object] | None = None,
) -> Source:
    """Choose how the voxels of a source are placed.

    Args:
        source: The source.
        placement: The placement that is wanted; None for the default.
        patterns: File of a library of patterns; None for the package's, if it fits the grid.
        note_options: What was given for the note's placement, by option; None for not given.

    Returns:
        The source, with patterns or without.

    Raises:
        ValueError: If arguments contradict each other, or patterns are wanted and there are none
            for the grid.
        FileNotFoundError: If there is no such file.
        PatternFileError: If it is no library of patterns.
    """
    given = [option for option, value in (note_options or {}).items() if value is not None]
    by_patterns = placement == "patterns" or patterns is not None
    if source.hits is not None:
        if placement is not None or patterns is not None:
            raise ValueError(
                f"--placement and --patterns are for models of voxels, and {source.path} makes "
                "hits: leave them out"
            )
        return source
    if patterns is not None and placement == "note":
        raise ValueError("--patterns is for --placement patterns, got note: leave it out")
    if by_patterns and given:
        raise ValueError(
            f"{given[0]} is for --placement note: with patterns, hits lie where the patterns say"
        )
    if not by_patterns and (placement == "note" or given or not source.is_ours):
        return source
    library = _library(source, patterns, needed=by_patterns)
    if library is None:
        return source
    made = {"patterns": _provenance(patterns)}
    return replace(source, patterns=library, provenance={**source.provenance, **made})


def _library(source: Source, path: Path | None, *, needed: bool) -> PatternLibrary | None:
    library = shipped_patterns(source.grid) if path is None else read_patterns(path)
    if library is None and needed:
        raise ValueError(
            f"--placement patterns: no patterns for the grid of {source.path} "
            f"({source.grid.n_voxels} voxels) in the package: make some with calovox voxelize "
            "--patterns FILE, and give --patterns FILE here"
        )
    if library is not None and library.grid != source.grid:
        raise ValueError(
            f"--patterns {path}: expected patterns of the grid of {source.path} "
            f"({source.grid.n_voxels} voxels), got those of another one "
            f"({library.grid.n_voxels} voxels)"
        )
    return library


def _provenance(path: Path | None) -> str:
    return "package" if path is None else file_hash(path)
