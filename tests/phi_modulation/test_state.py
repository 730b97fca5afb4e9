from pathlib import Path

import pytest

from calovox.phi_modulation.state import (
    modulation_state,
    state_after_applying,
    state_after_removing,
)

HITS = Path("hits.h5")


@pytest.mark.parametrize(
    ("stored", "state"),
    [
        (None, "unknown"),
        ({}, "present"),
        ({"state": "removed"}, "removed"),
        ({"state": "absent"}, "absent"),
    ],
)
def test_state_is_read_from_what_a_file_stores(stored, state):
    assert modulation_state(stored) == state


def test_parameters_are_kept():
    removed = state_after_removing({"period": 1.0, "state": "present"}, HITS)
    assert removed == {"period": 1.0, "state": "removed"}
    assert state_after_applying(removed, HITS) == {"period": 1.0, "state": "present"}


@pytest.mark.parametrize("state", ["removed", "absent"])
def test_removing_what_is_not_there_is_refused(state):
    with pytest.raises(ValueError, match=f"hits.h5: the phi modulation is {state} already"):
        state_after_removing({"state": state}, HITS)


def test_applying_twice_is_refused():
    with pytest.raises(ValueError, match="present already"):
        state_after_applying({}, HITS)


def test_unknown_states_are_refused():
    with pytest.raises(ValueError, match="got 'halfway'"):
        modulation_state({"state": "halfway"})
