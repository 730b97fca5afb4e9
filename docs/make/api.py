"""A hook of MkDocs: one page of the API for each room of the package, as the sources are."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs.make.rooms import Room, read_rooms

INSIDE = {"version", "kernels", "arrays", "text", "cli"}
"""Rooms without a page: what they offer is for the package itself, or a command."""


def shown_rooms() -> list[Room]:
    """Give the rooms that have a page."""
    return [room for room in read_rooms() if room.name not in INSIDE]


def page_of(room: Room) -> str:
    """Write the page of a room."""
    parts = [f"# {room.name}", f"{room.caption[:1].upper()}{room.caption[1:]}."]
    parts += [f"::: {module}" for module in room.modules]
    return "\n\n".join(parts) + "\n"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages of the rooms behind the first page of the API."""
    nav: list[Any] = config.nav or []
    for section in nav:
        for entry in section.get("Build on it", []) if isinstance(section, dict) else []:
            if isinstance(entry, dict) and "API" in entry:
                entry["API"] += [{room.name: f"api/{room.name}.md"} for room in shown_rooms()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the pages beside those that are written by hand."""
    for room in shown_rooms():
        files.append(File.generated(config, f"api/{room.name}.md", content=page_of(room)))
    return files
