"""Energies and directions to simulate, and how many ordinary showers each one stands for."""

from calovox.photons.photons import (
    PDG,
    Distribution,
    Fixed,
    LogUniform,
    NoteSpectrum,
    Particle,
    Photons,
    SignedUniform,
    Uniform,
    concatenate_photons,
    draw_photons,
    event_indices,
    parse_energies,
    parse_etas,
    parse_particle,
    photons_digest,
)

__all__ = [
    "PDG",
    "Distribution",
    "Fixed",
    "LogUniform",
    "NoteSpectrum",
    "Particle",
    "Photons",
    "SignedUniform",
    "Uniform",
    "concatenate_photons",
    "draw_photons",
    "event_indices",
    "parse_energies",
    "parse_etas",
    "parse_particle",
    "photons_digest",
]
