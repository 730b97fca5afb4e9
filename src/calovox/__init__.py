"""Fast photon showers in the ATLAS barrel calorimeter, from Geant4 hits to shower shapes."""

__version__ = "0.1.0"
