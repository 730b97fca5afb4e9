import numpy as np
import pytest

from calovox.geometry.cell_energies import CellEnergies, concatenate_cells


def toy_cells(n_events: int, *, seed: int = 1) -> CellEnergies:
    """Random cells; the first event has none."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 20, n_events)
    sizes[:1] = 0
    cells = [np.sort(rng.choice(1000, size, replace=False)) for size in sizes]
    return CellEnergies(
        cell=np.concatenate(cells).astype(np.int32),
        energy=rng.exponential(100.0, sizes.sum()).astype(np.float32),
        event_offsets=np.concatenate([[0], np.cumsum(sizes)]),
        outside=rng.exponential(1.0, n_events),
    )


def test_slices_join_to_the_whole() -> None:
    cells = toy_cells(10)
    joined = concatenate_cells([cells[:1], cells[1:4], cells[4:4], cells[4:]])
    for name in ("cell", "energy", "event_offsets", "outside"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(cells, name))
    assert len(cells) == 10
    assert len(cells[3:1]) == 0


def test_total_energy_is_the_sum_of_the_cells() -> None:
    cells = toy_cells(10)
    expected = [cells[event : event + 1].energy.sum(dtype=float) for event in range(10)]
    np.testing.assert_allclose(cells.total_energy, expected)
    assert cells.total_energy[0] == 0.0
    assert cells.event.tolist().count(3) == len(cells[3:4].energy)


def test_offsets_that_do_not_fit_are_refused() -> None:
    cells = toy_cells(3)
    offsets = cells.event_offsets
    with pytest.raises(ValueError, match="must have one entry more than there are events"):
        CellEnergies(cells.cell, cells.energy, offsets[:-1], cells.outside)
    with pytest.raises(ValueError, match="must rise from 0 to"):
        CellEnergies(cells.cell, cells.energy, offsets[[0, 2, 1, 3]], cells.outside)
    with pytest.raises(ValueError, match="got a negative one"):
        CellEnergies(cells.cell - 1000, cells.energy, offsets, cells.outside)
    with pytest.raises(IndexError, match="slice of step 1"):
        cells[::2]
