"""Where training showers come from, said in few words."""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["group_hits", "name_files_once"]

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
