from dataclasses import replace

from calovox.report.topics.samples.measure import SampleRow, SamplesResult
from calovox.report.topics.samples.page import page_samples
from calovox.samples.sample import reconstruct
from calovox.samples.source import open_sample


def test_a_sample_is_described_by_its_events_grid_and_energies(datasets):
    sample = reconstruct(open_sample([datasets["regular"]]), "x")
    row = SampleRow.from_sample(sample)
    assert (row.label, row.n_events, row.n_extrapolated) == ("x", len(sample), 0)
    assert (row.grid, row.n_voxels) == ("regular", 1680)
    assert row.energy_range == (sample.energy.min(), sample.energy.max())
    assert row.dropped_fraction == sample.dropped_fraction.mean()


def test_what_a_file_does_not_store_is_said(datasets):
    sample = replace(reconstruct(open_sample([datasets["optimal"]]), "x"), dropped_fraction=None)
    page = page_samples(SamplesResult((SampleRow.from_sample(sample),), (), ("a", "b")))
    assert page["samples"][0]["dropped"] == "not stored"
    assert page["missing"] == ("a", "b")
