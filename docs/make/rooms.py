"""The rooms of the package, as the test of imports knows them."""

import ast
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "calovox"
TABLE = ROOT / "tests" / "test_repository.py"


@dataclass(frozen=True)
class Room:
    """A folder or file of the package: what it is for, and which rooms it imports."""

    name: str
    group: str
    caption: str
    imports: tuple[str, ...]

    @property
    def modules(self) -> list[str]:
        """Names of its modules that offer something, packages before what is in them."""
        place = SOURCE / self.name
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        public = [f for f in files if f.name != "__init__.py" and "__all__ = [" in f.read_text()]
        return [".".join(f.relative_to(SOURCE.parent).with_suffix("").parts) for f in public]


def read_rooms() -> list[Room]:
    """Read `MAY_IMPORT` with its comments: those behind a room are captions, the others groups."""
    text = TABLE.read_text(encoding="utf-8")
    (table,) = [
        node.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "MAY_IMPORT"
    ]
    assert isinstance(table, ast.Dict)
    comments = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments[token.start[0]] = (token.line.strip() == token.string, token.string[2:])
    rooms, group, seen = [], "", table.lineno
    for key, value in zip(table.keys, table.values, strict=True):
        name, imports = ast.literal_eval(key), ast.literal_eval(value)
        above = [comments[n][1] for n in range(seen, key.lineno) if comments.get(n, (False,))[0]]
        group = above[-1] if above else group
        rooms.append(Room(name, group, comments[key.lineno][1], tuple(imports.split())))
        seen = value.end_lineno + 1
    return rooms
