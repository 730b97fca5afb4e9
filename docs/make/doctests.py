"""An extension of Python-Markdown: examples of docstrings become blocks of code.

Python-Markdown takes `>>>` for a quotation of a quotation of a quotation.
"""

import re
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

PROMPT = re.compile(r"( *)>>> ")


class _Doctests(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        result: list[str] = []
        margin: str | None = None  # of the example that the line belongs to
        for line in [*lines, ""]:
            found = PROMPT.match(line)
            if margin is None and found:
                margin = found[1]
                result += ["", f"{margin}```pycon"]
            elif margin is not None and not line.strip():
                result.append(f"{margin}```")
                margin = None
            result.append(line)
        return result


class Doctests(Extension):
    """Examples with prompts."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register ahead of the blocks between fences."""
        md.preprocessors.register(_Doctests(md), "doctests", 40)


def makeExtension(**options: Any) -> Doctests:  # noqa: N802
    """Give the extension to Python-Markdown."""
    return Doctests(**options)
