"""What a hits file tells about the modulation in its energies."""

from pathlib import Path
from typing import Any

import pytest

from calovox.geant4 import TruePhiModulation
from calovox.geant4.truth import read_true_modulation
from calovox.hits import Hits, HitsWriter

TRUTH = TruePhiModulation(cosines=((0.01,), (0.2,), (0.1,), (0.05,), (0.0,)), period=0.01)


def write(path: Path, hits: Hits, stored: dict[str, Any] | None) -> Path:
    with HitsWriter(path, provenance={}, phi_modulation=stored) as writer:
        writer.append(hits)
    return path


@pytest.mark.parametrize("state", [{}, {"state": "present"}])
def test_modulation_of_a_file_is_that_of_its_simulation(
    state: dict[str, str], toy_hits: Hits, tmp_path: Path
) -> None:
    path = write(tmp_path / "hits.h5", toy_hits, TRUTH.to_dict() | state)
    assert read_true_modulation(path) == TRUTH


@pytest.mark.parametrize("state", ["removed", "absent"])
def test_energies_without_modulation_have_none(state: str, toy_hits: Hits, tmp_path: Path) -> None:
    path = write(tmp_path / "hits.h5", toy_hits, TRUTH.to_dict() | {"state": state})
    assert read_true_modulation(path) is None


@pytest.mark.parametrize("stored", [None, {"state": "present"}])
def test_a_file_may_not_know_its_modulation(
    stored: dict[str, Any] | None, toy_hits: Hits, tmp_path: Path
) -> None:
    path = write(tmp_path / "hits.h5", toy_hits, stored)
    assert read_true_modulation(path) is None
