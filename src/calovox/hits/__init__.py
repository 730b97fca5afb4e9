"""Hits: energy deposits of showers, how they are merged, and their file."""

from calovox.hits.hits import Hits, concatenate_hits

__all__ = ["Hits", "concatenate_hits"]
