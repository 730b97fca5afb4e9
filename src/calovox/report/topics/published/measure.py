"""The results of samples of the CaloChallenge, taken from their scores, and published ones."""

from collections.abc import Iterator
from dataclasses import dataclass

from calovox.report.topic import NotShown
from calovox.samples.bins import ALL
from calovox.samples.calochallenge import DATA_SETS
from calovox.samples.samples import Samples
from calovox.scores.challenge import (
    CUTS,
    FEATURES_2022,
    FEATURES_2024,
    PublishedResult,
    published_results,
)
from calovox.scores.table import Score, Scores

__all__ = ["OwnResult", "PublishedTable", "measure_published"]


@dataclass(frozen=True)
class OwnResult:
    """What was found of one sample, with one list of features; what was not measured is None.

    Attributes:
        sample: Name of the sample.
        features: Name of the list of features; empty without FPD and KPD.
        fpd: FPD.
        kpd: KPD.
        chi2: `calovox.scores.challenge.total_energy_chi2`.
        auc_low: AUC of the challenge's network on voxels.
        auc_high: The same on high-level features.
    """

    sample: str
    features: str
    fpd: Score | None
    kpd: Score | None
    chi2: Score | None
    auc_low: Score | None
    auc_high: Score | None


@dataclass(frozen=True)
class PublishedTable:
    """The table of results.

    Attributes:
        data_set: Name of the data set; empty for another layout.
        particle: Name of the particle.
        cut: Energy in MeV below which a voxel counts as empty.
        own: Results of this report.
        results: Published results of the data set.
    """

    data_set: str
    particle: str
    cut: float
    own: tuple[OwnResult, ...]
    results: tuple[PublishedResult, ...]


def measure_published(samples: Samples, scores: Scores) -> PublishedTable | NotShown:
    """Collect the results of all samples with the voxels of the reference."""
    sources = [*samples.of_challenge.values()]
    if not sources:
        return NotShown(())
    layout = sources[0].layout
    data_set = DATA_SETS.get(layout.n_voxels, "")
    others = [*samples.of_challenge.items()][1:] + [*samples.classifier.items()][1:]
    names = dict.fromkeys(label for label, source in others if source.layout == layout)
    return PublishedTable(
        data_set=data_set,
        particle=layout.name,
        cut=CUTS.get(data_set, 0.0),
        own=tuple(result for name in names for result in _own(name, scores)),
        results=published_results(data_set),
    )


def _own(name: str, scores: Scores) -> Iterator[OwnResult]:
    """Give the results of a sample: one for each list of features, or one without any."""

    def find(metric: str, feature: str) -> Score | None:
        rows = scores.select(sample=name, metric=metric, feature=feature).select(
            energy_bin=ALL, eta_bin=ALL
        )
        return next(iter(rows), None)

    chi2 = find("chi2", "e_tot_over_e_inc")
    areas = find("auc", "voxels"), find("auc", "high-level")
    lists = [version for version in (FEATURES_2024, FEATURES_2022) if find("fpd", version)]
    for features in lists or [""]:
        yield OwnResult(name, features, find("fpd", features), find("kpd", features), chi2, *areas)
