"""What explains the numbers: the calibration that all samples share."""

from dataclasses import dataclass

from calovox.reconstruction import Calibration
from calovox.samples.samples import Samples

__all__ = ["MethodResult", "measure_method"]


@dataclass(frozen=True)
class MethodResult:
    """The calibration of the energy.

    Attributes:
        calibration: The calibration; None without reconstructed samples.
        stored: Whether the reference held it.
    """

    calibration: Calibration | None
    stored: bool


def measure_method(samples: Samples) -> MethodResult:
    """Take the calibration from the samples."""
    return MethodResult(samples.calibration, samples.calibration_stored)
