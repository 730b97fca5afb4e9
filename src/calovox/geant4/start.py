r"""Photons that start inside the detector, as those that have not interacted before.

A photon has no memory: one that starts at radius R on its line is one that has come there without
an interaction, which happens with the survival probability s. If a share b of the photons starts
at R and the others at the entrance, a photon whose first interaction lies beyond R is found

$$(1 - b) + b / s$$

times as often as among photons from the entrance, and any other one 1 - b times as often. Each
event has the inverse as its weight; with b = 1 that is s itself. For b < 1 the weighted showers
are a sample of all showers, and the mean of the weights is 1; for b = 1 they are the late ones
alone, and the mean of the weights is the share of these.

References:
    H. Kahn, T. E. Harris, *Estimation of particle transmission by random sampling*, National
    Bureau of Standards Applied Mathematics Series 12 (1951) 27
    E. Veach, L. J. Guibas, *Optimally combining sampling techniques for Monte Carlo rendering*,
    SIGGRAPH 1995, the balance heuristic
"""

from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geant4.detector import ENTRANCE_RADIUS, DetectorModel
from calovox.geant4.survival import survival_probability
from calovox.photons import Photons
from calovox.random_streams import Stream, event_keys, event_uniforms

__all__ = ["StartRadius", "event_weights", "start_radii"]


@dataclass(frozen=True)
class StartRadius:
    """Where some of the photons start.

    Attributes:
        radius: Distance from the beam axis in mm.
        share: Share of the photons that start there; the others start at the entrance.
    """

    radius: float
    share: float = 1.0

    def __post_init__(self) -> None:
        outer = DetectorModel().shells()[-1].r_max
        if not ENTRANCE_RADIUS < self.radius < outer:
            raise ValueError(
                f"start radius: expected {ENTRANCE_RADIUS:g} to {outer:g} mm, the entrance and "
                f"the end of the detector, got {self.radius:g} mm"
            )
        if not 0.0 < self.share <= 1.0:
            raise ValueError(f"start share: expected a number in (0, 1], got {self.share:g}")


def start_radii(
    photons: Photons, start: StartRadius | None, *, seed: int
) -> Float64[Array, " event"]:
    """Choose where photons start; each choice depends on the seed and the index alone.

    Args:
        photons: The photons.
        start: Where some of them start; None for none.
        seed: Seed of the run.

    Returns:
        Distances from the beam axis in mm.
    """
    radii = np.full(len(photons), ENTRANCE_RADIUS)
    if start is not None:
        keys = event_keys(seed, Stream.START, photons.index)
        radii[event_uniforms(keys, 1)[:, 0] < start.share] = start.radius
    return radii


def event_weights(
    photons: Photons, start: StartRadius, *, detector: DetectorModel | None = None
) -> Float64[Array, " event"]:
    """Compute what showers weigh of which some start inside the detector.

    Args:
        photons: The photons, with the radii of their first interactions.
        start: Where some of them start.
        detector: The detector; the built-in one by default.

    Returns:
        The inverse of how much more often each is found than among photons from the entrance.

    Raises:
        ValueError: If the radii are not known, or the mean free path at an energy.
    """
    if photons.interaction_radius is None:
        raise ValueError("event_weights: expected photons with `interaction_radius`, got none")
    frequency = np.full(len(photons), 1.0 - start.share)
    survival = survival_probability(photons, start.radius, detector=detector)
    late = photons.interaction_radius >= start.radius
    frequency[late] += start.share / survival[late]
    return 1.0 / frequency
