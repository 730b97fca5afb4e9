"""Rows of the page on where its numbers come from."""

import json
from collections.abc import Mapping
from typing import Any, Final

from calovox.report.comparison import SPLIT_SEED
from calovox.report.topics.inputs.measure import SEED
from calovox.report.topics.provenance.measure import InputFile, Provenance, flatten
from calovox.scores.classifiers.network import DIVISION_SEED, N_SEEDS
from calovox.scores.collecting import ROWS_SEED
from calovox.scores.judge import SCORES_SEED
from calovox.scores.referee.kinds import NOISE_SEEDS
from calovox.scores.scoring import COPYING_SEED

__all__ = ["page_provenance"]


def page_provenance(provenance: Provenance) -> dict[str, Any]:
    """Collect what the template shows of files, seeds, settings and versions."""
    return {
        "files": [_file_row(file) for file in provenance.files],
        "settings": [
            f"{name} = {json.dumps(value, ensure_ascii=False)}"
            for name, value in provenance.settings.items()
            if value is not None
        ],
        "versions": ", ".join(f"{name} {found}" for name, found in provenance.versions.items()),
        "seeds": _SEEDS,
    }


_SEEDS: Final = ", ".join(
    [
        f"{SPLIT_SEED} (random halves of regions and slices)",
        f"{SEED} (spectrum and radii)",
        f"{ROWS_SEED} (scores: showers of large samples)",
        f"{SCORES_SEED} (scores: folds and exchanges)",
        f"{COPYING_SEED} (scores: showers searched for copies)",
        f"{DIVISION_SEED} and 0 to {N_SEEDS - 1} (classifiers: division; weights and batches)",
        f"{NOISE_SEEDS[0]} (referee: noise of the reference)",
        f"{NOISE_SEEDS[1]} (referee: noise of samples)",
    ]
)


def _file_row(file: InputFile) -> dict[str, Any]:
    entries = {name: _text(value) for name, value in flatten(file.made_with)}
    return {
        "role": file.role,
        "path": str(file.path),
        "size": f"{file.size / 1e6:.1f} MB",
        "sha256": file.sha256,
        "program": entries.pop("program", ""),
        "command": entries.pop("command", ""),
        "seeds": _seeds(entries),
        "entries": list(entries.items()),
    }


def _seeds(entries: Mapping[str, str]) -> str:
    """Collect the seeds of all steps; three of them, and how many more, for long lists."""
    seeds = [value for name, value in entries.items() if name.rpartition(".")[2] == "seed"]
    distinct = list(dict.fromkeys(seeds))
    more = f" and {len(distinct) - 3} more" if len(distinct) > 3 else ""
    return ", ".join(distinct[:3]) + more


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
