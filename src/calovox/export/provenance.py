"""Where training showers come from, said in few words."""

import copy
import json
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["group_hits"]

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


def _group(hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    for made in hits:
        common = {key: value for key, value in made.items() if key not in _OF_ONE_FILE}
        group = groups.setdefault(json.dumps(common, sort_keys=True), {**common, "files": []})
        group["files"].append({key: made[key] for key in _OF_ONE_FILE if key in made})
    return list(groups.values())
