"""Published results of the CaloChallenge, with their sources: `published.toml`.

References:
    C. Krause et al., *CaloChallenge 2022: A Community Challenge for Fast Calorimeter Simulation*
    (2024), https://arxiv.org/abs/2410.21611
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

__all__ = ["CHALLENGE_PAPER", "PublishedResult", "published_results"]

CHALLENGE_PAPER: Final = "https://arxiv.org/abs/2410.21611"
"""Where the results are published, unless they have a source of their own."""


@dataclass(frozen=True, kw_only=True)
class PublishedResult:
    """What is published of one model; what is not known is None.

    Attributes:
        data_set: Name of the data set, as in `samples.calochallenge.DATA_SETS`.
        model: Name of the model; Geant4 for a second sample of Geant4.
        fpd: FPD times 1000, and its error.
        kpd: KPD times 1000, and its error.
        auc_low: AUC of the challenge's network on voxels, and its standard deviation.
        auc_high: The same on high-level features.
        chi2: `total_energy_chi2`.
        gpu_ms: Time for one shower on a GPU in ms.
        source: Where it is published.
    """

    data_set: str
    model: str
    fpd: tuple[float, float] | None = None
    kpd: tuple[float, float] | None = None
    auc_low: tuple[float, float] | None = None
    auc_high: tuple[float, float] | None = None
    chi2: float | None = None
    gpu_ms: float | None = None
    source: str = CHALLENGE_PAPER


@cache
def published_results(data_set: str) -> tuple[PublishedResult, ...]:
    """List what is published of a data set.

    Args:
        data_set: Its name.

    Returns:
        One entry per model, Geant4 first; none for other layouts.
    """
    text = files(__package__).joinpath("published.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["result"]
    return tuple(_result(row) for row in rows if row["data_set"] == data_set)


def _result(row: dict[str, Any]) -> PublishedResult:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return PublishedResult(**values)
