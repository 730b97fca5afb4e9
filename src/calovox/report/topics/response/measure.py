"""E_tot / E_kin and the shares of the layers against |eta_center| (note, Figure 12)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calovox.report.comparison import FEWEST_EVENTS
from calovox.report.layers import LayerFractions, layer_fractions
from calovox.report.topic import NotShown
from calovox.report.topics.response.profiles import Response, measure_response
from calovox.report.topics.response.ranges import ResponseRanges
from calovox.report.topics.response.slices import SlicedResponse, slice_response
from calovox.samples.regions import Region
from calovox.samples.sample import Sample
from calovox.samples.samples import Samples

__all__ = ["ResponseResult", "measure_all"]


@dataclass(frozen=True)
class ResponseResult:
    """Everything that the report shows of E_tot / E_kin against |eta_center|.

    Attributes:
        responses: E_tot / E_kin against |eta_center| of each sample that has enough energy.
        sliced: E_tot / E_kin near the electrode gaps; None without that of the reference.
        fractions: Shares of the layers of each sample in the regions of the shower shapes.
        layers: Names of the layers by their numbers.
        missing: What cannot be shown, and why.
    """

    responses: tuple[Response, ...]
    sliced: SlicedResponse | None
    fractions: tuple[tuple[Region, tuple[LayerFractions, ...]], ...]
    layers: Mapping[int, str]
    missing: tuple[str, ...]


def measure_all(samples: Samples) -> ResponseResult | NotShown:
    """Measure E_tot / E_kin and the shares of the layers of all samples."""
    judged = samples.reconstructed
    if not judged:
        return NotShown(("Response and layers: no reference with cell energies was given",))
    ranges = ResponseRanges.of(samples.regions, judged[0].energy)
    first = measure_response(judged[0], ranges=ranges)
    found = [first, *(measure_response(sample, first, ranges=ranges) for sample in judged[1:])]
    sliced = None
    if first is not None:
        how: dict[str, Any] = {"gap_range": ranges.gap_range, "eta_slices": ranges.eta_slices}
        sliced = slice_response(judged, first.energies, **how)
    return ResponseResult(
        tuple(response for response in found if response is not None),
        sliced,
        tuple(_fractions(judged, samples.regions)),
        judged[0].layer_names,
        tuple(_missing(judged, found, sliced)),
    )


def _fractions(
    judged: Sequence[Sample], regions: Sequence[Region]
) -> Iterator[tuple[Region, tuple[LayerFractions, ...]]]:
    for region in regions:
        n_reference = region.select(judged[0].energy, judged[0].eta_center).sum()
        if n_reference >= FEWEST_EVENTS:
            yield region, tuple(layer_fractions(sample, region) for sample in judged)


def _missing(
    judged: Sequence[Sample], found: Sequence[Response | None], sliced: SlicedResponse | None
) -> Iterator[str]:
    for sample, response in zip(judged, found, strict=True):
        if response is None:
            yield f"E_tot / E_kin of {sample.label}: no event has enough energy"
    for low, high in () if sliced is None else sliced.too_few:
        yield f"E_tot / E_kin at {low:g} ≤ |η| < {high:g}: the reference has too few events"
