r"""An extension of Python-Markdown: formulas in dollars become MathML.

Browsers draw MathML by themselves, so the pages need no script and nothing from elsewhere. A
formula in a line is `$x$`, one in a paragraph of its own `$$x$$`. What is no formula stays text.
"""

import re
import xml.etree.ElementTree as ET
from typing import Any

from latex2mathml.converter import convert_to_element
from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

INLINE = r"(?<![\\$\w])\$(?![\s$])([^$]+?)(?<![\s\\])\$(?![\w$])"
BLOCK = re.compile(r"^\$\$(.+?)\$\$[.,]?[ \t]*(?:\n|$)", re.DOTALL)


class _Inline(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> Any:  # noqa: N802
        try:
            return convert_to_element(m.group(1)), m.start(0), m.end(0)
        except Exception:  # no formula: each kind of fault has an error of its own
            return None, None, None


class _Block(BlockProcessor):
    def test(self, parent: ET.Element, block: str) -> bool:
        return BLOCK.match(block) is not None

    def run(self, parent: ET.Element, blocks: list[str]) -> bool:
        block = blocks.pop(0)
        found = BLOCK.match(block)
        assert found is not None
        convert_to_element(found.group(1), display="block", parent=parent)
        if rest := block[found.end() :].strip():
            blocks.insert(0, rest)
        return True


class Formulas(Extension):
    """Formulas in lines and paragraphs."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register both kinds."""
        md.inlinePatterns.register(_Inline(INLINE, md), "formula", 185)
        md.parser.blockprocessors.register(_Block(md.parser), "formula", 170)


def makeExtension(**options: Any) -> Formulas:  # noqa: N802
    """Give the extension to Python-Markdown."""
    return Formulas(**options)
