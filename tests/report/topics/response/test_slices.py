from dataclasses import replace

import numpy as np
import pytest

from calovox.report.topics.response.figures import gap_figure, response_slices_figure
from calovox.report.topics.response.ranges import ETA_SLICES, GAP_RANGE
from calovox.report.topics.response.slices import slice_response
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import read_samples

ENERGIES = (48e3, 98e3)


@pytest.fixture(scope="module")
def samples(datasets):
    """Reference and simulation, moved across the electrode gap."""
    simulated = {"optimal": [datasets["optimal"]]}
    files = EvaluationFiles(reference=[datasets["reference"]], simulated=simulated)
    read = read_samples(files).reconstructed
    etas = np.random.default_rng(3).uniform(0.77, 0.785, len(read[0]))
    return [replace(sample, eta_center=etas) for sample in read]


def test_every_event_of_the_range_is_in_the_map_or_counted_outside(samples):
    result = slice_response(samples, ENERGIES)
    assert [entry.label for entry in result.maps] == ["Geant4", "optimal"]
    for entry, sample in zip(result.maps, samples, strict=True):
        assert entry.n_events == len(sample)
        assert entry.counts.sum() + entry.n_low + entry.n_high == len(sample)
        assert (entry.eta_edges[0], entry.eta_edges[-1]) == GAP_RANGE


def test_slices_hold_the_events_between_their_borders(samples):
    result = slice_response(samples, ENERGIES)
    (entry,) = result.slices
    assert (entry.eta_low, entry.eta_high) == (0.77, 0.785)
    assert entry.observable.reference.total == len(samples[0])
    assert result.too_few == ()


def test_ranges_are_arguments(samples):
    slices = ((0.77, 0.773), (0.773, 0.785))
    result = slice_response(samples, ENERGIES, gap_range=slices[1], eta_slices=slices)
    assert [(entry.eta_low, entry.eta_high) for entry in result.slices] == [slices[1]]
    assert result.too_few == (slices[0],)
    inside = (samples[0].eta_center >= 0.773) & (samples[0].eta_center < 0.785)
    assert result.maps[0].n_events == np.count_nonzero(inside)
    assert result.gap_range == slices[1]


def test_an_empty_range_is_refused(samples):
    with pytest.raises(ValueError, match=r"expected 0 <= low < high, got 0\.8 and 0\.7"):
        slice_response(samples, ENERGIES, gap_range=(0.8, 0.7))


def test_few_events_are_named_and_not_drawn(samples):
    few = [replace(sample, eta_center=np.full(len(sample), 0.5)) for sample in samples]
    few[0].eta_center[:3] = 0.005
    result = slice_response(few, ENERGIES)
    assert (result.maps, result.slices, result.too_few) == ((), (), (ETA_SLICES[0],))


def test_slices_do_not_overlap():
    borders = np.ravel(ETA_SLICES)
    assert np.all(np.diff(borders) >= 0)


def test_figures_have_a_panel_per_map_and_two_per_slice(samples):
    result = slice_response(samples, ENERGIES)
    assert len(gap_figure(result).axes) == len(result.maps) + 1
    assert len(response_slices_figure(result).axes) == 2 * len(result.slices)
