"""Search for the smallest grid: rings are merged step by step while cells do not show it."""

from calovox.grid_search.make import GridFiles, find_grid
from calovox.grid_search.path import GridPath, OtherGrid, PathStep
from calovox.grid_search.search import GridSearch, SearchSettings, search_grid
from calovox.grid_search.showers import read_showers
from calovox.grid_search.start import fine_grid

__all__ = [
    "GridFiles",
    "GridPath",
    "GridSearch",
    "OtherGrid",
    "PathStep",
    "SearchSettings",
    "find_grid",
    "fine_grid",
    "read_showers",
    "search_grid",
]
