"""Rows of the page on the layers."""

from typing import Any

import numpy as np

from calovox.report.topics.layers.measure import QUANTITIES, LayersResult, Moments

__all__ = ["page_layers"]


def page_layers(result: LayersResult) -> dict[str, Any]:
    """Collect what the template shows."""
    return {
        "counts": [(sample.label, sample.n_events) for sample in result.samples],
        "titles": [
            f"{entry.title} [{entry.unit}]" if entry.unit else entry.title for entry in QUANTITIES
        ],
        "layers": [
            {
                "name": name,
                "cells": [
                    _cell(result.samples[0].quantities[entry.name], layer) for entry in QUANTITIES
                ],
            }
            for layer, name in enumerate(result.names)
        ],
        "contents": [],
    }


def _cell(moments: Moments, layer: int) -> tuple[str, str] | None:
    """Write mean and standard deviation of a layer; None where there are none."""
    mean, rms = moments.mean[layer], moments.rms[layer]
    if not np.isfinite(mean):
        return None
    first, second = (f"{value:.3g}".replace("-", "−") for value in (mean, rms))
    return first, second
