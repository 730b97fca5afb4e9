r"""The detector that Geant4 sees: concentric shells that stand for the ATLAS barrel.

Seen from the beam axis outwards: solenoid and cryostat (aluminium, 1.9 radiation lengths), the
presampler (11 mm of active liquid argon inside its module), the accordion calorimeter, the rear
wall of the cryostat, and the first layer of the tile calorimeter. All shells are full tubes, so
nothing leaks through the sides.

*Accordion.* The real absorbers are folded plates that run outwards in zigzag, with folding angles
of 92 degrees at the inner and 70 degrees at the outer radius: a plate makes an angle of 44 to 55
degrees with the radius, so that a radial line crosses 1.44 to 1.22 times its thickness, on average
1.3 times. The flat shells keep the volume fractions of plates and gaps and stretch both by that
factor: 470 mm / (1.3 x 6.675 mm) = 54 absorbers. Along a radius there are then 23 radiation
lengths, and as many absorbers as a straight track meets in the real calorimeter. An absorber
(lead between steel sheets, glued) and a gap (two liquid-argon gaps and the electrode between
them) are one homogeneous material each: deposits of a gap include those of its electrode, which
the sampling fraction takes into account.

*Lead.* 1.53 mm for |eta| < 0.8 and 1.13 mm above; the glue fills the difference. Each absorber
shell changes material at the z at which its mean radius has |eta| = 0.8.

*Frame.* Showers are simulated at phi = 0 and eta >= 0 and turned or mirrored afterwards, so the
model ends 0.8 m beyond z = 0 on the negative side.

References:
    ATLAS LAr Collaboration, *Liquid Argon Calorimeter Technical Design Report*,
    CERN/LHCC/96-41 (1996), https://cds.cern.ch/record/331061
    B. Aubert et al., *Construction, assembly and tests of the ATLAS electromagnetic barrel
    calorimeter*, NIM A 558 (2006) 388, https://doi.org/10.1016/j.nima.2005.11.212
    ATLAS Collaboration, *The ATLAS Experiment at the CERN Large Hadron Collider*, JINST 3 (2008)
    S08003, https://doi.org/10.1088/1748-0221/3/08/S08003
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["ENTRANCE_RADIUS", "LEAD_TRANSITION_ETA", "DetectorModel", "Shell"]

ENTRANCE_RADIUS: Final = 1150.0
"""Photons start at this radius, in mm."""

LEAD_TRANSITION_ETA: Final = 0.8
"""|eta| at which the lead gets thinner."""

_LEAD_THICKNESS: Final = {"ThickLeadAbsorber": 1.53, "ThinLeadAbsorber": 1.13}
_STEEL_THICKNESS: Final = 0.4
_ABSORBER_THICKNESS: Final = 2.2
_ARGON_THICKNESS: Final = 4.2
_COPPER_THICKNESS: Final = 0.105
_KAPTON_THICKNESS: Final = 0.17
_GAP_THICKNESS: Final = _ARGON_THICKNESS + _COPPER_THICKNESS + _KAPTON_THICKNESS

_DENSITY: Final = {"Pb": 11.35, "Fe": 7.87, "Ar": 1.396, "Cu": 8.96, "Kapton": 1.42, "Glue": 1.3}
"""In g/cm3."""

_KAPTON: Final = {"C": 0.691, "H": 0.026, "N": 0.073, "O": 0.210}
_GLUE: Final = {"C": 0.70, "H": 0.07, "O": 0.23}


@dataclass(frozen=True)
class Shell:
    """A tube of one material, or of two that meet at |eta| = 0.8.

    Attributes:
        name: Unique name, letters and digits, starting with a capital.
        r_min: Inner radius in mm.
        r_max: Outer radius in mm.
        material: Name of the material.
        sensitive: Whether energy deposits are recorded.
        material_beyond: Material at z above the point where the mean radius has |eta| = 0.8.
    """

    name: str
    r_min: float
    r_max: float
    material: str
    sensitive: bool = False
    material_beyond: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.r_min < self.r_max:
            raise ValueError(
                f"Shell {self.name}: expected 0 <= r_min < r_max, got {self.r_min:g} "
                f"and {self.r_max:g}"
            )

    @property
    def z_transition(self) -> float:
        """The z in mm at which the mean radius has |eta| = 0.8."""
        return 0.5 * (self.r_min + self.r_max) * math.sinh(LEAD_TRANSITION_ETA)


@dataclass(frozen=True)
class DetectorModel:
    """The numbers of the shells; lengths in mm.

    Attributes:
        n_absorbers: Absorber shells of the accordion.
        accordion: Inner and outer radius of the accordion.
        dead_material: Inner radius and thickness of each aluminium shell before the presampler.
        presampler_module: Inner and outer radius of the presampler's volume.
        presampler_gap: Inner and outer radius of its active liquid argon.
        rear_wall: Inner radius and thickness of the aluminium behind the accordion.
        tile: Inner and outer radius of the first tile layer.
        n_tile_plates: Periods of 14 mm iron and 3 mm scintillator (scaled to fit).
        z_range: Lowest and highest z.
        branching: Neighbouring shells that share one enclosing tube, at each level of the tree.
    """

    n_absorbers: int = 54
    accordion: tuple[float, float] = (1500.0, 1970.0)
    dead_material: tuple[tuple[float, float], ...] = ((1230.0, 59.0), (1300.0, 110.0))
    presampler_module: tuple[float, float] = (1412.0, 1500.0)
    presampler_gap: tuple[float, float] = (1424.0, 1435.0)
    rear_wall: tuple[float, float] = (2010.0, 80.0)
    tile: tuple[float, float] = (2300.0, 2600.0)
    n_tile_plates: int = 17
    z_range: tuple[float, float] = (-800.0, 5500.0)
    branching: int = 4

    def __post_init__(self) -> None:
        if self.n_absorbers < 1 or self.n_tile_plates < 1:
            raise ValueError("DetectorModel: expected at least one absorber and one tile plate")
        if self.branching < 2:
            raise ValueError(f"DetectorModel: `branching` must be 2 or more, got {self.branching}")

    @property
    def period(self) -> float:
        """Radial distance of two absorbers of the accordion in mm."""
        return (self.accordion[1] - self.accordion[0]) / self.n_absorbers

    def shells(self) -> tuple[Shell, ...]:
        """Return all shells from the entrance outwards, without a hole between them."""
        return tuple(
            _filled(
                [*self._front(), *self._accordion(), *self._rear()],
                ENTRANCE_RADIUS,
                self.tile[1],
            )
        )

    def _front(self) -> Iterator[Shell]:
        for index, (radius, thickness) in enumerate(self.dead_material):
            yield Shell(f"DeadMaterial{index}", radius, radius + thickness, "G4_Al")
        inner, outer = self.presampler_module
        low, high = self.presampler_gap
        yield Shell("PresamplerFront", inner, low, "G4_lAr")
        yield Shell("PresamplerGap", low, high, "G4_lAr", sensitive=True)
        yield Shell("PresamplerBack", high, outer, "G4_lAr")

    def _accordion(self) -> Iterator[Shell]:
        # a photon crosses folded plates: as shells they fill the same share of the radius
        half_absorber = 0.5 * self.period * _ABSORBER_THICKNESS
        half_absorber /= _ABSORBER_THICKNESS + _GAP_THICKNESS
        thick, thin = _LEAD_THICKNESS
        radius = self.accordion[0]
        for index in range(self.n_absorbers):
            middle = self.accordion[0] + (index + 0.5) * self.period
            low, high = middle - half_absorber, middle + half_absorber
            yield Shell(f"Gap{index}", radius, low, "AccordionGap", sensitive=True)
            yield Shell(f"Absorber{index}", low, high, thick, material_beyond=thin)
            radius = high
        last = self.accordion[1]
        yield Shell(f"Gap{self.n_absorbers}", radius, last, "AccordionGap", sensitive=True)

    def _rear(self) -> Iterator[Shell]:
        wall, thickness = self.rear_wall
        yield Shell("RearArgon", self.accordion[1], wall, "G4_lAr")
        yield Shell("RearWall", wall, wall + thickness, "G4_Al")
        inner, outer = self.tile
        period = (outer - inner) / self.n_tile_plates
        for index in range(self.n_tile_plates):
            start = inner + index * period
            border = start + period * 14.0 / 17.0
            yield Shell(f"TileIron{index}", start, border, "G4_Fe")
            yield Shell(
                f"TilePlate{index}", border, start + period, "G4_POLYSTYRENE", sensitive=True
            )

    def materials(self) -> dict[str, Any]:
        """Return the mixtures as calzone reads them: g/cm3 and mass fractions."""
        parts = {
            name: {"Pb": lead, "Fe": _STEEL_THICKNESS}
            | {"Glue": _ABSORBER_THICKNESS - lead - _STEEL_THICKNESS}
            for name, lead in _LEAD_THICKNESS.items()
        }
        parts["AccordionGap"] = {
            "Ar": _ARGON_THICKNESS,
            "Cu": _COPPER_THICKNESS,
            "Kapton": _KAPTON_THICKNESS,
        }
        return {"mixtures": {name: _mixture(layers) for name, layers in parts.items()}}


def _mixture(thicknesses: dict[str, float]) -> dict[str, Any]:
    """Spread a stack of layers over its volume: mean density and mass fractions."""
    areal = {name: _DENSITY[name] * thickness for name, thickness in thicknesses.items()}
    mass = sum(areal.values())
    composition: dict[str, float] = {}
    for name, part in areal.items():
        elements = {"Kapton": _KAPTON, "Glue": _GLUE}.get(name, {name: 1.0})
        for element, fraction in elements.items():
            key = f"G4_{element}"
            composition[key] = composition.get(key, 0.0) + fraction * part / mass
    return {"density": mass / sum(thicknesses.values()), "composition": composition}


def _filled(shells: list[Shell], start: float, stop: float) -> Iterator[Shell]:
    """Fill the holes between shells with vacuum."""
    radius = start
    for shell in shells:
        if shell.r_min > radius + 1e-9:
            yield Shell(f"Before{shell.name}", radius, shell.r_min, "G4_Galactic")
        yield shell
        radius = shell.r_max
    if stop > radius + 1e-9:
        yield Shell("Outside", radius, stop, "G4_Galactic")
