"""Whether the voxels of samples have the phi modulation, or not, as those of the reference.

Models learn voxels without it, and hits get it back. Geant4's voxels have it unless `calovox
voxelize --phi-modulation` removed it: compared with those of models, they tell the modulation.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from calovox.dataset.keys import DatasetError
from calovox.dataset.reader import DatasetReader
from calovox.phi_modulation.state import State, modulation_state

__all__ = ["say_other_modulation"]

_BARE: Final = frozenset[State]({"removed", "absent"})


def say_other_modulation(
    reference: Sequence[Path], samples: Mapping[str, Sequence[Path]]
) -> list[str]:
    """Name the samples whose voxels have no phi modulation where those of the reference have it.

    Args:
        reference: Files of the reference.
        samples: Files of each sample.

    Returns:
        One sentence; none if all are alike, or files do not say.
    """
    if "present" not in _states(reference):
        return []
    bare = [name for name, paths in samples.items() if _states(paths) & _BARE]
    if not bare:
        return []
    return [
        f"voxels of the reference have the phi modulation, those of {', '.join(bare)} have not, "
        "and what compares voxels sees it; cells are alike. For voxels, take a reference of "
        "`calovox voxelize --phi-modulation`"
    ]


def _states(paths: Sequence[Path]) -> set[State]:
    return {_state(path) for path in paths}


def _state(path: Path) -> State:
    try:
        provenance = DatasetReader(path).provenance
    except DatasetError:  # showers in another format
        return "unknown"
    return modulation_state(provenance.get("phi_modulation"))
