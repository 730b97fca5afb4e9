"""One shower as a picture: its voxels, its cells, or its longitudinal profile."""

from calovox.drawing.figure import ShowerFigure, save_shower
from calovox.drawing.reading import read_shower
from calovox.drawing.shower import OneShower
from calovox.drawing.views import VIEWS, View, draw_shower

__all__ = [
    "VIEWS",
    "OneShower",
    "ShowerFigure",
    "View",
    "draw_shower",
    "read_shower",
    "save_shower",
]
