"""Scores: what tells simulated showers from those of Geant4, and how sure that is."""
