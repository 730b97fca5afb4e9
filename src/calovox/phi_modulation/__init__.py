"""Phi modulation: learn it from showers, remove it from hits, put it back."""

from calovox.phi_modulation.curve import (
    MODULATED_LAYERS,
    N_BINS,
    PERIOD,
    Modulation,
    PhiModulation,
    apply_phi_modulation,
    phi_phase,
    remove_phi_modulation,
)

__all__ = [
    "MODULATED_LAYERS",
    "N_BINS",
    "PERIOD",
    "Modulation",
    "PhiModulation",
    "apply_phi_modulation",
    "phi_phase",
    "remove_phi_modulation",
]
