import numpy as np
import pytest

from calovox.samples.batch import SelectedShowers
from calovox.samples.reading import RowCollector, choose_rows, feed, read_showers
from calovox.samples.source import open_sample
from calovox.tracking import silently


class Keeper:
    """Keeps the energies of all showers that it is given."""

    def __init__(self, showers):
        self.showers, self.energies = showers, []

    def add(self, batch):
        self.energies += list(batch.incident_energy)


@pytest.fixture
def source(datasets, monkeypatch):
    monkeypatch.setattr("calovox.samples.reading._LARGEST_BATCH", 7)
    return open_sample([datasets["without_cells"]])


def test_every_collector_gets_its_showers_in_order_while_the_source_is_read_once(
    source, monkeypatch
):
    energy = source.incident_energy()
    every_third, none = np.arange(len(source)) % 3 == 1, np.zeros(len(source), dtype=bool)
    keepers = [Keeper(SelectedShowers(source, kept)) for kept in (None, every_third, none)]
    calls = []
    batches = source.batches
    monkeypatch.setattr(source, "batches", lambda size: calls.append(size) or batches(size))
    feed(source, keepers, "Reading", silently)
    assert calls == [7]
    assert keepers[0].energies == list(energy)
    assert keepers[1].energies == list(energy[every_third])
    assert keepers[2].energies == []


def test_rows_are_counted_among_the_selected_showers(source):
    kept = np.arange(len(source)) % 2 == 0
    collector = RowCollector(SelectedShowers(source, kept), np.array([0, 5, 11]))
    feed(source, [collector], "Reading", silently)
    found = collector.result()
    (everything,) = source.batches(1000)
    np.testing.assert_array_equal(found.fraction, everything.fraction[kept][[0, 5, 11]])
    np.testing.assert_array_equal(found.energy, everything.incident_energy[kept][[0, 5, 11]])
    np.testing.assert_array_equal(found.abs_eta, everything.abs_eta[kept][[0, 5, 11]])


def test_chosen_rows_rise_and_are_all_if_there_are_no_more(source):
    rows = choose_rows(len(source), 20, np.random.default_rng(1))
    assert len(rows) == 20
    assert np.all(np.diff(rows) > 0)
    np.testing.assert_array_equal(choose_rows(5, 9, np.random.default_rng(1)), np.arange(5))
    assert len(read_showers(source, rows, "Reading", silently)) == 20
