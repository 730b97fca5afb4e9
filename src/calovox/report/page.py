"""The HTML page: a section per heading, filled by the topics that stand below it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from calovox import __version__
from calovox.report.pictures import Picture
from calovox.report.topic import Heading, Measured
from calovox.samples.files import REFERENCE_LABEL

__all__ = ["render_page"]


@dataclass(frozen=True)
class _Section:
    """A section of the page: its heading, anchors and titles of its parts, and its text."""

    heading: Heading
    contents: Sequence[tuple[str, str]]
    body: Markup


def render_page(
    parts: Sequence[Measured[Any]],
    simulations: Sequence[str],
    pictures: Mapping[str, Picture],
    *,
    particle: str = "photon",
    with_cells: bool = True,
) -> str:
    """Write the page.

    Args:
        parts: All topics.
        simulations: Names of the simulations that are reconstructed.
        pictures: The figures by name.
        particle: Name of the particles.
        with_cells: Whether cells are reconstructed.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("calovox.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "version": __version__,
        "reference": REFERENCE_LABEL,
        "simulations": simulations,
        "particle": particle,
        "with_cells": with_cells,
        "pictures": pictures,
    }
    template = environment.get_template("templates/page.html.j2")
    return template.render(sections=list(_sections(parts, environment)))


def _sections(
    parts: Sequence[Measured[Any]], environment: jinja2.Environment
) -> Iterator[_Section]:
    """Join each topic with a heading and those behind it that have none."""
    shown = [part for part in parts if part.shown]
    starts = [place for place, part in enumerate(shown) if part.topic.heading is not None]
    for start, stop in zip(starts, [*starts[1:], len(shown)], strict=True):
        heading = shown[start].topic.heading
        assert heading is not None
        pages: list[tuple[str, Mapping[str, Any]]] = [
            (part.topic.name, part.page()) for part in shown[start:stop]
        ]
        bodies = [
            environment.get_template(f"topics/{name}/page.html.j2").render(page)
            for name, page in pages
        ]
        contents = [entry for _, page in pages for entry in page.get("contents", ())]
        yield _Section(heading, contents, Markup("\n".join(bodies)))
