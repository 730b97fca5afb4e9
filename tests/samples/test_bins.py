import numpy as np
import pytest

from calovox.samples.bins import ALL, ENERGY_EDGES, ETA_EDGES, event_bins


@pytest.mark.parametrize("with_eta", [True, False])
def test_every_event_is_in_one_bin_of_each_kind(with_eta):
    rng = np.random.default_rng(1)
    energy = np.concatenate([10.0 ** rng.uniform(2, 7, 500), ENERGY_EDGES])
    abs_eta = np.resize(np.concatenate([rng.uniform(0, 1.4, 50), ETA_EDGES]), len(energy))
    eta = abs_eta if with_eta else None
    inside = {
        (b.energy_name, b.eta_name): b.select(energy, eta) for b in event_bins(with_eta=with_eta)
    }
    assert inside.pop((ALL, ALL)).all()
    of_energy = [rows for (_, eta_name), rows in inside.items() if eta_name == ALL]
    np.testing.assert_array_equal(np.sum(of_energy, axis=0), 1)
    if with_eta:
        of_eta = [rows for (name, _), rows in inside.items() if name == ALL]
        of_both = [rows for names, rows in inside.items() if ALL not in names]
        np.testing.assert_array_equal(np.sum(of_eta, axis=0), 1)
        np.testing.assert_array_equal(np.sum(of_both, axis=0), 1)


def test_names_tell_the_borders():
    names = [(entry.energy_name, entry.eta_name) for entry in event_bins(with_eta=True)]
    assert names[:3] == [(ALL, ALL), ("E < 1.5 GeV", ALL), ("1.5 GeV < E < 12 GeV", ALL)]
    assert ("E > 750 GeV", "|η| > 0.9") in names
    assert len(set(names)) == len(names)
