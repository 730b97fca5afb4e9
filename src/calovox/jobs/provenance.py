"""The provenance of a run, of that of its jobs.

Jobs of a run differ in their events alone: in ``first_event`` and ``number`` of their settings, in
the number and the checksum of the photons of Geant4, and in the files that were read, of which
there is one per job. Everything else must be the same.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["NotOneRunError", "RunEvents", "check_equal", "merge_provenance"]

_OF_A_JOB: Final = ("number", "first_event")
_OF_GEANT4: Final = ("n_events", "photons_sha256")
_INPUTS: Final = ("hits", "file")
_RANGES: Final = "event_ranges"


class NotOneRunError(ValueError):
    """Files that are not parts of one run, and why."""


@dataclass(frozen=True)
class RunEvents:
    """The events of a run.

    Attributes:
        ranges: First index and number of each block of consecutive events, in order.
        digest: Computes the checksum of their photons.
    """

    ranges: tuple[tuple[int, int], ...]
    digest: Callable[[], str]

    @property
    def number(self) -> int:
        """How many there are."""
        return sum(number for _, number in self.ranges)

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """First and last index of each block of events that are missing in between."""
        pairs = zip(self.ranges, self.ranges[1:], strict=False)
        return tuple((first + number, after - 1) for (first, number), (after, _) in pairs)


def merge_provenance(
    paths: Sequence[Path], parts: Sequence[dict[str, Any]], events: RunEvents
) -> dict[str, Any]:
    """Say of a run what its jobs say of themselves.

    Args:
        paths: The files of the jobs, for the message.
        parts: Their provenance.
        events: The events of all of them.

    Returns:
        What one job with all these events would say. If events are missing in between, the
        blocks that are there are listed as ``event_ranges``.

    Raises:
        NotOneRunError: If the jobs differ in more than their events.
    """
    check_equal(paths, [_without_events(part) for part in parts], "made with")
    merged = deepcopy(parts[0])
    _set_events(merged, parts, events)
    merged.pop(_RANGES, None)
    if events.gaps:
        merged[_RANGES] = [list(block) for block in events.ranges]
    return merged


def check_equal(paths: Sequence[Path], values: Sequence[dict[str, Any]], what: str) -> None:
    """Refuse files that differ.

    Args:
        paths: The files.
        values: What must be the same in all of them.
        what: What that is, for the message.

    Raises:
        NotOneRunError: Naming the first difference.
    """
    for path, value in zip(paths, values, strict=True):
        difference = _difference(values[0], value, ())
        if difference is not None:
            key, first, other = difference
            raise NotOneRunError(
                f"{paths[0]} and {path} are not parts of one run: {what} {key} {first} and {other}"
            )


def _without_events(part: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in part.items() if key != _RANGES}
    if kept.get("source") == "Geant4":
        kept = {key: value for key, value in kept.items() if key not in _OF_GEANT4}
    if isinstance(kept.get("settings"), dict):
        dropped = (*_OF_A_JOB, *_INPUTS)
        kept["settings"] = {k: v for k, v in kept["settings"].items() if k not in dropped}
    if isinstance(kept.get("hits"), list):  # of voxelize, one entry per file of hits
        kept["hits"] = [_without_events(entry) for entry in kept["hits"][:1]]
        if isinstance(kept.get("phi_modulation"), list):
            kept["phi_modulation"] = kept["phi_modulation"][:1]
    if isinstance(kept.get("source"), dict):  # of reconstruct
        kept["source"] = _without_events(kept["source"])
    return kept


def _set_events(
    merged: dict[str, Any], parts: Sequence[dict[str, Any]], events: RunEvents
) -> None:
    if merged.get("source") == "Geant4":
        merged["n_events"], merged["photons_sha256"] = events.number, events.digest()
    settings = merged.get("settings")
    if isinstance(settings, dict):
        if "first_event" in settings:
            settings["first_event"] = events.ranges[0][0]
            settings["number"] = events.number
        for name in _INPUTS:
            if name in settings:
                settings[name] = _joined([part["settings"][name] for part in parts])
    if isinstance(merged.get("hits"), list):
        for name in ("hits", "phi_modulation"):
            if isinstance(merged.get(name), list):
                merged[name] = _joined([part[name] for part in parts])
    if isinstance(merged.get("source"), dict):
        _set_events(merged["source"], [part["source"] for part in parts], events)


def _joined(values: Sequence[Any]) -> Any:
    """Join lists, or make a list of single values; the same text in all jobs stays."""
    if all(isinstance(value, list) for value in values):
        return [entry for value in values for entry in value]
    return values[0] if all(value == values[0] for value in values) else list(values)


def _difference(first: Any, other: Any, place: tuple[str, ...]) -> tuple[str, Any, Any] | None:
    if isinstance(first, dict) and isinstance(other, dict):
        for key in sorted({*first, *other}):
            found = _difference(first.get(key), other.get(key), (*place, key))
            if found is not None:
                return found
        return None
    return None if first == other else (".".join(place), _short(first), _short(other))


def _short(value: Any) -> str:
    text = "nothing" if value is None else f"{value}"
    return text if len(text) <= 60 else f"{text[:57]}..."
