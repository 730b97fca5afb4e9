"""Evaluation: simulated showers against Geant4 in numbers, figures and one HTML page."""
