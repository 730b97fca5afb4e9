"""Energies and bins of the response follow the regions of the report."""

import numpy as np

from calovox.report.topics.response.ranges import BARREL_RANGES, ResponseRanges
from calovox.samples.regions import REGIONS, choose_regions


def test_the_barrel_has_the_ranges_of_the_note():
    assert ResponseRanges.of(REGIONS, np.ones(9)) is BARREL_RANGES


def test_another_detector_has_ranges_of_its_showers():
    eta = np.linspace(1.6, 2.4, 900)
    energy = np.linspace(8e3, 12e3, 900)
    regions = choose_regions(energy, eta)
    ranges = ResponseRanges.of(regions, energy)
    assert ranges.energies == (7.5e3, 15e3)
    assert ranges.eta_slices == ((1.6, 1.87), (1.87, 2.14), (2.14, 2.41))
    assert (ranges.eta_edges[0], ranges.eta_edges[-1]) == (1.6, 2.41)
    assert len(ranges.eta_edges) == 31
    assert len(ResponseRanges.of(regions, energy[::6]).eta_edges) == 7
    assert ranges.gap_range is None
    assert ranges.lowest_energy == 0.0
