"""Geant4 for the tests of this room, or the reason why there is none."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from calovox.photons import Photons

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "geant4-data"


@pytest.fixture(scope="session")
def geant4_data() -> Iterator[None]:
    if importlib.util.find_spec("calzone") is None:
        pytest.skip("needs calzone: pip install calovox[geant4]")
    with pytest.MonkeyPatch.context() as patch:
        if "GEANT4_DATA_DIR" not in os.environ:
            if not SHARED_DATA.is_dir():
                pytest.skip("needs Geant4 data: set GEANT4_DATA_DIR")
            patch.setenv("GEANT4_DATA_DIR", str(SHARED_DATA))
        yield


@pytest.fixture(scope="session")
def engine(geant4_data):
    from calovox.geant4 import ShowerEngine

    return ShowerEngine()


@pytest.fixture
def photons() -> Photons:
    """Six low energies, both signs of eta, all around."""
    return Photons(
        energy=np.array([300.0, 2000.0, 500.0, 900.0, 1500.0, 400.0]),
        eta=np.array([0.3, -0.3, 1.2, -0.8, 0.0, 0.5]),
        phi=np.array([3.1, -3.1, 0.4, -0.4, 1.0, 2.0]),
        index=np.array([5, 6, 7, 8, 9, 10]),
    )
