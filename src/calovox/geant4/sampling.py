r"""Sampling fractions: from energy released in active material to the electromagnetic scale.

The sampling fraction of a part of the detector is the energy released in its recording volumes
over the energy released in all of it, for showers of electrons,

$$f = \frac{\sum E_{\mathrm{active}}}{\sum E_{\mathrm{active}} + \sum E_{\mathrm{passive}}}.$$

Dividing deposits by f puts the mean energy of an electron shower inside that part on the
electromagnetic scale. `SamplingFractions` holds the values measured by
`measure_sampling_fractions` with its default arguments (20 GeV electrons, 0.1 mm cut) for the
built-in detector. Electrons start at the inner surface of the part: for the accordion in the
regions of thick and thin lead, for the tile layer in front of it. For the presampler they start
at the entrance of the calorimeter, so that it sees the beginning of a shower; its fraction refers
to its whole module up to the accordion.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, UInt8
from calovox.geant4.charge import ACCORDION
from calovox.geant4.detector import ENTRANCE_RADIUS, LEAD_TRANSITION_ETA, DetectorModel
from calovox.geant4.engine import ELECTRON, Deposits, ShowerEngine, random_positions
from calovox.geometry import BARREL_LAYERS, atlas_barrel

__all__ = ["SamplingFractions", "measure_sampling_fractions"]

_THICK_LEAD_ETA: Final = 0.3
_THIN_LEAD_ETA: Final = 1.1


@dataclass(frozen=True)
class SamplingFractions:
    """Active over total energy of each part of the detector.

    Attributes:
        presampler: Of the presampler's module.
        thick_lead: Of the accordion for |eta| < 0.8.
        thin_lead: Of the accordion for |eta| >= 0.8.
        tile: Of the first tile layer.
    """

    presampler: float = 0.1050
    thick_lead: float = 0.2321
    thin_lead: float = 0.2767
    tile: float = 0.0333

    def __post_init__(self) -> None:
        for name in ("presampler", "thick_lead", "thin_lead", "tile"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise ValueError(f"SamplingFractions: `{name}` must be in (0, 1], got {value}")

    def of_deposits(
        self, layers: UInt8[Array, " hit"], etas: Float64[Array, " hit"]
    ) -> Float64[Array, " hit"]:
        """Look up the fraction that applies to each deposit.

        Args:
            layers: Layer number of each deposit.
            etas: Pseudorapidity of each deposit.

        Returns:
            The fractions.
        """
        others = {"presampler": self.presampler, "tile": self.tile}
        table = np.array([others.get(layer.role, self.thick_lead) for layer in BARREL_LAYERS])
        fractions: Float64[Array, " hit"] = table[atlas_barrel().positions(layers)]
        accordion = np.isin(layers, ACCORDION)
        fractions[accordion & (np.abs(etas) >= LEAD_TRANSITION_ETA)] = self.thin_lead
        return fractions


def measure_sampling_fractions(
    detector: DetectorModel | None = None,
    *,
    energy: float = 20e3,
    n_electrons: int = 100,
    cut: float = 0.1,
    seed: int = 1,
) -> tuple[SamplingFractions, SamplingFractions]:
    """Simulate electrons in a detector that records every deposit.

    Args:
        detector: The detector; the built-in one by default.
        energy: Kinetic energy of the electrons in MeV.
        n_electrons: Electrons for each of the four parts.
        cut: Production threshold in mm.
        seed: Seed of the run.

    Returns:
        The sampling fractions and their statistical uncertainties.
    """
    detector = detector or DetectorModel()
    engine = ShowerEngine(detector, cut=cut, recording="all")
    accordion = detector.accordion
    cases = {
        "presampler": (ENTRANCE_RADIUS, _THICK_LEAD_ETA, detector.presampler_module),
        "thick_lead": (accordion[0], _THICK_LEAD_ETA, accordion),
        "thin_lead": (accordion[0], _THIN_LEAD_ETA, accordion),
        "tile": (detector.tile[0], _THICK_LEAD_ETA, detector.tile),
    }
    active = {shell.name for shell in detector.shells() if shell.sensitive}
    values, errors = {}, {}
    for number, (name, (radius, eta, region)) in enumerate(cases.items()):
        indices = np.arange(n_electrons) + number * n_electrons
        ratios = [
            _active_and_total(_electrons(engine, energy, radius, eta, batch, seed), region, active)
            for batch in np.array_split(indices, max(1, n_electrons // 5))
        ]
        active_energy, total_energy = np.concatenate(ratios, axis=1)
        values[name] = float(active_energy.sum() / total_energy.sum())
        residual = active_energy - values[name] * total_energy
        errors[name] = float(math.sqrt(np.square(residual).sum()) / total_energy.sum())
    return SamplingFractions(**values), replace(SamplingFractions(), **errors)


def _electrons(
    engine: ShowerEngine,
    energy: float,
    radius: float,
    eta: float,
    indices: Array,
    seed: int,
) -> Deposits:
    n_events = len(indices)
    direction = np.array([1.0, 0.0, math.sinh(eta)]) / math.cosh(eta)
    start = (radius + 1e-3) * math.cosh(eta) * direction
    return engine.run_particles(
        ELECTRON,
        np.full(n_events, energy),
        np.tile(start, (n_events, 1)),
        np.tile(direction, (n_events, 1)),
        random_positions(seed, indices),
    )


def _active_and_total(
    deposits: Deposits, region: tuple[float, float], active: set[str]
) -> Float64[Array, "kind event"]:
    middle = 0.5 * (deposits.start + deposits.end)
    radius = np.hypot(middle[:, 0], middle[:, 1])
    inside = (radius >= region[0]) & (radius < region[1])
    is_active = np.array([name in active for name in deposits.shell_names])[deposits.shell]
    event = np.repeat(np.arange(len(deposits)), np.diff(deposits.event_offsets))
    return np.stack(
        [
            np.bincount(event, deposits.energy * chosen, minlength=len(deposits))
            for chosen in (inside & is_active, inside)
        ]
    )
