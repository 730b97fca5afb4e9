"""Exported models corrected with showers of Geant4: a critic says what differs."""
