r"""How the shower shapes are named and drawn: one row per observable, in the note's order.

A new observable adds a row here and a field to `ShowerShapes`; plots and tables follow.
"""

from dataclasses import dataclass
from typing import Final

from calovox.arrays import Array, Float64
from calovox.reconstruction.shapes import ShowerShapes

__all__ = ["ATLAS_VARIABLES", "SHAPE_VARIABLES", "ShapeVariable"]


@dataclass(frozen=True)
class ShapeVariable:
    """An observable and how to draw it.

    Attributes:
        name: Field of `ShowerShapes`.
        symbol: Symbol in matplotlib's mathtext.
        unit: Unit, empty for a pure number.
        description: What it is, in a few words.
        is_energy: Whether it is multiplied by E0 / E when events of different energies are shown
            together.
        log_y: Whether its counts are better seen on a logarithmic axis.
        low: Lower end of the usual axis; for an energy as a fraction of the photon's energy.
        high: Upper end of the usual axis; likewise.
    """

    name: str
    symbol: str
    unit: str
    description: str
    is_energy: bool
    log_y: bool
    low: float
    high: float

    @property
    def label(self) -> str:
        """Label of an axis: the symbol, with its unit in brackets."""
        return f"{self.symbol} [{self.unit}]" if self.unit else self.symbol

    def values(self, shapes: ShowerShapes) -> Float64[Array, " event"]:
        """Return the observable of each event.

        Args:
            shapes: Shower shapes.

        Returns:
            The values, energies in MeV.

        Raises:
            ValueError: If the calibrated energy is asked of shapes that are not calibrated.
        """
        values: Float64[Array, " event"] | None = getattr(shapes, self.name)
        if values is None:
            raise ValueError(
                f"{self.name}: the shower shapes are not calibrated, "
                "give `cells_to_shapes` a calibration"
            )
        return values

    def axis_range(self, energy: float) -> tuple[float, float]:
        """Return the usual range of the axis.

        Args:
            energy: The photon's energy E0 in MeV.

        Returns:
            Lower and upper end, in MeV for an energy.

        Example:
            >>> SHAPE_VARIABLES[0].axis_range(65e3)
            (61100.0, 66300.0)
        """
        factor = energy if self.is_energy else 1.0
        return self.low * factor, self.high * factor


SHAPE_VARIABLES: Final = (
    ShapeVariable(
        "e_raw", r"$E_\mathrm{raw}$", "MeV", "sum of all cells", True, False, 0.94, 1.02
    ),
    ShapeVariable(
        "e_cal", r"$E_\mathrm{cal}$", "MeV", "calibrated cluster energy", True, False, 0.94, 1.06
    ),
    ShapeVariable("f1", r"$f_1$", "", "fraction of energy in EMB1", False, False, 0.0, 0.5),
    ShapeVariable(
        "delta_e", r"$\Delta E$", "MeV", "second maximum over the valley", True, True, 0.0, 0.001
    ),
    ShapeVariable(
        "e_ratio", r"$E_\mathrm{ratio}$", "", "contrast of the two maxima", False, True, 0.95, 1.0
    ),
    ShapeVariable(
        "w_eta1", r"$\omega_{\eta 1}$", "", "width in eta in EMB1", False, False, 0.7, 1.4
    ),
    ShapeVariable(
        "fracs1",
        r"$\mathrm{fracs}_1$",
        "",
        "outer over inner energy in EMB1",
        False,
        False,
        0.0,
        0.4,
    ),
    ShapeVariable("r_phi", r"$R_\phi$", "", "containment in phi in EMB2", False, False, 0.94, 1.0),
    ShapeVariable("r_eta", r"$R_\eta$", "", "containment in eta in EMB2", False, False, 0.95, 1.0),
)
"""The nine shower shapes of the note's Table 4, in the order of its figures."""

ATLAS_VARIABLES: Final = (
    ShapeVariable(
        "r_phi_atlas",
        r"$R_\phi^\mathrm{ATLAS}$",
        "",
        "containment in phi in EMB2, as in ATLAS",
        False,
        False,
        0.95,
        1.0,
    ),
    ShapeVariable(
        "r_eta_atlas",
        r"$R_\eta^\mathrm{ATLAS}$",
        "",
        "containment in eta in EMB2, as in ATLAS",
        False,
        False,
        0.94,
        1.0,
    ),
)
"""The two ratios as ATLAS defines them."""
