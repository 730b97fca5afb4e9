"""Hits: energy deposits of showers, how they are merged, and their file."""

from calovox.hits.file import HitsFileError, HitsReader, HitsWriter, read_hits
from calovox.hits.hits import Hits, concatenate_hits

__all__ = [
    "Hits",
    "HitsFileError",
    "HitsReader",
    "HitsWriter",
    "concatenate_hits",
    "read_hits",
]
