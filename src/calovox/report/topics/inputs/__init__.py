"""What the simulation draws from (note, Figures 5 and 7)."""
