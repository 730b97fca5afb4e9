"""Which samples there are, and which parts of the report they do not allow."""

from collections.abc import Sequence
from dataclasses import dataclass

from calovox.photons.photon_range import PhotonRange
from calovox.report.text import grid_name
from calovox.samples.sample import Sample
from calovox.samples.samples import Samples
from calovox.scores.scoring import ScoredSample

__all__ = ["SampleRow", "SamplesResult", "measure_samples"]


@dataclass(frozen=True)
class SampleRow:
    """A reconstructed sample.

    Attributes:
        label: Its name.
        n_events: Number of showers.
        n_extrapolated: Showers left out, of photons that the model was not trained for.
        grid: Name of its voxels.
        n_voxels: Their number.
        dropped_fraction: Mean share of the energy outside the grid; None if not stored.
        largest_dropped_fraction: The largest share.
        energy_range: Lowest and highest kinetic energy in MeV.
    """

    label: str
    n_events: int
    n_extrapolated: int
    grid: str
    n_voxels: int
    dropped_fraction: float | None
    largest_dropped_fraction: float | None
    energy_range: tuple[float, float]

    @classmethod
    def from_sample(cls, sample: Sample) -> "SampleRow":
        """Describe a sample."""
        dropped = sample.dropped_fraction
        return cls(
            sample.label,
            len(sample),
            sample.n_extrapolated,
            grid_name(sample.grid),
            sample.grid.n_voxels,
            None if dropped is None else float(dropped.mean()),
            None if dropped is None else float(dropped.max()),
            (float(sample.energy.min()), float(sample.energy.max())),
        )


@dataclass(frozen=True)
class SamplesResult:
    """All samples.

    Attributes:
        rows: The reconstructed samples, the reference first.
        scored: The samples that were scored, those without cells among them.
        not_shown: What the report does not show, and why.
        photons: Photons whose showers are compared; None for all.
    """

    rows: tuple[SampleRow, ...]
    scored: tuple[ScoredSample, ...]
    not_shown: tuple[str, ...]
    photons: PhotonRange | None = None


def measure_samples(
    samples: Samples, scored: Sequence[ScoredSample], missing: Sequence[str]
) -> SamplesResult:
    """Describe all samples."""
    rows = tuple(map(SampleRow.from_sample, samples.reconstructed))
    return SamplesResult(rows, tuple(scored), tuple(missing), samples.files.photons)
