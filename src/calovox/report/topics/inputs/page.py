"""Captions of the figures of what the simulation draws from."""

from calovox.report.topics.inputs.measure import InputsResult

__all__ = ["page_inputs"]


def page_inputs(result: InputsResult) -> dict[str, str]:
    """Collect what the template shows."""
    return {
        "n_drawn": f"{int(result.spectrum.counts.sum()):,}".replace(",", " "),
        "probability": f"{result.interpolations[0].probability:.2f}",
    }
