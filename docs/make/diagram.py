"""The diagram of the data flow as SVG: `python -m docs.make.diagram`."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

PICTURE = Path(__file__).resolve().parents[1] / "pictures" / "flow.svg"
WIDTH, HEIGHT = 700, 670
BOX_HEIGHT = 54
SHOWN = 560

STYLE = """
  text { font-family: sans-serif; font-size: 17px; fill: #1a1a2e; text-anchor: middle; }
  .arrow { font-size: 14px; font-family: monospace; fill: #444; }
  .reference { fill: #e3e3e3; stroke: #555; } .simulation { fill: #cfe3f7; stroke: #1f5f9f; }
  .training { fill: #fbe3c8; stroke: #b5651d; } .common { fill: #dcefdc; stroke: #2e7d32; }
  rect { stroke-width: 1.5; rx: 8; } polyline { stroke: #444; stroke-width: 1.6; fill: none; }
"""


@dataclass(frozen=True)
class Box:
    """A stage: its text, kind, and the middle of its box."""

    text: str
    kind: str
    x: int
    y: int
    width: int = 170


BOXES = {
    "photons": Box("photons", "common", 350, 40),
    "geant4": Box("Geant4", "reference", 120, 130),
    "hits": Box("hits", "reference", 120, 245),
    "dataset": Box("voxels: dataset", "training", 350, 245, 160),
    "training": Box("training", "training", 350, 130, 160),
    "model": Box("model or library", "simulation", 585, 130),
    "voxels": Box("voxels", "simulation", 585, 245),
    "simulated": Box("hits", "simulation", 585, 355),
    "cells": Box("cells", "common", 350, 430),
    "shapes": Box("shower shapes", "common", 350, 530),
    "report": Box("report", "common", 350, 630),
}
ARROWS = [  # from, to, text, and where the text stands
    ("photons", "geant4", "", None),
    ("photons", "model", "", None),
    ("geant4", "hits", "", None),
    ("hits", "dataset", "hits_to_voxels", (235, 205)),
    ("dataset", "training", "", None),
    ("training", "model", "ONNX", (465, 120)),
    ("model", "voxels", "", None),
    ("voxels", "simulated", "voxels_to_hits", (520, 305)),
    ("hits", "cells", "hits_to_cells", (195, 420)),
    ("simulated", "cells", "hits_to_cells", (510, 420)),
    ("cells", "shapes", "cells_to_shapes", (420, 484)),
    ("shapes", "report", "", None),
]


def draw() -> str:
    """Write the diagram."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{SHOWN}" height="{SHOWN * HEIGHT // WIDTH}" role="img">',
        "<title>Reference and simulated showers share all stages from hits on</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L10 5L0 10z" style="fill:#444;stroke:none"/>'
        "</marker></defs>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for start, end, text, place in ARROWS:
        lines.append(_arrow(BOXES[start], BOXES[end]))
        if place is not None:
            lines.append(
                f'<text class="arrow" x="{place[0]}" y="{place[1]}">{escape(text)}</text>'
            )
    lines += [_box(box) for box in BOXES.values()]
    return "\n".join([*lines, "</svg>", ""])


def _box(box: Box) -> str:
    """Draw a box around its text."""
    x, y = box.x - box.width // 2, box.y - BOX_HEIGHT // 2
    return (
        f'<rect class="{box.kind}" x="{x}" y="{y}" width="{box.width}" height="{BOX_HEIGHT}"/>'
        f'<text x="{box.x}" y="{box.y + 6}">{escape(box.text)}</text>'
    )


def _arrow(start: Box, end: Box) -> str:
    """Join two boxes, straight if they are above or beside each other, else with one corner."""
    side = 1 if end.x > start.x else -1
    down = 1 if end.y > start.y else -1
    if start.x == end.x:
        corners = [
            (start.x, start.y + down * BOX_HEIGHT // 2),
            (end.x, end.y - down * BOX_HEIGHT // 2),
        ]
    elif start.y == end.y:
        corners = [
            (start.x + side * start.width // 2, start.y),
            (end.x - side * end.width // 2, end.y),
        ]
    elif start is BOXES["photons"]:
        corners = [(start.x + side * start.width // 2, start.y), (end.x, start.y)]
        corners += [(end.x, end.y - BOX_HEIGHT // 2)]
    else:
        corners = [(start.x, start.y + BOX_HEIGHT // 2), (start.x, end.y)]
        corners += [(end.x - side * end.width // 2, end.y)]
    points = " ".join(f"{x},{y}" for x, y in corners)
    return f'<polyline points="{points}" marker-end="url(#tip)"/>'


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(), encoding="utf-8")
