"""Pictures of showers: averages on all grids, and one shower in pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from calovox.report.text import grid_name
from calovox.report.topic import NotShown
from calovox.samples.sample import Sample
from calovox.samples.samples import Samples
from calovox.samples.showers import AverageShower, ShowerImage

__all__ = ["NamedAverage", "ShowersResult", "measure_showers"]


@dataclass(frozen=True)
class NamedAverage:
    """An average shower.

    Attributes:
        name: Name of its figure.
        label: Name of the sample.
        shower: The shower.
    """

    name: str
    label: str
    shower: AverageShower


@dataclass(frozen=True)
class ShowersResult:
    """The showers that are shown.

    Attributes:
        averages: The first average shower on each grid.
        image: One shower; None without a hits file.
        missing: What cannot be shown, and why.
    """

    averages: tuple[NamedAverage, ...]
    image: ShowerImage | None
    missing: tuple[str, ...]


def measure_showers(samples: Samples) -> ShowersResult | NotShown:
    """Choose the showers."""
    averages = tuple(_averages(samples.reconstructed))
    missing = []
    if samples.image is None:
        missing.append("One shower with the grid over it: no hits file was given (--hits)")
    if not averages:
        missing.append("Average showers: no region has events")
    if len(missing) == 2:
        return NotShown(tuple(missing))
    return ShowersResult(averages, samples.image, tuple(missing))


def _averages(samples: Sequence[Sample]) -> Iterator[NamedAverage]:
    """Give the first average shower on each grid; grids without a known name get a number."""
    grids = []
    for sample in samples:
        if sample.averages and sample.grid not in grids:
            grids.append(sample.grid)
            name = grid_name(sample.grid)
            if name not in ("optimal", "regular"):
                name = f"grid-{len(grids)}"
            yield NamedAverage(f"average-{name}", sample.label, sample.averages[0])
