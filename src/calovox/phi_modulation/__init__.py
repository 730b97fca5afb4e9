"""Phi modulation: learn it from showers, remove it from hits, put it back."""

from calovox.phi_modulation.curve import (
    MODULATED_LAYERS,
    N_BINS,
    Modulation,
    PhiModulation,
    apply_phi_modulation,
    remove_phi_modulation,
)
from calovox.phi_modulation.phases import PERIOD, center_phases, phi_phase

__all__ = [
    "MODULATED_LAYERS",
    "N_BINS",
    "PERIOD",
    "Modulation",
    "PhiModulation",
    "apply_phi_modulation",
    "center_phases",
    "phi_phase",
    "remove_phi_modulation",
]
