"""Curves learnt from hits files, removed from a hits file, or applied to one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from calovox.geometry import CellTable
from calovox.hits import Hits, HitsReader, HitsWriter
from calovox.phi_modulation.average_shower import AverageProfile, average_profile, join_averages
from calovox.phi_modulation.curve import (
    Modulation,
    PhiModulation,
    apply_phi_modulation,
    remove_phi_modulation,
)
from calovox.phi_modulation.curve_file import read_curve, write_curve
from calovox.phi_modulation.fit import FitResult, FitSettings, fit_phi_modulation
from calovox.phi_modulation.profile import (
    PhaseProfiles,
    concatenate_profiles,
    hits_to_profiles,
    replay_profiles,
)
from calovox.phi_modulation.state import state_after_applying, state_after_removing
from calovox.tracking import Track, silently

__all__ = ["apply_to_file", "fit_to_files", "remove_from_file"]

_AVERAGE_COPIES = 20


def fit_to_files(
    hits: Sequence[Path],
    output: Path,
    settings: FitSettings,
    *,
    seed: int,
    truth: Modulation | None = None,
    replay: int = 0,
    cells: CellTable | None = None,
    root: Path | None = None,
    overwrite: bool = False,
    track: Track = silently,
) -> FitResult:
    """Learn the curves from showers, and write them.

    Args:
        hits: Hits files, in order.
        output: File of the curves.
        settings: How to fit.
        seed: Seed of azimuths and resamplings.
        truth: The modulation that the hits have in the built-in barrel; None if it is not known.
        replay: How often each shower is placed at a random azimuth, which needs the truth; 0 to
            take showers as they are.
        cells: The cells that the hits are in; None for the built-in barrel.
        root: Folder for the ROOT files of FastCaloSim; None for none.
        overwrite: Whether existing files may be replaced.
        track: Shows the progress.

    Returns:
        The curves, and how well they do.

    Raises:
        FileExistsError: If a file exists and may not be replaced.
        ValueError: If showers are to be replayed without a truth or in other cells, or do not
            suffice.
    """
    if replay > 0 and cells is not None:
        raise ValueError(
            "--replay places showers in the built-in barrel, not in the cells of a table: leave "
            "--replay or --detector out"
        )
    if replay > 0 and truth is None:
        raise ValueError(f"--replay: {hits[0]} does not hold its true modulation")
    truth = truth if cells is None else None  # of the built-in barrel
    profiles, average = _read_profiles(
        hits, truth, replay=replay, cells=cells, seed=seed, track=track
    )
    result = fit_phi_modulation(profiles, settings, seed=seed)
    write_curve(
        output,
        result,
        settings=settings,
        truth=None if truth is None else PhiModulation.from_function(truth),
        average=average,
        root=root,
        overwrite=overwrite,
    )
    return result


def remove_from_file(
    hits: Path,
    curve: Path,
    output: Path,
    *,
    cells: CellTable | None = None,
    provenance: dict[str, Any] | None = None,
    overwrite: bool = False,
    track: Track = silently,
) -> int:
    """Divide hit energies by the phi modulation at their place.

    Args:
        hits: A hits file.
        curve: File of the curves.
        output: Where the changed hits go.
        cells: The cells that the hits are in; None for the built-in barrel.
        provenance: How the file is made, but for its hits.
        overwrite: Whether an existing file may be replaced.
        track: Shows the progress.

    Returns:
        The number of showers.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ValueError: If the hits have no modulation.
    """
    reader = HitsReader(hits, takes_weights=True)
    state = state_after_removing(reader.phi_modulation, hits)
    modulation = read_curve(curve)
    writer = HitsWriter(
        output,
        overwrite=overwrite,
        provenance=_made(provenance, reader),
        phi_modulation=state,
        particle=reader.particle,
    )
    return _change(
        reader, writer, lambda part: remove_phi_modulation(part, modulation, cells), track
    )


def apply_to_file(
    hits: Path,
    curve: Path,
    output: Path,
    *,
    cells: CellTable | None = None,
    provenance: dict[str, Any] | None = None,
    overwrite: bool = False,
    track: Track = silently,
) -> int:
    """Multiply hit energies by the phi modulation at their place.

    Args:
        hits: A hits file.
        curve: File of the curves.
        output: Where the changed hits go.
        cells: The cells that the hits are in; None for the built-in barrel.
        provenance: How the file is made, but for its hits.
        overwrite: Whether an existing file may be replaced.
        track: Shows the progress.

    Returns:
        The number of showers.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ValueError: If the hits have the modulation already.
    """
    reader = HitsReader(hits, takes_weights=True)
    state = state_after_applying(reader.phi_modulation, hits)
    modulation = read_curve(curve)
    writer = HitsWriter(
        output,
        overwrite=overwrite,
        provenance=_made(provenance, reader),
        phi_modulation=state,
        particle=reader.particle,
    )
    return _change(
        reader, writer, lambda part: apply_phi_modulation(part, modulation, cells), track
    )


def _made(provenance: dict[str, Any] | None, reader: HitsReader) -> dict[str, Any]:
    return {**(provenance or {}), "hits": reader.provenance}


def _change(
    reader: HitsReader, writer: HitsWriter, change: Callable[[Hits], Hits], track: Track
) -> int:
    with writer:
        for hits in track(map(change, reader.batches()), "phi modulation", len(reader)):
            writer.append(hits)
    return len(reader)


def _read_profiles(
    paths: Sequence[Path],
    truth: Modulation | None,
    *,
    replay: int,
    cells: CellTable | None,
    seed: int,
    track: Track,
) -> tuple[PhaseProfiles, AverageProfile | None]:
    readers = [HitsReader(path) for path in paths]
    batches = (hits for reader in readers for hits in reader.batches())
    profiles, averages = [], []
    for hits in track(batches, "profiles", sum(len(reader) for reader in readers)):
        if truth is None or replay == 0:
            profiles.append(hits_to_profiles(hits, cells=cells))
        else:
            profiles.append(replay_profiles(hits, truth, copies=replay, seed=seed))
        if truth is not None:
            averages.append(average_profile(hits, truth, copies=_AVERAGE_COPIES, seed=seed))
    return concatenate_profiles(profiles), join_averages(averages) if averages else None
