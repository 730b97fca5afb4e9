"""The phi modulation that simulated hits have, as their file tells it."""

from pathlib import Path

from calovox.geant4.charge import TruePhiModulation
from calovox.hits.file import HitsReader
from calovox.phi_modulation.state import modulation_state

__all__ = ["read_true_modulation"]


def read_true_modulation(path: Path) -> TruePhiModulation | None:
    """Read the modulation that the simulation put into hits.

    Args:
        path: A hits file.

    Returns:
        The modulation; None if the hits do not have it, or the file does not know it.
    """
    stored = HitsReader(path).phi_modulation
    if stored is None or modulation_state(stored) != "present" or "cosines" not in stored:
        return None
    return TruePhiModulation.from_dict(stored)
