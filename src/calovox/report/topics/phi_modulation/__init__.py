"""The phi modulation, and showers at new azimuths (note, Figures 9 and 10)."""
