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

_MODULATED: Final = frozenset[State]({"present"})
_BARE: Final = frozenset[State]({"removed", "absent"})
_ADVICE: Final = (
    ", and what compares voxels sees it; cells are alike. For voxels, take showers of "
    "`calovox voxelize --phi-modulation`"
)


def say_other_modulation(
    reference: Sequence[Path], samples: Mapping[str, Sequence[Path]]
) -> list[str]:
    """Name the samples that do not have the phi modulation in common with the reference.

    Args:
        reference: Files of the reference.
        samples: Files of each sample.

    Returns:
        A sentence for samples without it, or for samples with it; none if all are alike, or
        files do not say.
    """
    own_states = _states(reference)
    states = {name: _states(paths) for name, paths in samples.items()}
    sentences = []
    for own, other, words in (
        (_MODULATED, _BARE, "have the phi modulation, those of {} have not"),
        (_BARE, _MODULATED, "have no phi modulation, those of {} have it"),
    ):
        if own_states & own:
            names = [name for name, known in states.items() if known & other]
            if names:
                sentences.append(
                    f"voxels of the reference {words.format(', '.join(names))}{_ADVICE}"
                )
    return sentences


def _states(paths: Sequence[Path]) -> set[State]:
    return {_state(path) for path in paths}


def _state(path: Path) -> State:
    try:
        provenance = DatasetReader(path).provenance
    except DatasetError:  # showers in another format
        return "unknown"
    return modulation_state(provenance.get("phi_modulation"))
