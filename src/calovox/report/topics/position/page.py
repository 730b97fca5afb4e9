"""Rows of the page on positions."""

from typing import Any

from calovox.report.text import with_error
from calovox.report.topics.position.draw import position_name
from calovox.report.topics.position.measure import Barycentre, PositionResult, PositionSetting

__all__ = ["page_position"]


def page_position(result: PositionResult) -> dict[str, Any]:
    """Collect what the template shows: a table of bias and width for each setting."""
    return {"settings": [_setting(setting) for setting in result.settings]}


def _setting(setting: PositionSetting) -> dict[str, Any]:
    first = setting.barycentres[0].rows
    numbers = {(row.energy_bin, row.label): row.n_showers for row in first}
    return {
        "figure": position_name(setting),
        "noise": setting.noise,
        "columns": [entry.observable.label for entry in setting.barycentres],
        "rows": [
            {
                "energy": energy,
                "label": label,
                "n_showers": number,
                "cells": [_cell(entry, energy, label) for entry in setting.barycentres],
            }
            for (energy, label), number in numbers.items()
        ],
    }


def _cell(entry: Barycentre, energy: str, label: str) -> dict[str, str]:
    for row in entry.rows:
        if (row.energy_bin, row.label) == (energy, label):
            return {
                "bias": with_error(row.bias, row.bias_error),
                "width": with_error(row.width, row.width_error),
            }
    return {"bias": "–", "width": "–"}
