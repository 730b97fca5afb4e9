"""FastCaloSimV2: the parametric photon simulation of AtlFast3; no torch."""
