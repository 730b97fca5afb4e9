"""What a file says about the phi modulation in its energies, so that none is treated twice.

A hits file stores a mapping, the parameters of the generator's modulation if there are any, with
the entry ``state``: ``present`` (also where it is missing), ``removed`` or ``absent``. A file
without the mapping, such as a user's own hits, does not know.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

__all__ = ["State", "modulation_state", "state_after_applying", "state_after_removing"]

State = Literal["present", "removed", "absent", "unknown"]

_STATES: Final[tuple[State, ...]] = ("present", "removed", "absent", "unknown")


def modulation_state(stored: Mapping[str, Any] | None) -> State:
    """Read the state out of what a file stores.

    Args:
        stored: The mapping, or None if the file has none.

    Returns:
        The state.

    Raises:
        ValueError: If the stored state is none that we know.

    Example:
        >>> modulation_state({"state": "removed"})
        'removed'
    """
    if stored is None:
        return "unknown"
    state = stored.get("state", "present")
    for known in _STATES:
        if state == known:
            return known
    raise ValueError(f"phi modulation: expected one of the states {_STATES}, got '{state}'")


def state_after_removing(stored: Mapping[str, Any] | None, path: Path) -> dict[str, Any]:
    """Refuse to remove what is not there; otherwise give what the new file stores.

    Args:
        stored: The mapping of the file that is read.
        path: That file, for the message.

    Returns:
        The mapping of the file that is written.

    Raises:
        ValueError: If the modulation was removed before, or never was there.
    """
    state = modulation_state(stored)
    if state in ("removed", "absent"):
        raise ValueError(
            f"{path}: the phi modulation is {state} already; remove it from hits that have it"
        )
    return {**(stored or {}), "state": "removed"}


def state_after_applying(stored: Mapping[str, Any] | None, path: Path) -> dict[str, Any]:
    """Refuse to apply what is there; otherwise give what the new file stores.

    Args:
        stored: The mapping of the file that is read.
        path: That file, for the message.

    Returns:
        The mapping of the file that is written.

    Raises:
        ValueError: If the energies hold a modulation.
    """
    if modulation_state(stored) == "present":
        raise ValueError(
            f"{path}: the phi modulation is present already; apply it to hits that lack it"
        )
    return {**(stored or {}), "state": "present"}
