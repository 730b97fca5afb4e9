"""Figures as files, and as text inside a page that needs no other file.

A figure with few lines is embedded as a vector graphic. One with many lines is embedded as a
lossless picture, which is then several times smaller.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure
from PIL import Image

from calovox.report.style import style

__all__ = ["LARGEST_VECTOR", "Picture", "save_figure"]

LARGEST_VECTOR: Final = 100_000
"""Size in bytes up to which a vector graphic is embedded."""


@dataclass(frozen=True)
class Picture:
    """A figure for a page.

    Attributes:
        uri: The whole figure as a data URI.
        width: Width in pixels on the page.
        height: Height in pixels on the page.
    """

    uri: str
    width: int
    height: int


def save_figure(figure: Figure, folder: Path, name: str) -> Picture:
    """Write a figure as PNG and SVG, and prepare it for a page."""
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    with style():
        figure.savefig(png)
        figure.set_layout_engine("none")  # everything is at its place
        figure.savefig(svg, metadata={"Date": None})
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    if svg.stat().st_size <= LARGEST_VECTOR:
        return Picture(_data_uri(svg, "image/svg+xml"), width, height)
    webp = folder / f"{name}.webp"
    with Image.open(png) as picture:
        picture.convert("RGB").save(webp, lossless=True)
    uri = _data_uri(webp, "image/webp")
    webp.unlink()
    return Picture(uri, width, height)


def _data_uri(path: Path, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
