import numpy as np
import pytest

from calovox.geometry.barrel import barrel_cells
from calovox.hits.hits import Hits
from calovox.reconstruction.deposit import hits_to_cells
from tests.reference import shapes as slow
from tests.toy_showers import toy_photons, toy_showers

TABLE = barrel_cells()


def hits_of(*rows: tuple[int, float, float, float], sizes: list[int] | None = None) -> Hits:
    layer, eta, phi, energy = (np.array(column) for column in zip(*rows, strict=True))
    sizes = [len(rows)] if sizes is None else sizes
    return Hits(
        layer=layer.astype(np.uint8),
        eta=eta.astype(np.float64),
        phi=phi.astype(np.float64),
        r=np.full(len(rows), 1700.0),
        energy=energy.astype(np.float64),
        event_offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        photons=toy_photons(len(sizes)),
    )


def test_cells_and_outside_add_up_to_the_hits():
    hits = toy_showers(20)
    cells = hits_to_cells(hits, TABLE)
    for event in range(len(hits)):
        entries = slice(cells.event_offsets[event], cells.event_offsets[event + 1])
        rows = slice(hits.event_offsets[event], hits.event_offsets[event + 1])
        total = cells.energy[entries].sum(dtype=np.float64) + cells.outside[event]
        assert total == pytest.approx(hits.energy[rows].sum(dtype=np.float64), rel=1e-7)
        assert np.all(np.diff(cells.cell[entries]) > 0)


def test_deposit_equals_the_slow_twin():
    hits = toy_showers(3, n_hits=300)
    cells = hits_to_cells(hits, TABLE)
    find = TABLE.lookup().find
    rows = iter(find(hits.layer, hits.eta, hits.phi))
    events, outside = slow.deposit(hits, lambda layer, eta, phi: int(next(rows)))
    np.testing.assert_allclose(cells.outside, outside, rtol=1e-9)
    for event, expected in enumerate(events):
        entries = slice(cells.event_offsets[event], cells.event_offsets[event + 1])
        found = dict(zip(cells.cell[entries].tolist(), cells.energy[entries], strict=True))
        assert found == pytest.approx(expected, rel=1e-6)


def test_hits_outside_the_detector_are_counted():
    cells = hits_to_cells(
        hits_of((2, 0.2, 0.1, 4.0), (2, 3.0, 0.1, 1.5), (1, -2.0, 0.1, 0.5), sizes=[2, 1]), TABLE
    )
    np.testing.assert_array_equal(cells.outside, [1.5, 0.5])
    np.testing.assert_array_equal(cells.event_offsets, [0, 1, 1])


def test_hits_that_cancel_leave_no_cell():
    cells = hits_to_cells(
        hits_of((2, 0.2, 0.1, 4.0), (2, 0.2, 0.1, -4.0), (2, 0.3, 0.1, -1.0)), TABLE
    )
    np.testing.assert_array_equal(cells.energy, [-1.0])


def test_the_order_of_hits_and_of_events_does_not_matter():
    hits = toy_showers(4, n_hits=200)
    whole = hits_to_cells(hits, TABLE)
    for event in range(4):
        part, chosen = hits_to_cells(hits[event : event + 1], TABLE), whole[event : event + 1]
        np.testing.assert_array_equal(part.cell, chosen.cell)
        np.testing.assert_array_equal(part.energy, chosen.energy)


def test_events_without_hits_have_no_cells():
    cells = hits_to_cells(toy_showers(2)[0:0], TABLE)
    assert len(cells) == 0
    empty = hits_to_cells(hits_of((2, 0.2, 0.1, 4.0), sizes=[0, 1, 0]), TABLE)
    np.testing.assert_array_equal(empty.event_offsets, [0, 0, 1, 1])
