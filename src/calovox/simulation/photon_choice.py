"""Which photons a simulation is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from calovox.photons import Distribution, Particle, Photons, draw_photons, event_indices
from calovox.simulation.photon_files import read_photons

__all__ = ["PhotonChoice", "refuse_options"]


@dataclass(frozen=True, kw_only=True)
class PhotonChoice:
    """Which photons to simulate: new ones, or those of a file.

    Attributes:
        energy: Kinetic energies of new photons in MeV.
        eta: Pseudorapidities of new photons.
        file: Photons of a dataset, a hits file or a table, in place of new ones.
        number: How many; None for all of the file, or of the library, from the first one on.
        first: Index of the first event; for photons of a file or showers of a library, its row.
    """

    energy: Distribution | None = None
    eta: Distribution | None = None
    file: Path | None = None
    number: int | None = None
    first: int = 0

    def photons(
        self, asking: str, *, seed: int, at_impact: bool = False, particle: Particle = "photon"
    ) -> Photons:
        """Draw the photons, or read them.

        Args:
            asking: What needs them, for the message.
            seed: Seed of the run.
            at_impact: Whether photons of a dataset have their own direction, not that of the
                shower's centre.
            particle: What they must be in place of photons, if they are read.

        Returns:
            The photons.

        Raises:
            ValueError: If they are not determined, or determined twice, or other particles.
        """
        if self.file is not None:
            drawn = {"--energy": self.energy, "--eta": self.eta}
            refuse_options(drawn, "is not for the photons of a file: leave it out")
            return read_photons(
                self.file,
                self.number,
                first=self.first,
                at_impact=at_impact,
                seed=seed,
                particle=particle,
            )
        if self.energy is None or self.eta is None or self.number is None:
            given = {"--energy": self.energy, "--eta": self.eta, "-n": self.number}
            missing = next(option for option, value in given.items() if value is None)
            raise ValueError(f"{asking} needs {missing}, or --photons: which photons?")
        indices = event_indices(self.first, self.number)
        return draw_photons(indices, energy=self.energy, eta=self.eta, seed=seed)


def refuse_options(options: Mapping[str, object], reason: str) -> None:
    """Refuse options that are given where they mean nothing.

    Args:
        options: Options and their values; None for those that are not given.
        reason: Why.

    Raises:
        ValueError: If one is given.
    """
    for option, value in options.items():
        if value is not None:
            raise ValueError(f"{option} {reason}")
