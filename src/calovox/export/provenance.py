"""Where training showers come from, said in few words."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

__all__ = ["gather_provenances", "group_hits", "name_files_once", "spread_provenances"]

_OF_ONE_FILE: Final = ("n_events", "photons_sha256", "seed")


def group_hits(data: Mapping[str, Any]) -> dict[str, Any]:
    """Say only once how files of hits were made that differ in nothing but photons and seed.

    Args:
        data: Files of training and validation, as `TrainedModel.data` has them.

    Returns:
        The same, but each group of such files is one entry of `hits`, with what belongs to a
        single file in its list `files`.
    """
    grouped = copy.deepcopy(dict(data))
    for use in grouped.values():
        for file in use["files"]:
            provenance = file["provenance"]
            if "hits" in provenance:
                provenance["hits"] = _group(provenance["hits"])
    return grouped


def name_files_once(data: Mapping[str, Any]) -> dict[str, Any]:
    """Name a file once that was given several times, to count as often.

    Args:
        data: Files of training and validation, as `group_hits` gives them.

    Returns:
        The same, but each file is one entry, with how often it counts as `times` if not once.
    """
    return {use: part | {"files": _once(part["files"])} for use, part in data.items()}


def gather_provenances(
    models: Sequence[Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], list[Any]]:
    """Say once where datasets come from, however often models and corrections name them.

    Args:
        models: What `model.json` says of models.

    Returns:
        The same, but the `provenance` of a file is a number: its place in the list that follows.
    """
    known: dict[str, tuple[int, Any]] = {}

    def take(file: Mapping[str, Any]) -> dict[str, Any]:
        text = json.dumps(file["provenance"], sort_keys=True)
        place, _ = known.setdefault(text, (len(known), file["provenance"]))
        return {**file, "provenance": place}

    return _change_files(models, take), [provenance for _, provenance in known.values()]


def spread_provenances(
    models: Sequence[Mapping[str, Any]], provenances: Sequence[Any]
) -> list[dict[str, Any]]:
    """Say of each file where it comes from.

    Args:
        models: What `model.json` says of models.
        provenances: Where datasets come from, as `gather_provenances` gives it; nothing for models
            that were exported before, whose files say it themselves.

    Returns:
        The same, but the `provenance` of a file is its own again.

    Raises:
        IndexError: If there are fewer.
    """

    def give(file: Mapping[str, Any]) -> dict[str, Any]:
        place = file["provenance"]
        return {**file, "provenance": provenances[place] if isinstance(place, int) else place}

    spread: list[dict[str, Any]] = _change_files(models, give)
    return spread


def _change_files(value: Any, change: Callable[[Mapping[str, Any]], Any]) -> Any:
    """Change what is said of each dataset: all that has a SHA-256."""
    if isinstance(value, Mapping):
        if "sha256" in value:
            return change(value)
        return {key: _change_files(entry, change) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_change_files(entry, change) for entry in value]
    return value


def _once(files: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    times: dict[str, int] = {}
    for file in files:
        alone = json.dumps({key: file[key] for key in file if key != "times"})
        times[alone] = times.get(alone, 0) + file.get("times", 1)
    return [
        json.loads(alone) | ({"times": number} if number > 1 else {})
        for alone, number in times.items()
    ]


def _group(hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    for made in hits:
        common = {key: value for key, value in made.items() if key not in _OF_ONE_FILE}
        group = groups.setdefault(json.dumps(common, sort_keys=True), {**common, "files": []})
        group["files"].append({key: made[key] for key in _OF_ONE_FILE if key in made})
    return list(groups.values())
