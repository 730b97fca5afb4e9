r"""Switching off the reactions of photons and leptons with nuclei.

calzone adds these reactions to every electromagnetic model and has no setting for them. Without
hadronic physics their products leave the calorimeter as if it were empty: about one 65 GeV photon
in 80 would lose most of its energy at its first interaction, and all showers a little later on.

For photons, Geant4 keeps the reaction inside its general gamma process. That process forgets it
when ``G4GammaGeneralProcess::AddHadProcess`` is given none; tables made afterwards, for the
materials of a new geometry, hold electromagnetic processes alone. For leptons the command
``/process/inactivate`` does. Both are reached through the C++ names in the libraries inside
calzone's package.
"""

import ctypes
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, Final

__all__ = ["Geant4LibraryError", "switch_off_nuclear_reactions"]

_LEPTON_PROCESSES: Final = ("electronNuclear", "positronNuclear", "muonNuclear")
_GENERAL_GAMMA_SUB_TYPE: Final = 16
"""``fGammaGeneralProcess`` of G4EmProcessSubType.hh."""


class Geant4LibraryError(RuntimeError):
    """A function of Geant4's libraries that is missing or refuses its work."""


def switch_off_nuclear_reactions() -> None:
    """Switch the reactions off for every geometry that is run from now on.

    To be called once Geant4 is initialised, that is after a first run in any geometry.

    Raises:
        Geant4LibraryError: If a function is missing, or Geant4 refuses.
    """
    _forget_photonuclear_reactions()
    find_manager = _function("libG4intercoms", "_ZN11G4UImanager12GetUIpointerEv")
    apply_command = _function("libG4intercoms", "_ZN11G4UImanager12ApplyCommandEPKc")
    apply_command.restype = ctypes.c_int
    manager = ctypes.c_void_p(find_manager())
    for process in _LEPTON_PROCESSES:
        code = apply_command(manager, ctypes.c_char_p(f"/process/inactivate {process}".encode()))
        if code != 0:
            raise Geant4LibraryError(f"Geant4 refused to inactivate {process}: code {code}")


def _forget_photonuclear_reactions() -> None:
    gamma = ctypes.c_void_p(_function("libG4particles", "_ZN7G4Gamma10DefinitionEv")())
    find_table = _function("libG4processes_core", "_ZN14G4ProcessTable15GetProcessTableEv")
    find_process = _function(
        "libG4processes_core", "_ZNK14G4ProcessTable11FindProcessEiPK20G4ParticleDefinition"
    )
    table = ctypes.c_void_p(find_table())
    process = find_process(table, ctypes.c_int(_GENERAL_GAMMA_SUB_TYPE), gamma)
    if not process:
        raise Geant4LibraryError("Geant4 has no general gamma process: expected calzone 1.2.2")
    add_reaction = _function(
        "libG4physicslists", "_ZN21G4GammaGeneralProcess13AddHadProcessEP17G4HadronicProcess"
    )
    add_reaction(ctypes.c_void_p(process), ctypes.c_void_p(None))


def _function(library: str, name: str) -> Any:
    """Find a function, by default one that returns a pointer."""
    try:
        function = ctypes.CDLL(str(_find_library(library)))[name]
    except (AttributeError, OSError) as error:
        raise Geant4LibraryError(
            f"{library} lacks {name}: expected calzone 1.2.2 from its wheel"
        ) from error
    function.restype = ctypes.c_void_p
    return function


def _find_library(name: str) -> Path:
    try:
        found = [Path(str(file.locate())) for file in files("calzone") or []]
    except PackageNotFoundError:
        found = []
    for file in found:
        if file.name.startswith(f"{name}-"):
            return file
    raise Geant4LibraryError(
        f"the package calzone holds no {name}: expected calzone 1.2.2 from its wheel"
    )
