"""Counts of all outcomes, and the smallest failing input of each kind."""

import json
import shutil
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from fuzz.outcomes import FAILURES
from fuzz.worker import Result

__all__ = ["Tally"]

_COLUMNS = ("unmade", "refused", "accepted", *FAILURES)
_EXAMPLES = 4000


class Tally:
    """Counts outcomes, and keeps failing inputs.

    Args:
        folder: Where failing inputs are kept, one folder each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_target: Counter[tuple[str, str]] = Counter()
        self._by_change: Counter[tuple[str, str]] = Counter()
        self._smallest: dict[tuple[str, str], int] = {}
        self._accepted: list[dict[str, str | int]] = []
        self._seconds: dict[str, float] = {}
        self.slowest: Result | None = None

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self._by_target.total()

    @property
    def n_failures(self) -> int:
        """Number of inputs with an outcome that must not be."""
        return sum(n for (_, kind), n in self._by_target.items() if kind in FAILURES)

    def add(self, result: Result, folder: Path) -> None:
        """Count a result.

        Args:
            result: The result.
            folder: The input, which is copied if it is the smallest that fails in its way.
        """
        kind = result.outcome.kind
        self._by_target[result.case.target, kind] += 1
        seconds = self._seconds.get(result.case.target, 0.0)
        self._seconds[result.case.target] = seconds + result.seconds
        for change in _kinds_of_change(result.change):
            self._by_change[change, kind] += 1
        if self.slowest is None or result.seconds > self.slowest.seconds:
            self.slowest = result
        if kind in FAILURES:
            self._keep(result, folder)
        elif kind == "accepted" and len(self._accepted) < _EXAMPLES:
            self._accepted.append(asdict(result.case) | {"change": result.change})

    def table(self) -> str:
        """Write the counts as two tables: by reader and by mutation."""
        times = ", ".join(
            f"{name} {1e3 * seconds / sum(_nested(self._by_target)[name].values()):.0f}"
            for name, seconds in self._seconds.items()
        )
        targets, changes = (
            _table(title, counts)
            for title, counts in (("target", self._by_target), ("mutation", self._by_change))
        )
        return f"{targets}\n\n{changes}\n\nms per input: {times}"

    def write(self, path: Path) -> None:
        """Write counts and examples of accepted inputs as JSON."""
        content = {
            "targets": _nested(self._by_target),
            "mutations": _nested(self._by_change),
            "accepted": self._accepted,
        }
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def failures(self) -> list[str]:
        """List the ways in which inputs failed."""
        return [f"{target}: {place}" for target, place in sorted(self._smallest)]

    def _keep(self, result: Result, folder: Path) -> None:
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        key = (result.case.target, result.outcome.place)
        if self._smallest.get(key, size + 1) <= size:
            return
        self._smallest[key] = size
        kept = self._folder / f"{result.case.target.replace(' ', '_')}_{_slug(key[1])}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept / "input", symlinks=True)
        text = (
            f"{result.outcome.kind}: {result.outcome.place}\n{result.reader}\n{result.change}\n"
            f"again: python -m fuzz --seed {result.case.seed} "
            f"--only '{result.case.target}' --first {result.case.number} --inputs 1\n\n"
            f"{result.outcome.reason}\n"
        )
        (kept / "about.txt").write_text(text, encoding="utf-8", errors="backslashreplace")


def _kinds_of_change(change: str) -> set[str]:
    """Name the formats whose mutations were applied: what stands before the colons."""
    parts = change.partition(": ")[2].split("; ")
    return {part.partition(":")[0] for part in parts}


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text)[-80:]


def _nested(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    names = sorted({name for name, _ in counts})
    return {name: {kind: counts[name, kind] for kind in _COLUMNS} for name in names}


def _table(title: str, counts: Counter[tuple[str, str]]) -> str:
    lines = [f"{title:<24}" + "".join(f"{kind:>11}" for kind in _COLUMNS)]
    rows = _nested(counts)
    rows["all"] = {kind: sum(row[kind] for row in rows.values()) for kind in _COLUMNS}
    if title == "mutation":
        del rows["all"]  # an input may have several
    for name, row in rows.items():
        lines.append(f"{name:<24}" + "".join(f"{row[kind]:>11}" for kind in _COLUMNS))
    return "\n".join(lines)
