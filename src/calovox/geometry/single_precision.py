r"""Many points around a shower centre, converted to eta and phi in single precision.

The result is that of `eta_phi_kernel`, rounded to single precision, to the last bit; it takes a
quarter of the time, since the compiler makes vector instructions of sums and products but not of
library calls. Sine and cosine are polynomials here, wrong by less than 2^-51. An error of the
double-precision result matters only where it crosses the border between two single-precision
numbers: both ends of the interval of possible results are rounded, and if they differ for any
point, which happens once in some million points, all are converted by `eta_phi_kernel` itself.

References:
    W. J. Cody, W. Waite, *Software manual for the elementary functions*, 1980, chapter 8
    (reduction of the angle); the coefficients are those of fdlibm's `__kernel_sin` and
    `__kernel_cos`, https://www.netlib.org/fdlibm/.
"""

import math
from typing import Final

import numpy as np

from calovox.arrays import Array
from calovox.geometry.coordinates import eta_phi_kernel, wrap_phi_kernel
from calovox.kernels import kernel

__all__ = ["fill_eta_phi", "phi_in_single_precision", "sine_and_cosine"]

_LARGEST_PHI: Final = float(np.nextafter(np.float32(math.pi), np.float32(0.0)))
_ERROR: Final = 2.0**-49

_QUARTERS_PER_RAD: Final = 2.0 / math.pi
_QUARTER: Final = float.fromhex("0x1.921fb544p+0")
"""The first 33 bits of pi / 2: a few quarters are exact."""
_QUARTER_REST: Final = float.fromhex("0x1.0b4611a626331p-34")


@kernel(forceinline=True)
def sine_and_cosine(angle: float) -> tuple[float, float]:
    """Evaluate sine and cosine without a branch, inside a compiled kernel.

    Args:
        angle: Angle in rad, from -2 pi to 2 pi.

    Returns:
        Both, wrong by less than 2^-51.
    """
    # the nearest quarter turn is taken off in two parts, so that the rest loses no digits
    quarters = np.int32(math.floor(angle * _QUARTERS_PER_RAD + 0.5))
    x = (angle - quarters * _QUARTER) - quarters * _QUARTER_REST
    z = x * x
    sine = 2.75573137070700676789e-6 + z * (
        -2.50507602534068634195e-8 + z * 1.58969099521155010221e-10
    )
    sine = 8.33333333332248946124e-3 + z * (-1.98412698298579493134e-4 + z * sine)
    sine = x + x * z * (-1.66666666666666324348e-1 + z * sine)
    cosine = -2.75573143513906633035e-7 + z * (
        2.08757232129817482790e-9 + z * -1.13596475577881948265e-11
    )
    cosine = -1.38888888888741095749e-3 + z * (2.48015872894767294178e-5 + z * cosine)
    cosine = 1.0 - (0.5 * z - z * z * (4.16666666666666019037e-2 + z * cosine))
    # both polynomials are evaluated and then chosen: a branch would forbid vector instructions
    if quarters & 1:
        sine, cosine = cosine, -sine
    return (-sine, -cosine) if quarters & 2 else (sine, cosine)


@kernel(forceinline=True)
def phi_in_single_precision(phi: float) -> np.float32:
    """Bring an angle into [-pi, pi), in single precision, inside a compiled kernel.

    Args:
        phi: Any angle in rad.

    Returns:
        The rounded angle, none rounded up to pi.
    """
    return np.float32(min(max(wrap_phi_kernel(phi), -_LARGEST_PHI), _LARGEST_PHI))


@kernel(error_model="numpy")
def fill_eta_phi(
    r: Array,
    alpha: Array,
    eta_center: float,
    phi_center: float,
    r_center: float,
    eta: Array,
    phi: Array,
) -> None:
    """Convert points as `eta_phi_kernel`, to single precision, inside a compiled kernel.

    Args:
        r: Distances from the shower centre in mm.
        alpha: Angles around the shower centre in rad, [0, 2 pi].
        eta_center: Pseudorapidity of the shower centre.
        phi_center: Azimuth of the shower centre in rad.
        r_center: Distance of the shower centre from the beam axis in mm.
        eta: Filled with the pseudorapidities, in single precision.
        phi: Filled with the azimuths in rad, in single precision, none rounded up to pi.
    """
    side = -1.0 if eta_center < 0.0 else 1.0
    n_unsure = 0
    for point in range(r.size):
        sine, cosine = sine_and_cosine(alpha[point])
        size = r[point] / r_center
        point_eta = eta_center + side * (size * cosine)
        point_phi = phi_center + size * sine
        eta_error = _ERROR * (size + abs(point_eta))
        phi_error = _ERROR * (size + abs(point_phi))
        # both ends of what the exact result may be; if they round alike, so does the exact one
        eta[point] = np.float32(point_eta - eta_error)
        phi[point] = phi_in_single_precision(point_phi - phi_error)
        n_unsure += eta[point] != np.float32(point_eta + eta_error)
        n_unsure += phi[point] != phi_in_single_precision(point_phi + phi_error)
    # counted, not tested point by point: the loop above has no branch
    if n_unsure > 0:
        for point in range(r.size):
            point_eta, point_phi = eta_phi_kernel(
                r[point], alpha[point], eta_center, phi_center, r_center
            )
            eta[point] = point_eta
            phi[point] = phi_in_single_precision(point_phi)
