"""Pictures of showers: averages on grids, and one in pixels (note, Figures 2 to 4)."""
