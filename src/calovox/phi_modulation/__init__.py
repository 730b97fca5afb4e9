"""Phi modulation: learn it from showers, remove it from hits, put it back."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_OF_PHASES = ("PERIOD", "center_phases", "phi_phase")


def __getattr__(name: str) -> Any:
    # imported when asked for: the command line reads `fit_settings` without waiting for numba
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(
        import_module(f"{__name__}.{'phases' if name in _OF_PHASES else 'curve'}"), name
    )
