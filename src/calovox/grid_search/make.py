"""From hits files to a grid file, with the path of the search beside it.

The path so far is stored behind every step in ``OUTPUT.search.json``. The same search, stopped at
any moment, goes on from there and ends with the same grid.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from calovox.files.whole import check_writable, whole_file
from calovox.geometry import Detector
from calovox.grid_search.other_grids import judge_grid
from calovox.grid_search.path import GridPath, PathStep, read_path
from calovox.grid_search.search import GridSearch, SearchSettings, search_grid
from calovox.grid_search.showers import FEWEST_SHOWERS, SearchShowers, read_showers
from calovox.grid_search.start import fine_grid
from calovox.phi_modulation.bare_hits import BareHits
from calovox.tracking import Track, silently
from calovox.voxelization import VoxelGrid

__all__ = ["GridFiles", "find_grid"]


@dataclass(frozen=True)
class GridFiles:
    """Where the results of a search go.

    Attributes:
        grid: The grid, a TOML file.
    """

    grid: Path

    def __post_init__(self) -> None:
        if self.grid.suffix != ".toml":
            raise ValueError(f"output: expected a name that ends in .toml, got {self.grid}")

    @property
    def path(self) -> Path:
        """The path, JSON."""
        return self.grid.with_suffix(".json")

    @property
    def figure(self) -> Path:
        """The figure of the path."""
        return self.grid.with_suffix(".png")

    @property
    def checkpoint(self) -> Path:
        """The path of a search that is not at its end."""
        return self.grid.with_name(self.grid.name + ".search.json")

    def check(self, *, overwrite: bool) -> None:
        """Refuse results that exist or cannot be written.

        Raises:
            FileExistsError: If one exists and may not be replaced.
        """
        for path in (self.grid, self.path, self.figure):
            check_writable(path, overwrite=overwrite)


def find_grid(
    hits: BareHits,
    files: GridFiles,
    detector: Detector,
    settings: SearchSettings,
    *,
    start: VoxelGrid | None = None,
    compared: Sequence[VoxelGrid] = (),
    provenance: dict[str, Any] | None = None,
    overwrite: bool = False,
    track: Track = silently,
    on_step: Callable[[GridPath], None] = lambda path: None,
) -> GridPath:
    """Search for a grid, and write it with its path.

    Args:
        hits: The hits files.
        files: Where the results go; the figure is not drawn here.
        detector: The layers and cells that the hits are in.
        settings: When to stop.
        start: The grid that the search begins with; `fine_grid` by default.
        compared: Other grids that are looked at in the same way.
        provenance: How the grid is made, but for the hits.
        overwrite: Whether existing files may be replaced.
        track: Shows the progress of reading.
        on_step: Called with the path behind each step.

    Returns:
        The path.

    Raises:
        FileExistsError: If a result exists and may not be replaced, or another search was stopped
            here.
        ValueError: If the hits cannot be used.
    """
    files.check(overwrite=overwrite)
    if len(hits) < 2 * FEWEST_SHOWERS:
        raise ValueError(
            f"hits: expected {2 * FEWEST_SHOWERS} showers or more, got {len(hits)}: add files or "
            "generate more"
        )
    begun_with = start or fine_grid(detector)
    showers = read_showers(hits.batches("showers", track), begun_with, detector)
    mark = _fingerprint(showers, begun_with, detector, settings)
    done = _steps_before(files.checkpoint, mark, overwrite=overwrite)

    def keep(path: GridPath) -> None:
        path.write(files.checkpoint, overwrite=True, provenance=mark)
        on_step(path)

    search = GridSearch(showers, begun_with, detector, settings)
    path = search_grid(search, done=done, on_step=keep)
    found = path.grid(path.chosen, files.grid.stem)
    others = [
        verdict
        for grid in (*compared, found)
        for verdict in judge_grid(grid, showers, search, detector, seed=settings.seed)
        if verdict.placement == "note" or grid is not found
    ]
    path = replace(path, grids=tuple(others))
    path.write(
        files.path,
        overwrite=overwrite,
        provenance={**(provenance or {}), "hits": hits.provenance},
    )
    with whole_file(files.grid, overwrite=overwrite) as partial:
        partial.write_text(found.to_toml(), encoding="utf-8")
    files.checkpoint.unlink()
    return path


def _steps_before(
    checkpoint: Path, mark: dict[str, Any], *, overwrite: bool
) -> tuple[PathStep, ...]:
    """Read the steps of the same search; refuse those of another one."""
    if not checkpoint.exists():
        return ()
    content, steps = read_path(checkpoint)
    if content.get("provenance") == mark:
        return steps
    if not overwrite:
        raise FileExistsError(
            f"{checkpoint} is of a search with other hits or settings: remove it, or begin anew "
            "with --force"
        )
    return ()


def _fingerprint(
    showers: SearchShowers, start: VoxelGrid, detector: Detector, settings: SearchSettings
) -> dict[str, Any]:
    """Say which search it is."""
    digest = hashlib.sha256()
    for part in (showers.seen, showers.donors):
        for column in (part.centers.energy, part.centers.eta, part.centers.phi):
            digest.update(column.tobytes())
    digest.update(showers.reference.energy.tobytes())
    return {
        "showers": digest.hexdigest(),
        "start": start.to_toml(),
        "detector": repr(detector),
        "settings": asdict(replace(settings, auc=True)),  # trees come behind the search
    }
