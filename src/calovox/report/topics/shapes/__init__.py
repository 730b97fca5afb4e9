"""Shower shapes, region by region (note, Figures 13 to 16 and D.1)."""
