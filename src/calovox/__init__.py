"""Fast photon showers in the ATLAS barrel calorimeter, from Geant4 hits to shower shapes."""

from calovox.version import find_version

__version__ = find_version()
