"""Scores of the comparisons that a report draws, for its overview.

The floor is the spread of the same number for random halves of the reference. Where a simulation
uses the voxels of the very same events, chi2/ndf is below the floor: see `comparison`.
"""

from collections.abc import Iterator, Sequence

from scipy.stats import chi2

from calovox.report.topics.energy_slices.measure import SlicesResult
from calovox.report.topics.shapes.measure import ObservableResult, RegionResult
from calovox.scores.table import Score, Scores
from calovox.units import format_energy

__all__ = ["score_regions", "score_slices"]


def score_regions(regions: Sequence[RegionResult]) -> Scores:
    """Give chi2/ndf of every observable in every region.

    Args:
        regions: All comparisons.

    Returns:
        One row per simulation, observable and region with events of both.
    """
    rows: list[Score] = []
    for result in regions:
        energy, eta = str(result.region).split(", ", maxsplit=1)
        for entry in result.observables:
            rows += _chi2_rows(entry, entry.name, energy, eta)
    return Scores(tuple(rows))


def score_slices(results: Sequence[SlicesResult]) -> Scores:
    """Give chi2/ndf of E_tot / E_kin in every slice of energy.

    Args:
        results: All ranges of |eta_center|.

    Returns:
        One row per simulation, slice and range with events of both.
    """
    rows: list[Score] = []
    for result in results:
        for entry in result.slices:
            name = entry.observable.name
            where = format_energy(entry.energy), str(result.eta_range)
            rows += _chi2_rows(entry.observable, name, *where)
    return Scores(tuple(rows))


def _chi2_rows(result: ObservableResult, feature: str, energy: str, eta: str) -> Iterator[Score]:
    """Give chi2/ndf of each simulation, with the spread of the non-central chi2 distribution."""
    floor = result.floor
    for entry in result.simulated:
        if entry.chi2.ndf > 0:
            excess = max(entry.chi2.value - entry.chi2.ndf, 0.0)
            error = (2.0 * entry.chi2.ndf + 4.0 * excess) ** 0.5 / entry.chi2.ndf
            yield Score(
                *(entry.label, "chi2_ndf", feature, energy, eta),
                *(entry.chi2.reduced, error),
                *(floor.mean, 0.5 * (floor.high - floor.low)),
                *(result.reference.total, entry.histogram.total),
                p_value=float(chi2.sf(entry.chi2.value, entry.chi2.ndf)),
            )
