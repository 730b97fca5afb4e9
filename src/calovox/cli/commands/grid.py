"""`calovox grid`: the smallest grid whose cells do not show it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.progress import Advance, progress_of
from calovox.cli.settings import (
    CurveToRemove,
    DetectorIn,
    FileInText,
    HitsIn,
    Output,
    Seed,
    given_detector,
)

if TYPE_CHECKING:
    from calovox.grid_search import GridPath

__all__ = ["GRID", "GridSettings", "grid"]

_EXAMPLE = "calovox grid tuning_*.h5 --voxels 128 --compare optimal -o compact.toml"
_GRIDS = ("optimal", "regular", "compact")


@dataclass(frozen=True, kw_only=True)
class GridSettings:
    """Settings of `calovox grid`."""

    hits: HitsIn
    output: Output
    voxels: Annotated[
        int | None,
        typer.Option(
            min=1, help="Most voxels. [default: as few as there are before the first artefact]"
        ),
    ] = None
    max_shift: Annotated[
        float,
        typer.Option(
            min=0.01,
            help="An observable that moves by more than this times its width, beyond chance, is "
            "an artefact.",
        ),
    ] = 0.05
    start: Annotated[
        str,
        typer.Option(
            help="What to begin with: fine (made for the cells), or a grid as in --compare."
        ),
        FileInText(words=("fine", *_GRIDS)),
    ] = "fine"
    compare: Annotated[
        list[str],
        typer.Option(
            metavar="GRID",
            help="Look at this grid, too: optimal, regular, compact or a TOML file; may be "
            "repeated.",
        ),
        FileInText(words=_GRIDS),
    ] = ()  # type: ignore[assignment]
    auc: Annotated[bool, typer.Option(help="Train boosted trees on all cells along the path.")] = (
        True
    )
    detector: DetectorIn = None
    phi_modulation: CurveToRemove = None
    seed: Seed = 1


def grid(settings: GridSettings, job: Job) -> str:
    """Search for the smallest grid whose cells do not show it, from hits of tuning showers.

    Half of the showers give patterns, the others are looked at. OUTPUT.json gets the path, and
    OUTPUT.png its figure. A search that was stopped leaves OUTPUT.search.json; the same command
    continues from there.
    """
    from calovox.geometry.detector_files import choose_detector
    from calovox.grid_search import GridFiles, SearchSettings, find_grid, fine_grid
    from calovox.grid_search.figure import write_figure
    from calovox.hits.files import HitsFiles
    from calovox.phi_modulation.bare_hits import BareHits
    from calovox.voxelization.choice import choose_grid

    own = given_detector(settings.detector)
    detector = choose_detector(own, HitsFiles(settings.hits).detectors)
    files = GridFiles(settings.output)
    files.check(overwrite=job.overwrite)
    start = (
        fine_grid(detector)
        if settings.start == "fine"
        else choose_grid(settings.start, detector.layers)
    )
    compared = [choose_grid(text, detector.layers) for text in settings.compare]
    hits = BareHits(
        settings.hits, settings.phi_modulation, None if own is None else detector.cells
    )
    with _steps_shown(start.n_voxels) as on_step:
        path = find_grid(
            hits,
            files,
            detector,
            SearchSettings(settings.voxels, settings.max_shift, settings.auc, settings.seed),
            start=start,
            compared=compared,
            on_step=on_step,
            **job.writing(),
        )
    write_figure(path, files.figure, name=settings.output.stem, overwrite=job.overwrite)
    return f"{settings.output}: {path.steps[path.chosen].n_voxels} voxels"


@contextmanager
def _steps_shown(n_voxels: int) -> Iterator[Callable[["GridPath"], None]]:
    """Show how many voxels the search has saved, from its first step on."""
    saved = 0
    advance: Advance | None = None
    with ExitStack() as stack:

        def on_step(path: "GridPath") -> None:
            nonlocal advance, saved
            if advance is None:  # reading has a bar of its own
                shown = progress_of("search", n_voxels, unit="voxels saved")
                advance = stack.enter_context(shown)
            step = path.steps[-1]
            now = n_voxels - step.n_voxels
            advance(now - saved, f"{step.n_voxels} voxels, d2 {step.separation:.3f}")
            saved = now

        yield on_step


GRID = make_command("grid", GridSettings, grid, example=_EXAMPLE)
