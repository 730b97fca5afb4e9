"""What a topic of the report is: numbers measured, figures, a part of the page, scores.

A topic is a folder of `topics/` with fixed names inside: `measure.py` computes the numbers,
`draw.py` draws them, `page.py` writes them for the template `page.html.j2` beside it. The loop in
`report.py` does the rest, and `contents.py` lists all topics in the order of the page.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

from matplotlib.figure import Figure

from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["Heading", "Incomplete", "Measured", "NamedFigure", "NotShown", "Topic"]

Result = TypeVar("Result")

NamedFigure: TypeAlias = tuple[str, Callable[[], Figure]]
"""Name of a figure, and a function that draws it."""


@dataclass(frozen=True)
class NotShown:
    """Why a topic is not shown.

    Attributes:
        missing: One line each.
    """

    missing: tuple[str, ...]


@runtime_checkable
class Incomplete(Protocol):
    """What has parts that are not shown: `NotShown`, or the result of a topic."""

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not shown, and why, one line each."""
        ...


@dataclass(frozen=True)
class Heading:
    """Where a section of the page begins.

    Attributes:
        anchor: Name that links lead to.
        title: Its title.
    """

    anchor: str
    title: str


@runtime_checkable
class Topic(Protocol[Result]):
    """One topic of the report; what it needs beyond samples is given to its constructor."""

    @property
    def name(self) -> str:
        """Name of its folder."""
        ...

    @property
    def heading(self) -> Heading | None:
        """Where its section begins; None if it continues the section of the topic before."""
        ...

    def measure(self, samples: Samples) -> Result | NotShown:
        """Compute all numbers; `missing` of the result names the parts that are not shown."""
        ...

    def figures(self, result: Result) -> Iterator[NamedFigure]:
        """List its figures."""
        ...

    def page(self, result: Result) -> Mapping[str, object]:
        """Collect what its template shows, `contents` among it: anchors and titles of parts."""
        ...

    def numbers(self, result: Result | None) -> Mapping[str, object]:
        """Give its entries of `report.json`: always the same keys, also if it is not shown."""
        ...

    def scores(self, result: Result) -> Scores:
        """Give its scores."""
        ...


@dataclass(frozen=True)
class Measured(Generic[Result]):
    """A topic and what it measured.

    Attributes:
        topic: The topic.
        result: Its numbers, or why there are none.
    """

    topic: Topic[Result]
    result: Result | NotShown

    @property
    def shown(self) -> bool:
        """Whether there is anything to show."""
        return not isinstance(self.result, NotShown)

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not shown, and why."""
        return self.result.missing if isinstance(self.result, Incomplete) else ()

    @property
    def numbers(self) -> Mapping[str, object]:
        """Entries of `report.json`."""
        return self.topic.numbers(None if isinstance(self.result, NotShown) else self.result)

    @property
    def scores(self) -> Scores:
        """Scores; none if the topic is not shown."""
        return self.topic.scores(cast(Result, self.result)) if self.shown else Scores()

    def figures(self) -> Iterator[NamedFigure]:
        """List the figures; none if the topic is not shown."""
        if self.shown:
            yield from self.topic.figures(cast(Result, self.result))

    def page(self) -> Mapping[str, object]:
        """Collect what the template shows; only if the topic is shown."""
        return self.topic.page(cast(Result, self.result))
