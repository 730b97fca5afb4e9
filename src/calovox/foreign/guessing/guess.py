"""A description that was guessed: with reasons, and with what could not be told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from calovox.foreign.description import Description
from calovox.foreign.description_file import format_sections, parse_description
from calovox.foreign.tables import ForeignFileError

__all__ = ["Guess"]

_SETTINGS: Final = ("length_unit", "energy_unit", "angle_unit")


@dataclass
class Guess:
    """A description that was guessed.

    Attributes:
        path: The first file of hits.
        sections: Its sections with their keys and values.
        remarks: Why a value was chosen, by section and key.
        open: What could not be told; empty for a description that can be used.
    """

    path: Path
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    remarks: dict[tuple[str, str], str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def set(self, section: str, key: str, value: Any, remark: str = "") -> None:
        """Set a value."""
        self.sections.setdefault(section, {})[key] = value
        if remark:
            self.remarks[section, key] = remark

    def ask(self, section: str, key: str, choices: Sequence[str], remark: str = "") -> None:
        """Leave a value open."""
        words = " or ".join(choices)
        self.set(section, key, "?", f"{words}?" + (f" {remark}" if remark else ""))
        self.open.append(f"`{key}` of [{section}] ({words})")

    def text(self) -> str:
        """Write the description as TOML, with what was guessed and what is open."""
        questions = [f"# cannot be told: {question}\n" for question in self.open]
        return "".join(questions) + format_sections(self.sections, self.remarks)

    def summary(self) -> str:
        """Say on one line what was guessed."""
        hits, photons = self.sections["hits"], self.sections["photons"]
        names = {key: value for key, value in hits.items() if key not in _SETTINGS}
        truth = {key: value for key, value in photons.items() if key not in _SETTINGS}
        return (
            f"hits are {_pairs(names)} in {hits['length_unit']} and {hits['energy_unit']}, "
            f"photons {_pairs(truth)} in {photons['energy_unit']}"
        )

    def description(self) -> Description:
        """Give the description, if nothing is open.

        Returns:
            The description.

        Raises:
            ForeignFileError: If something is open.
        """
        if self.open:
            raise ForeignFileError(
                f"{self.path}: cannot tell {self.open[0]}: --dry-run prints a description to "
                "complete, for --description"
            )
        return parse_description(self.sections)


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{k} = {v}" if f"{v}" != k else k for k, v in values.items())
