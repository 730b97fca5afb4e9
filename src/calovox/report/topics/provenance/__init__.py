"""What the report was made from."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure
from calovox.report.topics.provenance.measure import Provenance, collect_provenance
from calovox.report.topics.provenance.page import page_provenance
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["ProvenanceTopic"]


class ProvenanceTopic:
    """What the report was made from.

    Args:
        settings: Settings of the command, if a command made the report.
    """

    name = "provenance"
    heading = Heading("provenance", "Provenance")

    def __init__(self, settings: Mapping[str, object]) -> None:
        self._settings = settings

    def measure(self, samples: Samples) -> Provenance:
        return collect_provenance(samples.files.roles(), self._settings)

    def figures(self, result: Provenance) -> Iterator[NamedFigure]:
        return iter(())

    def page(self, result: Provenance) -> Mapping[str, object]:
        return page_provenance(result)

    def numbers(self, result: Provenance | None) -> Mapping[str, object]:
        return {"provenance": result}

    def scores(self, result: Provenance) -> Scores:
        return Scores()
