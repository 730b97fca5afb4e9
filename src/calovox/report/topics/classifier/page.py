"""Rows of the page on the classifier."""

from typing import Any

from calovox.report.text import with_error
from calovox.scores.classifiers.network import N_SEEDS, Classification, ClassifierResult

__all__ = ["page_classifier"]


def page_classifier(result: ClassifierResult) -> dict[str, Any]:
    """Collect the tables: simulations, then the floor, for both inputs."""
    tests = [("voxels", "all voxels", result)]
    if result.high_level is not None:
        tests.append(("high-level", "high-level features", result.high_level))
    tables = [
        {
            "name": name,
            "inputs": inputs,
            "rows": [_classifier_row(entry) for entry in (*test.simulated, test.floor)],
        }
        for name, inputs, test in tests
    ]
    return {"classifier": tables, "n_seeds": N_SEEDS}


def _classifier_row(result: Classification) -> dict[str, str]:
    return {
        "label": result.label,
        "n_showers": f"{result.n_showers}",
        "mean": f"{result.mean:.3f}",
        "spread": f"{result.spread:.3f}",
        "error": f"{result.error:.3f}",
        "seeds": ", ".join(f"{auc:.3f}" for auc in result.auc),
        "divergence": with_error(
            float(result.divergence.mean()), float(result.divergence_errors.mean())
        ),
    }
